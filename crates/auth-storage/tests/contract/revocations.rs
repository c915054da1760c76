//! The revocations in the database, which every node reads.

use crate::builders::{anonymous, at, t0, unique_bytes};
use crate::settled::Settle as _;
use auth_domain::{
    ids::{SessionId, TokenId},
    revocation::{Revocation, Revoked, TokenRef, Verdict},
    session::EndReason,
    time::Span,
    user::Generation,
};
use auth_storage::ChangeContext;
use chrono::Utc;

on_both! {
    fn a_token_is_revoked_until_it_expires(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        let (dead, alive) = (TokenId::from_parts(t0(), unique_bytes()), TokenId::from_parts(t0(), unique_bytes()));
        let ((), done) = fixture.db.revoke_token(dead, anonymous(at(1))).await.unwrap().recorded().await;
        assert_eq!(done.revocations, [Revocation { what: Revoked::Token(dead), until: anonymous(at(1)).until_at_least }]);
        let look = |token| TokenRef { token, session: session.id, user: user.id, generation: user.generation };
        assert_eq!(fixture.db.facts(look(dead)).await.unwrap().verdict(user.generation), Verdict::Revoked);
        assert_eq!(fixture.db.facts(look(alive)).await.unwrap().verdict(user.generation), Verdict::Valid);
    }

    /// The revocation of a session whose id equals a token's affects only the session.
    fn a_revocation_affects_its_own_kind_only(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        fixture.db.revoke_token(TokenId::from_uuid(session.id.as_uuid()), anonymous(at(1))).await.unwrap().settled().await;
        let token = TokenId::from_parts(t0(), unique_bytes());
        let look = TokenRef { token, session: session.id, user: user.id, generation: user.generation };
        assert_eq!(fixture.db.facts(look).await.unwrap().verdict(user.generation), Verdict::Valid);
        let as_token = TokenRef { token: TokenId::from_uuid(session.id.as_uuid()), session: SessionId::from_uuid(token.as_uuid()), ..look };
        assert!(fixture.db.facts(as_token).await.unwrap().token);
    }

    fn a_repeated_revocation_keeps_the_higher_generation_and_the_later_end(fixture) {
        let (user, _) = fixture.signed_in("a@example.com").await;
        let lasting = ChangeContext { until_at_least: at(99_000), ..anonymous(at(1)) };
        fixture.db.end_user_sessions(user.id, EndReason::LogoutAll, lasting).await.unwrap().settled().await.unwrap();
        fixture.execute(&format!("UPDATE revocations SET generation = 7 WHERE id = '{}'", user.id));
        fixture.db.end_user_sessions(user.id, EndReason::LogoutAll, anonymous(at(2))).await.unwrap().settled().await.unwrap();
        let batch = fixture.db.revocations_since(None).await.unwrap();
        let seven = Generation::from_number(7).unwrap();
        let kept = Revocation { what: Revoked::User(user.id, seven), until: at(99_000) };
        assert_eq!(batch.revocations.iter().map(|(r, _)| *r).collect::<Vec<_>>(), [kept]);
    }

    fn a_repeated_revocation_counts_as_new(fixture) {
        let token = TokenId::from_parts(t0(), unique_bytes());
        fixture.db.revoke_token(token, anonymous(at(1))).await.unwrap().settled().await;
        let long_ago = if fixture.is_sqlite() { "1000000" } else { "'1970-01-01T00:00:01Z'" };
        fixture.execute(&format!("UPDATE revocations SET recorded_at = {long_ago}"));
        let a_minute_ago = Some(Utc::now() - Span::minutes(1));
        assert_eq!(fixture.db.revocations_since(a_minute_ago).await.unwrap().revocations, []);
        fixture.db.revoke_token(token, anonymous(at(1))).await.unwrap().settled().await;
        assert_eq!(fixture.db.revocations_since(a_minute_ago).await.unwrap().revocations.len(), 1);
    }

    fn a_reader_gets_the_current_revocations_since_a_time_and_the_databases_clock(fixture) {
        let (first, second) = (TokenId::from_parts(t0(), unique_bytes()), TokenId::from_parts(t0(), unique_bytes()));
        let before = fixture.db.ping().await.unwrap();
        fixture.db.revoke_token(first, anonymous(t0())).await.unwrap().settled().await;
        let lapsed = ChangeContext { until_at_least: before - Span::seconds(1), ..anonymous(before) };
        fixture.db.revoke_token(TokenId::from_parts(t0(), unique_bytes()), lapsed).await.unwrap().settled().await;
        let batch = fixture.db.revocations_since(Some(before)).await.unwrap();
        let (found, recorded_at) = *batch.revocations.first().unwrap();
        assert_eq!((found.what, batch.revocations.len()), (Revoked::Token(first), 1));
        assert!(before <= recorded_at && recorded_at <= batch.database_now, "{recorded_at} {batch:?}");
        assert!((Utc::now() - batch.database_now).abs() < Span::seconds(60));
        fixture.db.revoke_token(second, anonymous(t0())).await.unwrap().settled().await;
        // A revocation at exactly this time is included, because an earlier read may have missed it.
        let since = fixture.db.revocations_since(Some(recorded_at)).await.unwrap();
        assert_eq!(since.revocations.len(), 2);
        let later = fixture.db.revocations_since(Some(batch.database_now + Span::hours(1))).await.unwrap();
        assert_eq!(later.revocations, []);
        assert_eq!(fixture.db.revocations_since(None).await.unwrap().revocations.len(), 2);
    }
}
