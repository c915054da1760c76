//! The sweep. The rule: expired rows are removed in bounded batches, and rows that are still needed stay.

use crate::builders::{anonymous, api_key, at, known, one_time, session_of, t0, unique_bytes};
use crate::fixture::Fixture;
use crate::settled::Settle as _;
use auth_domain::{
    ids::TokenId,
    keys::{Algorithm, KeyStanding, KeyState},
    one_time::TokenKind,
    role::Role,
    session::EndReason,
    time::{Span, Timestamp},
};
use auth_storage::{ChangeContext, activity, outbox, signing_keys, sweep};

fn rows_of(table: &str, swept: &[(&str, u64)]) -> u64 {
    swept
        .iter()
        .filter(|(name, _)| *name == table)
        .map(|(_, rows)| rows)
        .sum()
}

/// The tables from which a sweep removed rows, with the number of rows, by name.
async fn sweep_of(fixture: &Fixture, now: Timestamp, keep: sweep::Retention) -> Vec<(&'static str, u64)> {
    fixture.db.sweep(now, keep).await.unwrap().tables().collect()
}

fn keep(days: i64, limit: u32) -> sweep::Retention {
    sweep::Retention {
        keep_ended_sessions: Span::days(days),
        keep_mails: Span::days(days),
        keep_activity: Span::days(days),
        limit,
    }
}

on_both! {
    fn a_sweep_removes_a_limited_number_of_rows_of_each_kind(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        for n in 0..5 {
            let ended = fixture.sign_in(&user, at(n)).await;
            fixture.db.end_session(ended.id, None, EndReason::Logout, anonymous(at(n))).await.unwrap().settled().await.unwrap();
            let lapsed = ChangeContext { until_at_least: at(n), ..anonymous(at(n)) };
            fixture.db.revoke_token(TokenId::from_parts(t0(), unique_bytes()), lapsed).await.unwrap().settled().await;
        }
        let later = at(0) + Span::days(2);
        let first = sweep_of(&fixture, later, keep(1, 3)).await;
        assert_eq!(first, [("revocations", 3), ("sessions", 3)]);
        let (mut revocations, mut sessions) = (0, 0);
        for _ in 0..4 {
            let swept = sweep_of(&fixture, later, keep(1, 3)).await;
            assert!(swept.iter().all(|(_, rows)| *rows <= 3));
            revocations += rows_of("revocations", &swept);
            sessions += rows_of("sessions", &swept);
        }
        assert_eq!((revocations, sessions), (7, 2));
        assert_eq!(sweep_of(&fixture, later, keep(1, 3)).await, []);
    }

    fn rows_that_are_still_needed_stay(fixture) {
        let (user, live) = fixture.signed_in("a@example.com").await;
        let ended = fixture.sign_in(&user, at(1)).await;
        fixture.db.end_session(ended.id, None, EndReason::Logout, anonymous(at(2))).await.unwrap().settled().await.unwrap();
        fixture.db.revoke_token(TokenId::from_parts(t0(), unique_bytes()), anonymous(at(1))).await.unwrap().settled().await;
        assert_eq!(sweep_of(&fixture, at(60), keep(1, 100)).await, []);
        // With no retention the session stays as well, because its access tokens have not expired.
        assert_eq!(sweep_of(&fixture, at(60), keep(0, 100)).await, []);
        assert_eq!(fixture.stored(&live).await, live);
    }

    fn each_sweep_continues_the_search_for_expired_sessions(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        for n in 0..23 {
            let mut session = session_of(user.id, user.generation, at(n));
            if n % 2 == 0 {
                session.rotation.refresh_expires_at = at(n) + Span::days(400);
            }
            fixture.db.start_session(known(session), anonymous(at(n))).await.unwrap().settled().await.unwrap();
        }
        let later = at(0) + Span::days(60);
        let mut swept = Vec::new();
        for _ in 0..8 {
            swept.push(rows_of("sessions", &sweep_of(&fixture, later, keep(7, 2)).await));
        }
        assert!(swept.iter().all(|n| *n <= 2), "{swept:?}");
        assert_eq!(swept.iter().sum::<u64>(), 11, "{swept:?}");
        assert_eq!(fixture.number("SELECT count(*) AS n FROM sessions"), 12);
        // Sessions that expire behind the search are found when it starts over.
        assert_eq!(rows_of("sessions", &sweep_of(&fixture, at(0) + Span::days(410), keep(7, 100)).await)
            + rows_of("sessions", &sweep_of(&fixture, at(0) + Span::days(410), keep(7, 100)).await), 12);
    }

    fn expired_tokens_and_retired_keys_are_removed(fixture) {
        let token = one_time(TokenKind::Setup, 1, at(0));
        fixture.db.issue_setup_token(token, vec![], false, anonymous(at(0))).await.unwrap();
        let key = |kid: &str, state, until: Option<i64>| signing_keys::Stored {
            standing: KeyStanding { kid: kid.into(), state, published_at: at(0), verifies_until: until.map(at) },
            algorithm: Algorithm::ES256, public_jwk: "{}".into(), sealed: vec![1],
        };
        let keys = vec![key("old", KeyState::Retired, Some(10)), key("stolen", KeyState::Retired, None), key("on", KeyState::Active, None), key("still", KeyState::Retiring, Some(10))];
        fixture.db.change_keys(vec![], keys, None).await.unwrap().unwrap();
        assert_eq!(sweep_of(&fixture, at(899), keep(1, 9)).await, []);
        let swept = sweep_of(&fixture, at(20) + Span::days(1), keep(1, 9)).await;
        assert_eq!(swept, [("one_time_tokens", 1), ("signing_keys", 2)]);
        assert_eq!(fixture.db.keys().await.unwrap().keys.len(), 2);
    }

    fn finished_mails_are_removed_after_a_while_and_queued_ones_stay(fixture) {
        for n in 0..5 {
            fixture.db.ask_for_reset(format!("u{n}@example.com"), anonymous(at(n))).await.unwrap().settled().await;
        }
        let lease = uuid::Uuid::from_u128(1);
        let mails = fixture.db.claim_mails(lease, Span::minutes(1), 9).await.unwrap();
        for mail in &mails[..4] {
            fixture.db.end_mail(mail.id, lease, outbox::End::Sent).await.unwrap();
        }
        // By the database's clock, not by a node's.
        assert_eq!(sweep_of(&fixture, at(0) + Span::days(99), keep(1, 3)).await, []);
        let long_ago = if fixture.is_sqlite() { "1000000" } else { "'1970-01-01T00:00:01Z'" };
        fixture.execute(&format!("UPDATE outbox SET done_at = {long_ago} WHERE done_at IS NOT NULL"));
        for rows in [3, 1] {
            assert_eq!(sweep_of(&fixture, at(0), keep(1, 3)).await, [("outbox", rows)]);
        }
        assert_eq!(sweep_of(&fixture, at(0), keep(1, 3)).await, []);
        assert_eq!(fixture.kinds().len(), 1);
        // Every retention is accepted: none is too long, and none is negative.
        for span in [Span::MAX, Span::MIN] {
            let retention = sweep::Retention { keep_mails: span, keep_ended_sessions: span, keep_activity: span, ..keep(1, 3) };
            assert_eq!(sweep_of(&fixture, at(0), retention).await, []);
        }
    }

    fn expired_api_keys_are_removed_and_others_stay(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        for n in 0..6 {
            let mut new = api_key(user.id, n, at(0));
            new.key.expires_at = (n < 5).then(|| at(if n == 4 { 9_999_999 } else { 60 }));
            fixture.db.insert_api_key(new, 9, anonymous(at(0))).await.unwrap().settled().await.unwrap();
        }
        assert_eq!(sweep_of(&fixture, at(60) + Span::days(1), keep(1, 3)).await, []);
        for rows in [3, 1] {
            assert_eq!(sweep_of(&fixture, at(61) + Span::days(1), keep(1, 3)).await, [("api_keys", rows)]);
        }
        assert_eq!(sweep_of(&fixture, at(61) + Span::days(1), keep(1, 3)).await, []);
        assert_eq!(fixture.db.api_keys(user.id).await.unwrap().len(), 2);
    }

    fn counts_of_old_hours_are_removed_and_later_ones_stay(fixture) {
        let count = |hours: i64, kind: &str| activity::HourCount { hour: t0() + Span::hours(hours), kind: kind.to_owned(), count: 1 };
        let all = (0..5).flat_map(|hour| [count(hour, "refresh"), count(hour, "sign_in")]);
        fixture.db.add_activity(all.collect()).await.unwrap();
        let later = t0() + Span::hours(2) + Span::days(1);
        for rows in [3, 1] {
            assert_eq!(sweep_of(&fixture, later, keep(1, 3)).await, [("activity", rows)]);
        }
        assert_eq!(sweep_of(&fixture, later, keep(1, 3)).await, []);
        let left = fixture.db.activity_since(t0()).await.unwrap();
        assert_eq!((left.len(), left[0].hour), (6, t0() + Span::hours(2)));
    }
}
