//! The outbox and its workers. The rule: one worker at a time claims a mail, and only the holder of the claim can finish it.

use crate::{
    builders::{address, admins, anonymous, at, mailed, one_time},
    fixture::{Fixture, all},
    settled::Settle as _,
};
use auth_domain::{ids::MailId, mail::MailKind, one_time::TokenKind, role::Role, time::Span};
use auth_storage::outbox;
use diesel::{
    QueryableByName,
    sql_types::{Nullable, Text},
};
use std::collections::BTreeSet;
use uuid::Uuid;

const LEASE: Span = Span::minutes(5);

fn lease(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

async fn ask(fixture: &Fixture, count: i64) {
    for n in 0..count {
        fixture
            .db
            .ask_for_reset(format!("u{n}@example.com"), anonymous(at(n)))
            .await
            .unwrap()
            .settled()
            .await;
    }
}

async fn claim(fixture: &Fixture, number: u128, lease_for: Span) -> Vec<outbox::Claimed> {
    fixture
        .db
        .claim_mails(lease(number), lease_for, 50)
        .await
        .unwrap()
}

async fn end(fixture: &Fixture, id: MailId, number: u128, end: outbox::End) -> bool {
    fixture.db.end_mail(id, lease(number), end).await.unwrap()
}

#[derive(QueryableByName, Debug, PartialEq, Eq)]
struct Kept {
    #[diesel(sql_type = Nullable<Text>)]
    recipient: Option<String>,
    #[diesel(sql_type = Text)]
    facts: String,
    #[diesel(sql_type = Nullable<Text>)]
    outcome: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    last_error: Option<String>,
}

on_both! {
    fn a_claimed_mail_is_the_one_that_was_queued(fixture) {
        assert!(!fixture.db.mail_waits().await.unwrap());
        fixture.db.ask_for_reset("Ada@Example.COM ".to_owned(), anonymous(at(3))).await.unwrap().settled().await;
        assert!(fixture.db.mail_waits().await.unwrap());
        let claimed = claim(&fixture, 1, LEASE).await;
        let mail = claimed.first().unwrap();
        assert_eq!((mail.kind, mail.user, mail.recipient.as_deref()), (MailKind::PasswordReset, None, Some("Ada@Example.COM ")));
        assert_eq!((mail.facts["ip"].as_str(), mail.created_at, mail.attempts), ("192.0.2.7", at(3), 1));
        // A claimed mail is claimed by no other worker.
        assert!(!fixture.db.mail_waits().await.unwrap());
        assert_eq!(claim(&fixture, 2, LEASE).await, []);
    }

    fn a_claim_takes_a_limited_number_of_mails(fixture) {
        ask(&fixture, 3).await;
        let first = fixture.db.claim_mails(lease(1), LEASE, 2).await.unwrap();
        let rest = fixture.db.claim_mails(lease(2), LEASE, 2).await.unwrap();
        assert_eq!((first.len(), rest.len()), (2, 1));
    }

    fn each_mail_is_claimed_by_one_of_many_workers_on_two_stores(fixture) {
        ask(&fixture, 40).await;
        let stores = [fixture.db.clone(), fixture.another().await];
        let taken = all((0..10).map(|n: usize| {
            let db = stores[n % 2].clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                // A worker that meets another at the same rows gets none of them, and tries again.
                while db.mail_waits().await.unwrap() {
                    mine.extend(db.claim_mails(lease(n as u128), LEASE, 3).await.unwrap());
                }
                for mail in &mine {
                    assert!(db.end_mail(mail.id, lease(n as u128), outbox::End::Sent).await.unwrap());
                }
                mine
            })
        })).await;
        let taken: Vec<_> = taken.into_iter().flatten().collect();
        assert!(taken.iter().all(|mail| mail.attempts == 1));
        let ids: BTreeSet<_> = taken.iter().map(|mail| mail.id).collect();
        assert_eq!((taken.len(), ids.len()), (40, 40));
        assert_eq!(fixture.db.mail_figures().await.unwrap(), outbox::Figures::default());
    }

    fn an_expired_lease_is_lost_to_the_next_claim(fixture) {
        ask(&fixture, 1).await;
        let first = claim(&fixture, 1, Span::seconds(-1)).await;
        let second = claim(&fixture, 2, Span::zero()).await;
        let third = claim(&fixture, 3, LEASE).await;
        assert_eq!([&first, &second, &third].map(|mails| mails[0].attempts), [1, 2, 3]);
        let id = first[0].id;
        for stale in [1, 2] {
            for late in [outbox::End::Sent, outbox::End::Failed("late".into()), outbox::End::Later(Span::zero(), "late".into())] {
                assert!(!end(&fixture, id, stale, late).await);
            }
        }
        assert!(end(&fixture, id, 3, outbox::End::Sent).await);
        assert!(!end(&fixture, id, 3, outbox::End::Sent).await);
        assert_eq!(claim(&fixture, 4, LEASE).await, []);
    }

    /// It was sent. That another worker could have claimed it meanwhile, and did not, is no reason to send it again.
    fn an_expired_lease_that_no_worker_claimed_can_still_be_finished(fixture) {
        ask(&fixture, 1).await;
        let mail = claim(&fixture, 1, Span::seconds(-60)).await.remove(0);
        assert!(end(&fixture, mail.id, 1, outbox::End::Sent).await);
        assert!(!fixture.db.mail_waits().await.unwrap());
    }

    fn a_deferred_mail_waits_for_its_time(fixture) {
        ask(&fixture, 2).await;
        let mails = claim(&fixture, 1, LEASE).await;
        assert!(end(&fixture, mails[0].id, 1, outbox::End::Later(Span::hours(1), "busy".into())).await);
        assert!(end(&fixture, mails[1].id, 1, outbox::End::Later(Span::seconds(-1), "busy".into())).await);
        assert_eq!(fixture.db.mail_figures().await.unwrap(), outbox::Figures { waiting: 2, failed: 0 });
        let again = claim(&fixture, 2, LEASE).await;
        assert_eq!(again.iter().map(|mail| (mail.id, mail.attempts)).collect::<Vec<_>>(), [(mails[1].id, 2)]);
        assert_eq!((&again[0].recipient, &again[0].facts), (&mails[1].recipient, &mails[1].facts));
        // A deferred mail does not keep the workers polling.
        assert!(!fixture.db.mail_waits().await.unwrap());
        assert!(!end(&fixture, mails[0].id, 1, outbox::End::Sent).await);
    }

    fn a_finished_mail_has_no_recipient_and_no_content(fixture) {
        ask(&fixture, 3).await;
        let mails = claim(&fixture, 1, LEASE).await;
        let ends = [outbox::End::Sent, outbox::End::Dropped, outbox::End::Failed("é".repeat(400))];
        for (mail, how) in mails.iter().zip(ends) {
            assert!(end(&fixture, mail.id, 1, how).await);
        }
        let mut kept: Vec<Kept> = fixture.rows("SELECT recipient, facts, outcome, last_error FROM outbox ORDER BY outcome");
        let wanted = |outcome: &str, last_error| Kept { recipient: None, facts: "{}".into(), outcome: Some(outcome.into()), last_error };
        kept.sort_by(|a, b| a.outcome.cmp(&b.outcome));
        assert_eq!(kept, [wanted("dropped", None), wanted("failed", Some("é".repeat(300))), wanted("sent", None)]);
        assert_eq!(fixture.db.mail_figures().await.unwrap(), outbox::Figures { waiting: 0, failed: 1 });
    }

    /// A mail that could not be sent because of a wrong configuration must not be lost (docs/rules.md §8).
    fn a_failed_mail_is_kept_complete_and_retried_when_an_operator_asks(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let moved = mailed(one_time(TokenKind::EmailChange, 1, at(1)));
        fixture.db.ask_for_new_email(user.id, address("b@example.com"), moved, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        let mails = claim(&fixture, 1, LEASE).await;
        assert_eq!(mails.len(), 2);
        assert!(end(&fixture, mails[0].id, 1, outbox::End::Failed("550 5.1.1".into())).await);
        assert!(end(&fixture, mails[1].id, 1, outbox::End::Later(Span::hours(1), "451 4.7.1".into())).await);
        let undelivered = fixture.db.undelivered_mails(None, 10).await.unwrap();
        let seen = |mail: &outbox::Claimed| {
            let one = undelivered.iter().find(|one| one.id == mail.id).unwrap();
            (one.kind.clone(), one.attempts, one.given_up, one.can_be_retried, one.why.clone())
        };
        let kind = |mail: &outbox::Claimed| mail.kind.as_str().to_owned();
        assert_eq!(seen(&mails[0]), (kind(&mails[0]), 1, true, true, "550 5.1.1".into()));
        assert_eq!(seen(&mails[1]), (kind(&mails[1]), 1, false, true, "451 4.7.1".into()));
        assert!(!fixture.db.mail_waits().await.unwrap());

        let ids = undelivered.iter().map(|mail| mail.id).collect();
        assert_eq!(fixture.db.retry_mails(ids).await.unwrap(), 2);
        let again = claim(&fixture, 2, LEASE).await;
        for (mail, attempts) in [(&mails[0], 1), (&mails[1], 2)] {
            let one = again.iter().find(|one| one.id == mail.id).unwrap();
            assert_eq!(one, &outbox::Claimed { attempts, ..mail.clone() });
        }
        // A claimed mail and a sent one are not changed.
        assert_eq!(fixture.db.retry_mails(vec![mails[0].id]).await.unwrap(), 0);
        assert!(end(&fixture, mails[0].id, 2, outbox::End::Sent).await);
        assert_eq!(fixture.db.retry_mails(vec![mails[0].id]).await.unwrap(), 0);
        assert_eq!(fixture.db.undelivered_mails(None, 10).await.unwrap().len(), 1);
    }

    fn a_list_of_unsent_mails_is_paged_and_skips_unreadable_rows(fixture) {
        ask(&fixture, 5).await;
        for mail in claim(&fixture, 1, LEASE).await {
            assert!(end(&fixture, mail.id, 1, outbox::End::Later(Span::hours(1), "451".into())).await);
        }
        fixture.execute("UPDATE outbox SET kind = 'telegram', facts = '['");
        let first = fixture.db.undelivered_mails(None, 3).await.unwrap();
        let rest = fixture.db.undelivered_mails(Some(first[2].id), 3).await.unwrap();
        assert_eq!((first.len(), rest.len(), first[0].kind.as_str()), (3, 2, "telegram"));
        assert!(first.iter().chain(&rest).map(|mail| mail.id).is_sorted());
    }

    /// Its recipient is erased with the user. A mail without a user is erased at once.
    fn a_failed_mail_is_erased_with_its_recipient(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let moved = mailed(one_time(TokenKind::EmailChange, 1, at(1)));
        fixture.db.ask_for_new_email(user.id, address("b@example.com"), moved, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        ask(&fixture, 1).await;
        for mail in claim(&fixture, 1, LEASE).await {
            assert!(end(&fixture, mail.id, 1, outbox::End::Failed("550 5.1.1".into())).await);
        }
        let recipients = |fixture: &Fixture| {
            let mut kept: Vec<Kept> = fixture.rows("SELECT recipient, facts, outcome, last_error FROM outbox WHERE outcome = 'failed'");
            kept.retain(|kept| kept.recipient.is_some() || kept.facts != "{}");
            kept.len()
        };
        assert_eq!(recipients(&fixture), 2, "the reset by address keeps nothing");
        fixture.db.delete_user(user.id, admins(), anonymous(at(2))).await.unwrap().settled().await.unwrap();
        assert_eq!(recipients(&fixture), 0);
        // The notice of the deletion is for a deleted user as well.
        let notice = claim(&fixture, 2, LEASE).await.remove(0);
        assert_eq!(notice.kind, MailKind::AccountDeleted);
        assert!(end(&fixture, notice.id, 2, outbox::End::Failed("550 5.1.1".into())).await);
        assert_eq!(recipients(&fixture), 0);
        let undelivered = fixture.db.undelivered_mails(None, 10).await.unwrap();
        assert_eq!(undelivered.iter().filter(|mail| !mail.can_be_retried).count(), 2);
        assert_eq!(fixture.db.retry_mails(vec![notice.id]).await.unwrap(), 0);
    }

    /// Formerly, an unreadable row (corrupt, or of a newer version) kept every worker from claiming any mail.
    fn an_unreadable_mail_blocks_no_other(fixture) {
        ask(&fixture, 4).await;
        let broken = claim(&fixture, 1, Span::seconds(-1)).await;
        fixture.execute(&format!("UPDATE outbox SET kind = 'telegram' WHERE id = '{}'", broken[0].id));
        fixture.execute(&format!("UPDATE outbox SET facts = '[' WHERE id = '{}'", broken[1].id));
        let good: BTreeSet<_> = claim(&fixture, 2, LEASE).await.into_iter().map(|mail| mail.id).collect();
        assert_eq!(good, BTreeSet::from([broken[2].id, broken[3].id]));
        assert!(!fixture.db.mail_waits().await.unwrap());
        assert_eq!(fixture.db.mail_figures().await.unwrap().waiting, 4);
        fixture.execute(&format!("UPDATE outbox SET kind = 'password_reset', leased_until = NULL WHERE id = '{}'", broken[0].id));
        assert_eq!(claim(&fixture, 3, LEASE).await[0].id, broken[0].id);
    }

    fn any_text_typed_as_an_address_is_stored(fixture) {
        fixture.db.ask_for_reset("a\0b@example.com".to_owned(), anonymous(at(1))).await.unwrap().settled().await;
        let mail = claim(&fixture, 1, LEASE).await.remove(0);
        assert_eq!(mail.recipient.as_deref(), Some("a\u{FFFD}b@example.com"));
    }
}
