//! What holds for the whole table, and that the documentation shows it.

use super::*;
use std::fmt::Write;

const fn pairs() -> [(Credential, Credential); 3] {
    [
        (Credential::CurrentAccessTokens, Credential::OtherAccessTokens),
        (Credential::CurrentSession, Credential::OtherSessions),
        (Credential::CurrentDevice, Credential::OtherDevices),
    ]
}

#[test]
fn an_access_token_never_outlives_its_session() {
    for event in SecurityEvent::ALL {
        for (tokens, session) in [
            (Credential::CurrentAccessTokens, Credential::CurrentSession),
            (Credential::OtherAccessTokens, Credential::OtherSessions),
        ] {
            let ends = fate(event, session) == Fate::Ends;
            assert!(!ends || fate(event, tokens) == Fate::Ends, "{event:?}");
        }
    }
}

#[test]
fn whatever_ends_other_sessions_makes_their_devices_strangers_and_ends_a_pending_change_of_address() {
    for event in SecurityEvent::ALL {
        if fate(event, Credential::OtherSessions) == Fate::Ends {
            assert_eq!(fate(event, Credential::OtherDevices), Fate::Ends, "{event:?}");
            assert_eq!(fate(event, Credential::EmailChangeLinks), Fate::Ends, "{event:?}");
        }
    }
}

#[test]
fn the_current_one_of_a_kind_never_fares_worse_than_the_others() {
    let better = |fate| match fate {
        Fate::Ends => 0,
        Fate::CarriedOver => 1,
        Fate::Stays => 2,
    };
    for event in SecurityEvent::ALL
        .into_iter()
        .filter(|event| *event != SecurityEvent::SignedOut)
    {
        for (current, other) in pairs() {
            assert!(
                better(fate(event, current)) >= better(fate(event, other)),
                "{event:?}"
            );
        }
    }
}

#[test]
fn a_first_confirmation_leaves_its_maker_nothing_but_the_session_or_the_password_that_confirmed() {
    let kept = |event| {
        let stays = |credential: &Credential| fate(event, *credential) != Fate::Ends;
        Credential::ALL.into_iter().filter(stays).collect::<Vec<_>>()
    };
    let always = [Credential::ReportLinks, Credential::CurrentDevice];
    let with = |more: &[Credential]| [more, &always].concat();
    assert_eq!(
        kept(SecurityEvent::ConfirmedInSession),
        with(&[Credential::CurrentSession, Credential::Password])
    );
    assert_eq!(
        kept(SecurityEvent::ConfirmedWithPassword),
        with(&[Credential::Password])
    );
    assert_eq!(kept(SecurityEvent::ConfirmedWithNewPassword), always);
}

#[test]
fn nothing_is_left_after_a_lock_out_a_report_or_a_deletion() {
    for event in [
        SecurityEvent::LockedOut,
        SecurityEvent::Reported,
        SecurityEvent::Deleted,
    ] {
        for credential in Credential::ALL {
            assert_eq!(fate(event, credential), Fate::Ends, "{event:?} {credential:?}");
        }
    }
}

/// The table of `docs/accounts.md`, as it has to be.
fn table() -> String {
    let mut table = String::from("| event |");
    for credential in Credential::ALL {
        write!(table, " {} |", credential.title()).unwrap();
    }
    table.push_str("\n|");
    table.push_str(&" --- |".repeat(Credential::ALL.len() + 1));
    for event in SecurityEvent::ALL {
        write!(table, "\n| {} |", event.title()).unwrap();
        for credential in Credential::ALL {
            write!(table, " {} |", fate(event, credential).title()).unwrap();
        }
    }
    table
}

#[test]
fn the_documentation_shows_this_table() {
    let page = include_str!("../../../../docs/accounts.md");
    assert!(
        page.contains(&table()),
        "docs/accounts.md has to hold:\n{}",
        table()
    );
}
