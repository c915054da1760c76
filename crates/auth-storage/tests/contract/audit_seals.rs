//! The chain of seals. The rule: even under races, each row is in one batch, each batch has one number, and each seal follows the one
//! before.

use crate::{
    builders::{anonymous, at},
    fixture::{Fixture, all},
};
use auth_domain::{
    audit::{Action, AuditEvent, ChainHead, LONGEST_WRITE, Seal, SealFormat, sealed_bytes},
    ids::AuditEventId,
};
use auth_storage::{
    Storage,
    audit::{self, Signer as _},
};
use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex},
};

/// A requested seal: its number, the authentication code of the one before, and the rows.
type Asked = (i64, [u8; 32], Vec<AuditEventId>);

/// Authentication codes without a secret, which record the seals that were requested.
#[derive(Default)]
pub(crate) struct Signer(Mutex<Vec<Asked>>);

impl audit::Signer for Signer {
    fn code(&self, seal: &Seal, events: &[AuditEvent]) -> [u8; 32] {
        let ids = events.iter().map(|event| event.id).collect();
        self.0.lock().unwrap().push((seal.number, seal.previous, ids));
        let mut hasher = DefaultHasher::new();
        sealed_bytes(seal, events).hash(&mut hasher);
        let mut mac = [7; 32];
        mac[..8].copy_from_slice(&hasher.finish().to_be_bytes());
        mac
    }

    fn mark(&self, head: &ChainHead) -> Vec<u8> {
        head.bytes().to_vec()
    }

    fn head(&self, mark: &[u8]) -> Option<ChainHead> {
        ChainHead::from_bytes(mark.try_into().ok()?)
    }
}

pub(crate) fn signer() -> Arc<Signer> {
    Arc::default()
}

/// Seals the unsealed rows, and returns the seal.
async fn seal(db: &Storage, most: u32, seconds: i64) -> Option<Seal> {
    db.seal_audit(most, at(seconds), signer()).await.unwrap().seal
}

/// The newest seal according to the mark.
async fn head(db: &Storage) -> Option<ChainHead> {
    let mark = db.setting(audit::HEAD).await.unwrap();
    mark.map(|mark| signer().head(&mark).unwrap())
}

/// A row that an attacker inserts into the table, dated some seconds after [`at`]`(0)`.
fn put_in(fixture: &Fixture, number: u32, seconds: i64, action: &str) -> String {
    let millis = at(seconds).timestamp_millis();
    let id = format!(
        "{:08x}-{:04x}-7000-8000-{number:012x}",
        millis >> 16,
        millis & 0xFFFF
    );
    let moment = if fixture.is_sqlite() {
        at(seconds).timestamp_micros().to_string()
    } else {
        format!("to_timestamp({})", at(seconds).timestamp())
    };
    fixture.execute(&format!(
        "INSERT INTO audit_events (id, at, actor, action, details) VALUES ('{id}', {moment}, 'anonymous', '{action}', '{{}}')"
    ));
    id
}

async fn note(db: &Storage, seconds: i64) {
    db.record_event(Action::Exported, None, vec![], anonymous(at(seconds)))
        .await
        .unwrap();
}

/// Some batches of two rows each, sealed a second apart.
async fn batches(fixture: &Fixture, count: i64) -> Vec<Seal> {
    let mut seals = Vec::new();
    for n in 1..=count {
        note(&fixture.db, n).await;
        note(&fixture.db, n).await;
        seals.push(seal(&fixture.db, 10, n).await.unwrap());
    }
    seals
}

/// Walks the chain from its beginning: each seal follows the one before and covers its rows. Returns the ids of the rows.
async fn walk(db: &Storage) -> Vec<AuditEventId> {
    let (mut number, mut previous, mut ids) = (0, [0; 32], Vec::new());
    while let Some(batch) = db.audit_batch_after(number).await.unwrap() {
        let seal = batch.seal;
        assert_eq!((seal.number, seal.previous), (number + 1, previous));
        assert_eq!(seal.count, i64::try_from(batch.events.len()).unwrap());
        assert_eq!(
            (seal.mac, batch.unreadable),
            (signer().code(&seal, &batch.events), 0)
        );
        ids.extend(batch.events.iter().map(|event| event.id));
        (number, previous) = (seal.number, seal.mac);
    }
    ids
}

const ROWS: &str = "SELECT count(*) AS n FROM audit_events";
const SEALS: &str = "SELECT count(*) AS n FROM audit_seals";

/// The step that removes these batches, which are the first.
fn step(read: Option<Vec<u8>>, seals: &[Seal]) -> audit::PruneStep {
    let floor = seals.last().unwrap().number;
    audit::PruneStep {
        read,
        mark: vec![u8::try_from(floor).unwrap()],
        floor,
        rows: usize::try_from(seals.iter().map(|seal| seal.count).sum::<i64>()).unwrap(),
        seals: seals.len(),
        last: true,
    }
}

on_both! {
    fn rows_are_closed_oldest_first_into_batches_that_chain(fixture) {
        for n in 0..5 {
            note(&fixture.db, n).await;
        }
        assert_eq!((fixture.db.unsealed_audit().await.unwrap(), fixture.db.newest_seal().await.unwrap()), (5, None));
        let listening = signer();
        let mut seals = Vec::new();
        while let Some(seal) = fixture.db.seal_audit(2, at(9), Arc::<Signer>::clone(&listening)).await.unwrap().seal {
            assert_eq!(fixture.db.newest_seal().await.unwrap().as_ref(), Some(&seal));
            assert_eq!(seal.format, SealFormat::Second);
            seals.push(seal);
        }
        assert_eq!(seals.iter().map(|seal| (seal.number, seal.count, seal.sealed_at)).collect::<Vec<_>>(), [(1, 2, at(9)), (2, 2, at(9)), (3, 1, at(9))]);
        let ids: Vec<_> = fixture.noted().await.iter().map(|event| event.id).collect();
        let said = listening.0.lock().unwrap().clone();
        assert_eq!(said, [
            (1, [0; 32], ids[..2].to_vec()),
            (2, seals[0].mac, ids[2..4].to_vec()),
            (3, seals[1].mac, ids[4..].to_vec()),
        ]);
        assert_eq!(walk(&fixture.db).await, ids);
        assert_eq!((fixture.db.unsealed_audit().await.unwrap(), fixture.db.stray_audit_batch(0).await.unwrap()), (0, None));
    }

    fn a_row_that_comes_late_goes_into_a_later_batch(fixture) {
        note(&fixture.db, 10).await;
        seal(&fixture.db, 10, 11).await.unwrap();
        // From a node whose clock is behind.
        note(&fixture.db, 1).await;
        let seal = seal(&fixture.db, 10, 12).await.unwrap();
        let second = fixture.db.audit_batch_after(1).await.unwrap().unwrap();
        assert_eq!((seal.number, &second.seal, second.events[0].at), (2, &seal, at(1)));
        assert_eq!(walk(&fixture.db).await.len(), 2);
    }

    fn concurrent_sealers_use_no_number_and_cover_no_row_twice(fixture) {
        let second = fixture.another().await;
        for n in 0..40 {
            note(&fixture.db, n).await;
        }
        let stores = [fixture.db.clone(), second];
        let sealers = (0..12).map(|n| {
            let db = stores[n % 2].clone();
            tokio::spawn(async move {
                let mut seals = Vec::new();
                while let Some(seal) = db.seal_audit(3, at(50), signer()).await.unwrap().seal {
                    seals.push(seal.number);
                }
                seals
            })
        });
        let sealers: Vec<_> = sealers.collect();
        let writers = (0..20).map(|n| {
            let db = stores[usize::from(n % 2 == 0)].clone();
            tokio::spawn(async move { note(&db, n).await })
        });
        all(writers).await;
        let mut numbers: Vec<i64> = all(sealers).await.into_iter().flatten().collect();
        while let Some(seal) = fixture.db.seal_audit(3, at(50), signer()).await.unwrap().seal {
            numbers.push(seal.number);
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=i64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
        let ids = walk(&fixture.db).await;
        assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (60, 60));
        assert_eq!(fixture.db.unsealed_audit().await.unwrap(), 0);
    }

    fn verified_old_batches_are_removed_and_the_rest_still_verifies(fixture) {
        let seals = batches(&fixture, 6).await;
        let step = step(None, &seals[..3]);
        assert_eq!(fixture.db.prune_audit(step.clone(), anonymous(at(20))).await.unwrap(), audit::PruneOutcome::Done);
        assert_eq!((fixture.number(ROWS), fixture.number(SEALS)), (7, 3));
        assert_eq!(fixture.db.setting(audit::FLOOR).await.unwrap(), Some(vec![3]));
        assert_eq!(fixture.db.stray_audit_batch(3).await.unwrap(), None);
        let pruned = fixture.noted().await.pop().unwrap();
        assert_eq!((pruned.action, pruned.details["up_to"].as_str()), (Action::AuditPruned, "3"));
        // The same step again: another node has moved the beginning since it was read.
        assert_eq!(fixture.db.prune_audit(step, anonymous(at(20))).await.unwrap(), audit::PruneOutcome::Overtaken);
        assert_eq!(fixture.times(Action::AuditPruned).await, 1);
        let next = fixture.db.audit_batch_after(3).await.unwrap().unwrap();
        assert_eq!((next.seal, next.events.len()), (seals[3].clone(), 2));
        let on = seal(&fixture.db, 9, 21).await.unwrap();
        assert_eq!((on.number, on.previous), (7, seals[5].mac));
    }

    fn if_the_rows_differ_from_those_verified_none_is_removed(fixture) {
        let seals = batches(&fixture, 4).await;
        fixture.execute("UPDATE audit_events SET batch = 1 WHERE batch = 3");
        assert_eq!(fixture.db.prune_audit(step(None, &seals[..2]), anonymous(at(20))).await.unwrap(), audit::PruneOutcome::Changed);
        assert_eq!((fixture.number(ROWS), fixture.number(SEALS)), (8, 4));
        assert_eq!(fixture.db.setting(audit::FLOOR).await.unwrap(), None);
        assert_eq!(fixture.times(Action::AuditPruned).await, 0);
    }

    fn the_newest_seal_is_never_removed(fixture) {
        let seals = batches(&fixture, 3).await;
        assert_eq!(fixture.db.prune_audit(step(None, &seals), anonymous(at(20))).await.unwrap(), audit::PruneOutcome::Overtaken);
        assert_eq!(fixture.db.setting(audit::FLOOR).await.unwrap(), None);
        assert_eq!((walk(&fixture.db).await.len(), fixture.db.newest_seal().await.unwrap()), (6, seals.last().cloned()));
    }

    /// If the mark went back, rows that were pruned would look as if an attacker had removed them.
    fn of_concurrent_prunings_one_moves_the_beginning(fixture) {
        let seals = batches(&fixture, 8).await;
        let second = fixture.another().await;
        let stores = [fixture.db.clone(), second];
        let outcomes = all((0..8).map(|n| {
            let db = stores[n % 2].clone();
            let step = step(None, &seals[..if n < 4 { 3 } else { 6 }]);
            tokio::spawn(async move { (step.floor, db.prune_audit(step, anonymous(at(20))).await.unwrap()) })
        })).await;
        let done: Vec<i64> = outcomes.into_iter().filter(|(_, outcome)| *outcome == audit::PruneOutcome::Done).map(|(floor, _)| floor).collect();
        assert_eq!(done.len(), 1);
        assert_eq!(fixture.db.setting(audit::FLOOR).await.unwrap(), Some(vec![u8::try_from(done[0]).unwrap()]));
        assert_eq!(fixture.number("SELECT min(batch) AS n FROM audit_events"), done[0] + 1);
        assert_eq!(fixture.number("SELECT min(number) AS n FROM audit_seals"), done[0] + 1);
    }

    /// The previous version removed rows first and their seals last, and may have ended in between.
    fn remains_of_batches_that_an_older_version_removed_are_deleted_in_steps(fixture) {
        batches(&fixture, 4).await;
        put_in(&fixture, 1, 5, "exported");
        fixture.execute("UPDATE audit_events SET batch = 0 WHERE batch IS NULL");
        assert_eq!(fixture.db.stray_audit_batch(2).await.unwrap(), Some(1));
        let clear = async || fixture.db.clear_pruned_audit(2, 3).await.unwrap();
        assert_eq!((clear().await, clear().await, clear().await), (3, 1, 0));
        assert_eq!(fixture.db.stray_audit_batch(2).await.unwrap(), None);
        // Rows that were set aside are not deleted.
        assert_eq!((fixture.number(ROWS), fixture.number(SEALS)), (5, 2));
    }

    fn a_row_of_a_missing_batch_is_found(fixture) {
        batches(&fixture, 2).await;
        note(&fixture.db, 9).await;
        assert_eq!(fixture.db.stray_audit_batch(0).await.unwrap(), None);
        fixture.execute("UPDATE audit_events SET batch = 99 WHERE batch IS NULL");
        assert_eq!(fixture.db.stray_audit_batch(0).await.unwrap(), Some(99));
    }

    /// docs/rules.md §9: otherwise a row with an old date could be added to the chain at any time.
    fn a_row_inserted_afterwards_is_set_aside_and_named(fixture) {
        note(&fixture.db, 1_000).await;
        assert_eq!(seal(&fixture.db, 10, 1_000).await.unwrap().number, 1);
        let late = 1_000 - LONGEST_WRITE.num_seconds() - 1;
        let old = put_in(&fixture, 1, late - 86_400, "signed_in");
        let just = put_in(&fixture, 2, late, "signed_in");
        let future = put_in(&fixture, 3, 90_000, "signed_in");
        note(&fixture.db, late + 1).await;
        let round = fixture.db.seal_audit(10, at(1_001), signer()).await.unwrap();
        assert_eq!(round.seal.unwrap().count, 1);
        let refused: Vec<_> = round.refused.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(refused, [&old, &just, &future]);
        let expected = audit::RefusedRows { count: 3, ids: vec![old, just, future] };
        assert_eq!(fixture.db.refused_audit().await.unwrap(), expected);
        assert_eq!((fixture.db.unsealed_audit().await.unwrap(), fixture.db.stray_audit_batch(0).await.unwrap()), (0, None));
        assert_eq!(walk(&fixture.db).await.len(), 2);
    }

    /// The mark authenticates the time of the previous seal, so changing it in its row admits nothing.
    fn a_backdated_seal_admits_no_old_row(fixture) {
        note(&fixture.db, 1_000).await;
        seal(&fixture.db, 10, 1_000).await.unwrap();
        fixture.execute(if fixture.is_sqlite() { "UPDATE audit_seals SET sealed_at = 0" } else { "UPDATE audit_seals SET sealed_at = to_timestamp(0)" });
        let old = put_in(&fixture, 1, 500, "signed_in");
        let round = fixture.db.seal_audit(10, at(1_001), signer()).await.unwrap();
        assert_eq!((round.seal, round.refused[0].id.clone()), (None, old));
    }

    /// docs/rules.md §9: one unreadable row must not stop the sealing of all others.
    fn an_unreadable_row_is_left_out_of_the_seal_and_named(fixture) {
        note(&fixture.db, 0).await;
        seal(&fixture.db, 10, 0).await.unwrap();
        let unread = put_in(&fixture, 1, 1, "no action");
        note(&fixture.db, 2).await;
        // No version writes such an action. An unreadable row waits, because another version may be able to read it.
        let round = fixture.db.seal_audit(10, at(3), signer()).await.unwrap();
        assert_eq!((round.seal.unwrap().count, round.refused.len(), fixture.db.unsealed_audit().await.unwrap()), (1, 0, 1));
        let wait = LONGEST_WRITE.num_seconds();
        assert_eq!(fixture.db.unsealed_audit_before(at(1)).await.unwrap(), 0);
        assert_eq!(fixture.db.unsealed_audit_before(at(2)).await.unwrap(), 1);
        note(&fixture.db, 2 + wait).await;
        let round = fixture.db.seal_audit(10, at(2 + wait), signer()).await.unwrap();
        assert_eq!((round.seal.unwrap().count, round.refused[0].id.as_str()), (1, unread.as_str()));
        assert!(round.refused[0].why.contains("action"), "{}", round.refused[0].why);
        assert_eq!(fixture.db.refused_audit().await.unwrap().ids, [unread]);
        // It hides no other row in a list, however small the pages are.
        let page = auth_storage::Pagination { after: None, limit: 3 };
        assert_eq!(fixture.db.audit(audit::Filter::default(), page).await.unwrap().len(), 3);
    }

    /// A sealed row that was made unreadable is found in its batch.
    fn a_sealed_row_that_cannot_be_read_is_counted(fixture) {
        batches(&fixture, 2).await;
        fixture.execute("UPDATE audit_events SET action = 'no action' WHERE batch = 1");
        let batch = fixture.db.audit_batch_after(0).await.unwrap().unwrap();
        assert_eq!((batch.events.len(), batch.unreadable, batch.seal.count), (0, 2, 2));
        assert_eq!(fixture.db.audit_batch_after(1).await.unwrap().unwrap().unreadable, 0);
    }

    fn the_mark_names_the_newest_seal_and_is_kept_if_the_chain_differs(fixture) {
        let seals = batches(&fixture, 3).await;
        let newest = head(&fixture.db).await.unwrap();
        assert_eq!((newest.number, newest.mac, newest.at, newest.epoch), (3, seals[2].mac, at(3), 0));
        // A new chain begins.
        fixture.execute("DELETE FROM audit_seals; UPDATE audit_events SET batch = NULL");
        assert_eq!(seal(&fixture.db, 10, 4).await.unwrap().number, 1);
        assert_eq!(head(&fixture.db).await, Some(newest));
        let standing = fixture.db.audit_state().await.unwrap();
        assert_eq!((standing.newest.unwrap().number, standing.unsealed), (1, 0));
        // An operator has accepted it.
        let accepted = fixture.db.accept_audit(signer(), anonymous(at(9))).await.unwrap().unwrap();
        let later = head(&fixture.db).await.unwrap();
        assert_eq!((later.number, later.mac, later.at), (1, accepted.mac, at(9)));
        assert!(later.epoch > newest.epoch);
        assert_eq!(fixture.times(Action::AuditAccepted).await, 1);
        let next = seal(&fixture.db, 10, 10).await.unwrap();
        assert_eq!(head(&fixture.db).await.map(|head| (head.epoch, head.number)), Some((later.epoch, next.number)));
    }

    fn a_remembered_head_is_stored_unless_it_is_already(fixture) {
        batches(&fixture, 1).await;
        let mark = fixture.db.setting(audit::HEAD).await.unwrap();
        fixture.db.keep_audit_head(None, vec![9]).await.unwrap();
        assert_eq!(fixture.db.setting(audit::HEAD).await.unwrap(), mark);
        fixture.db.keep_audit_head(mark, vec![9]).await.unwrap();
        assert_eq!(fixture.db.setting(audit::HEAD).await.unwrap(), Some(vec![9]));
    }

    /// A chain of the previous version continues, and its next seal has the new format.
    fn a_chain_of_the_first_format_continues_in_the_second(fixture) {
        batches(&fixture, 2).await;
        fixture.execute("UPDATE audit_seals SET format = 1; DELETE FROM settings WHERE name = 'audit_head'");
        note(&fixture.db, 3).await;
        let next = seal(&fixture.db, 10, 3).await.unwrap();
        assert_eq!((next.number, next.format), (3, SealFormat::Second));
        assert_eq!(head(&fixture.db).await.map(|head| head.number), Some(3));
    }
}
