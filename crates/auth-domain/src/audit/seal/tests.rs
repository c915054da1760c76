//! What a seal covers, and which rows it may include.

use super::*;
use crate::{audit::tests::event, ids::AuditEventId};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(seconds, 0).unwrap()
}

fn seal(number: i64) -> Seal {
    Seal {
        number,
        format: SealFormat::Second,
        previous: [0; 32],
        count: 1,
        mac: [1; 32],
        sealed_at: at(7),
    }
}

fn dated(seconds: i64) -> AuditEvent {
    AuditEvent {
        id: AuditEventId::from_parts(at(seconds), [1; 10]),
        at: at(seconds),
        ..event()
    }
}

#[test]
fn whatever_decides_about_sealed_rows_is_in_the_code_of_a_seal() {
    let events = [dated(5)];
    let one = sealed_bytes(&seal(1), &events);
    let others = [
        sealed_bytes(&seal(2), &events),
        sealed_bytes(
            &Seal {
                previous: [1; 32],
                ..seal(1)
            },
            &events,
        ),
        sealed_bytes(
            &Seal {
                sealed_at: at(8),
                ..seal(1)
            },
            &events,
        ),
        sealed_bytes(
            &Seal {
                format: SealFormat::First,
                ..seal(1)
            },
            &events,
        ),
        sealed_bytes(&seal(1), &[dated(6)]),
        sealed_bytes(&seal(1), &[dated(5), dated(5)]),
        sealed_bytes(&seal(1), &[]),
    ];
    for other in others {
        assert_ne!(one, other);
    }
}

/// Seals that are there already were computed over these bytes.
#[test]
fn the_first_format_is_what_it_was() {
    let old = Seal {
        format: SealFormat::First,
        ..seal(3)
    };
    let canonical = event().canonical();
    let mut expected = 3_i64.to_be_bytes().to_vec();
    expected.extend([0; 32]);
    expected.extend(1_u64.to_be_bytes());
    expected.extend((canonical.len() as u64).to_be_bytes());
    expected.extend(canonical);
    assert_eq!(sealed_bytes(&old, &[event()]), expected);
    for format in [SealFormat::First, SealFormat::Second] {
        assert_eq!(SealFormat::from_number(format.number()), Some(format));
    }
    assert_eq!(SealFormat::from_number(3), None);
}

#[test]
fn a_chain_is_continued_by_its_next_seal_alone_and_never_in_an_older_format() {
    let link = ChainPosition::of(&Seal {
        mac: [0; 32],
        ..seal(1)
    });
    assert_eq!(link.continued_by(&seal(2), 1), Ok(()));
    let table = [
        (seal(3), 1, 2),
        (
            Seal {
                format: SealFormat::First,
                ..seal(2)
            },
            1,
            2,
        ),
        (
            Seal {
                previous: [9; 32],
                ..seal(2)
            },
            1,
            2,
        ),
        (seal(2), 2, 2),
        (Seal { count: -1, ..seal(2) }, 1, 2),
    ];
    for (next, rows, batch) in table {
        let found = link.continued_by(&next, rows).unwrap_err();
        assert_eq!(found.0, batch, "{next:?}: {}", found.1);
    }
    let old = Seal {
        format: SealFormat::First,
        ..seal(1)
    };
    assert_eq!(ChainPosition::BEGINNING.continued_by(&old, 1), Ok(()));
}

#[test]
fn a_row_is_sealed_if_it_was_written_about_now() {
    let longest = LONGEST_WRITE.num_seconds();
    let (before, now) = (Some(at(1_000)), at(2_000));
    let table = [
        (dated(1_500), Ok(())),
        (dated(1_000 - longest), Ok(())),
        (dated(1_000 - longest - 1), Err(NotSealed::Late)),
        (dated(2_000 + longest), Ok(())),
        (dated(2_000 + longest + 1), Err(NotSealed::Early)),
        (
            AuditEvent {
                at: at(1_499),
                ..dated(1_500)
            },
            Err(NotSealed::Mismatched),
        ),
    ];
    for (event, expected) in table {
        assert_eq!(may_be_sealed(&event, before, now), expected, "{}", event.at);
    }
    assert_eq!(may_be_sealed(&dated(1), None, now), Ok(()));
}

#[test]
fn of_two_heads_the_one_of_the_later_epoch_counts_and_then_the_higher_number() {
    let head = |epoch, number| ChainHead {
        epoch,
        number,
        mac: [3; 32],
        at: at(4),
    };
    assert_eq!(head(0, 5).later(head(0, 4)), head(0, 5));
    assert_eq!(head(0, 5).later(head(0, 6)), head(0, 6));
    assert_eq!(head(0, 5).later(head(1, 1)), head(1, 1));
    assert_eq!(ChainHead::from_bytes(&head(7, 8).bytes()), Some(head(7, 8)));
    assert!(head(0, 0).is_of(None) && !head(0, 1).is_of(None));
    let newest = Seal {
        mac: [3; 32],
        ..seal(5)
    };
    assert!(head(0, 5).is_of(Some(&newest)) && !head(0, 4).is_of(Some(&newest)));
}
