//! Users: created, read, listed, changed.

use crate::builders::{ALL, address, admins, anonymous, at, hash, new_user, session_of, t0};
use crate::fixture::all;
use crate::settled::Settle as _;
use auth_domain::{
    role::Role,
    session::EndReason,
    time::{Span, Timestamp},
    user::{DisplayName, Generation, User, UserStatus},
};
use auth_storage::{
    Pagination, Refused, StorageError,
    users::{self, EmailTaken},
};

fn created(inserted: Result<User, EmailTaken>) -> User {
    inserted.unwrap()
}

on_both! {
    /// Names formerly allowed invisible characters. Such a row must not keep its user out.
    fn a_name_that_is_no_longer_accepted_stays_readable(fixture) {
        let old = "A\u{200b}da";
        assert!(DisplayName::parse(old).is_err());
        let new = users::New { name: DisplayName::stored(old).ok(), ..new_user("a@example.com", Role::USER) };
        fixture.db.insert_user(new.clone(), None, None, anonymous(at(0))).await.unwrap().settled().await.unwrap();
        let read = fixture.db.user(new.id).await.unwrap().unwrap();
        assert_eq!(read.name.unwrap().as_str(), old);
    }

    fn a_user_is_read_back_as_it_was_written(fixture) {
        let mut new = new_user("Ada@Example.COM", Role::USER);
        new.email_verified_at = Some(at(5) + Span::microseconds(7));
        let user = created(fixture.db.insert_user(new.clone(), None, None, anonymous(t0())).await.unwrap().settled().await);
        assert_eq!((user.id, &user.email, &user.name, user.generation), (new.id, &new.email, &new.name, Generation::FIRST));
        assert_eq!((user.email_verified_at, user.created_at, user.last_login_at), (new.email_verified_at, t0(), None));
        assert_eq!(fixture.db.user(user.id).await.unwrap(), Some(user.clone()));
        assert_eq!(fixture.db.user_by_email(&address("ada@example.com")).await.unwrap(), Some(user.clone()));
        let read = fixture.db.credentials(&address("ADA@example.com")).await.unwrap().unwrap();
        assert_eq!((&read.user, read.password_hash.unwrap().expose()), (&user, hash(0).expose()));
        assert_eq!(fixture.db.credentials_of(user.id).await.unwrap().unwrap().user, user);
    }

    fn a_missing_user_is_no_error(fixture) {
        let unknown = new_user("nobody@example.com", Role::USER);
        assert_eq!(fixture.db.user(unknown.id).await.unwrap(), None);
        assert!(fixture.db.credentials(&unknown.email).await.unwrap().is_none());
        assert!(fixture.db.credentials_of(unknown.id).await.unwrap().is_none());
        let outcome = fixture.db.change_user(unknown.id, users::Change::default(), admins(), anonymous(t0())).await.unwrap().settled().await;
        assert_eq!(outcome, Err(Refused::NotFound));
        assert_eq!(fixture.db.set_password(unknown.id, hash(1), None, anonymous(t0())).await.unwrap().settled().await, Err(Refused::NotFound));
        assert_eq!(fixture.db.delete_user(unknown.id, admins(), anonymous(t0())).await.unwrap().settled().await, Err(Refused::NotFound));
    }

    fn times_are_truncated_to_microseconds_before_they_are_stored(fixture) {
        let mut new = new_user("a@example.com", Role::USER);
        new.created_at = Timestamp::from_timestamp_nanos(1_700_000_000_123_456_789);
        let user = created(fixture.db.insert_user(new.clone(), None, None, anonymous(t0())).await.unwrap().settled().await);
        assert_eq!(user.created_at, Timestamp::from_timestamp_micros(1_700_000_000_123_456).unwrap());
        assert_eq!(fixture.db.user(new.id).await.unwrap(), Some(user));
    }

    fn a_taken_address_writes_nothing(fixture) {
        let first = new_user("a@example.com", Role::USER);
        fixture.db.insert_user(first.clone(), None, None, anonymous(t0())).await.unwrap().settled().await.unwrap();
        let again = new_user("A@EXAMPLE.com", Role::USER);
        let session = session_of(again.id, Generation::FIRST, t0());
        let outcome = fixture.db.insert_user(again.clone(), Some(session.clone()), None, anonymous(t0())).await.unwrap().settled().await;
        assert_eq!(outcome, Err(EmailTaken));
        assert_eq!(fixture.db.user(again.id).await.unwrap(), None);
        assert_eq!(fixture.db.session(session.id).await.unwrap(), None);
    }

    fn only_a_duplicate_address_is_reported_as_taken(fixture) {
        let first = new_user("a@example.com", Role::USER);
        fixture.db.insert_user(first.clone(), None, None, anonymous(t0())).await.unwrap().settled().await.unwrap();
        let mut twin = new_user("b@example.com", Role::USER);
        twin.id = first.id;
        assert!(matches!(fixture.db.insert_user(twin, None, None, anonymous(t0())).await, Err(StorageError::Query(_))));
    }

    fn a_registration_creates_the_user_and_their_session_together(fixture) {
        let new = new_user("a@example.com", Role::USER);
        let session = session_of(new.id, Generation::FIRST, at(3));
        let user = created(fixture.db.insert_user(new, Some(session.clone()), None, anonymous(t0())).await.unwrap().settled().await);
        assert_eq!(user.last_login_at, Some(at(3)));
        assert_eq!(fixture.db.session(session.id).await.unwrap(), Some((session, user)));
    }

    fn of_concurrent_registrations_of_one_address_one_succeeds(fixture) {
        let rivals = (0..16).map(|_| {
            let db = fixture.db.clone();
            tokio::spawn(async move {
                let new = new_user("same@example.com", Role::USER);
                let session = session_of(new.id, Generation::FIRST, t0());
                db.insert_user(new, Some(session), None, anonymous(t0())).await.unwrap().settled().await
            })
        });
        let outcomes = all(rivals).await;
        assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 1);
        assert_eq!(fixture.number("SELECT count(*) AS n FROM sessions"), 1);
    }

    fn an_import_reports_each_line_and_is_one_transaction(fixture) {
        fixture.db.insert_user(new_user("b@example.com", Role::USER), None, None, anonymous(t0())).await.unwrap().settled().await.unwrap();
        let lines = ["a@example.com", "b@example.com", "c@example.com", "A@example.com"];
        let outcomes = fixture.db.import_users(lines.map(|line| new_user(line, Role::USER)).to_vec(), anonymous(t0())).await.unwrap();
        let made: Vec<bool> = outcomes.iter().map(|o| o.is_ok()).collect();
        assert_eq!(made, [true, false, true, false]);
        let mut broken = vec![new_user("d@example.com", Role::USER), new_user("e@example.com", Role::USER)];
        broken[1].id = broken[0].id;
        assert!(fixture.db.import_users(broken, anonymous(t0())).await.is_err());
        assert_eq!(fixture.db.user_by_email(&address("d@example.com")).await.unwrap(), None);
    }

    fn a_list_is_filtered_and_paged_newest_first(fixture) {
        let mut ids = Vec::new();
        for n in 0..7 {
            let mut new = new_user(&format!("user{n}@example.com"), if n == 3 { Role::VIEWER } else { Role::USER });
            new.status = if n == 5 { UserStatus::Disabled } else { UserStatus::Active };
            new.name = Some(DisplayName::parse(if n == 6 { "ÉMILE 100%" } else { "Ada" }).unwrap());
            ids.push(fixture.db.insert_user(new, None, None, anonymous(t0())).await.settled().await.map(created).unwrap().id);
        }
        ids.reverse();
        let list = async |filter: users::Filter, page| {
            let users = fixture.db.users(filter, page).await.unwrap();
            users.into_iter().map(|user| user.id).collect::<Vec<_>>()
        };
        let any = users::Filter::default;
        assert_eq!(list(any(), ALL).await, ids);
        assert_eq!(list(any(), Pagination { after: None, limit: 3 }).await, ids[..3]);
        assert_eq!(list(any(), Pagination { after: Some(ids[2].as_uuid()), limit: 3 }).await, ids[3..6]);
        assert_eq!(list(users::Filter { role: Some(Role::VIEWER), ..any() }, ALL).await, [ids[3]]);
        assert_eq!(list(users::Filter { status: Some(UserStatus::Disabled), ..any() }, ALL).await, [ids[1]]);
        for (query, found) in [("USER4", vec![ids[2]]), ("émile 100%", vec![ids[0]]), ("0%", vec![]), ("mile", vec![]), ("r_", vec![]), ("\\", vec![])] {
            assert_eq!(list(users::Filter { query: Some(query.into()), ..any() }, ALL).await, found, "{query}");
        }
    }

    fn users_are_counted_by_role_and_status_and_sessions_while_active(fixture) {
        assert_eq!(fixture.db.user_figures(t0()).await.unwrap(), users::Figures::default());
        let (_, ended) = fixture.signed_in("a@example.com").await;
        fixture.signed_in("b@example.com").await;
        fixture.db.end_session(ended.id, None, EndReason::Logout, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        let mut off = new_user("c@example.com", Role::ADMIN);
        off.status = UserStatus::Disabled;
        fixture.db.insert_user(off, None, None, anonymous(t0())).await.unwrap().settled().await.unwrap();
        let users = vec![("admin".to_owned(), "disabled".to_owned(), 1), ("user".to_owned(), "active".to_owned(), 2)];
        assert_eq!(fixture.db.user_figures(at(2)).await.unwrap(), users::Figures { users: users.clone(), live_sessions: 1 });
        let long_after = fixture.db.user_figures(at(2) + Span::days(400)).await.unwrap();
        assert_eq!(long_after, users::Figures { users, live_sessions: 0 });
    }

    fn a_change_of_name_revokes_nothing(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        let change = users::Change { name: Some(None), email_verified_at: Some(Some(at(1))), ..users::Change::default() };
        let (outcome, done) = fixture.db.change_user(user.id, change, admins(), anonymous(at(1))).await.unwrap().recorded().await;
        let users::Changed { user: after, sessions_ended } = outcome.unwrap();
        assert_eq!((after.name.clone(), after.email_verified_at, after.generation), (None, Some(at(1)), user.generation));
        assert_eq!((done.revocations, sessions_ended), (vec![], 0));
        assert_eq!(fixture.stored(&session).await, session);
        assert_eq!(fixture.db.user(user.id).await.unwrap(), Some(after));
    }

    fn a_hash_is_upgraded_only_if_it_is_the_one_that_was_verified(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        assert!(!fixture.db.upgrade_password_hash(user.id, hash(7), hash(8)).await.unwrap());
        assert!(fixture.db.upgrade_password_hash(user.id, hash(0), hash(1)).await.unwrap());
        assert!(!fixture.db.upgrade_password_hash(user.id, hash(0), hash(2)).await.unwrap());
        let stored = fixture.db.credentials_of(user.id).await.unwrap().unwrap();
        assert_eq!(stored.password_hash.unwrap().expose(), hash(1).expose());
        assert_eq!(stored.user.generation, user.generation);
    }

    fn the_last_administrator_can_be_neither_demoted_nor_disabled_nor_deleted(fixture) {
        let admin = fixture.user("admin@example.com", Role::ADMIN).await;
        let mut off = new_user("off@example.com", Role::ADMIN);
        off.status = UserStatus::Disabled;
        fixture.db.insert_user(off, None, None, anonymous(t0())).await.unwrap().settled().await.unwrap();
        let demote = users::Change { role: Some(Role::USER), ..users::Change::default() };
        let disable = users::Change { status: Some(UserStatus::Disabled), ..users::Change::default() };
        for change in [demote.clone(), disable] {
            let outcome = fixture.db.change_user(admin.id, change, admins(), anonymous(t0())).await.unwrap().settled().await;
            assert_eq!(outcome, Err(Refused::LastAdmin));
        }
        assert_eq!(fixture.db.delete_user(admin.id, admins(), anonymous(t0())).await.unwrap().settled().await, Err(Refused::LastAdmin));
        assert_eq!(fixture.db.user(admin.id).await.unwrap(), Some(admin.clone()));
        fixture.user("second@example.com", Role::ADMIN).await;
        let outcome = fixture.db.change_user(admin.id, demote, admins(), anonymous(t0())).await.unwrap().settled().await;
        assert!(outcome.is_ok(), "{outcome:?}");
        assert!(fixture.db.administrator_exists(admins()).await.unwrap());
        assert!(!fixture.db.administrator_exists(vec!["owner".parse().unwrap()]).await.unwrap());
    }

    /// Without the guard row, each would still see the other as an administrator.
    fn two_administrators_who_demote_each_other_leave_one(fixture) {
        for round in 0..10 {
            let one = fixture.user(&format!("one{round}@example.com"), Role::ADMIN).await;
            let two = fixture.user(&format!("two{round}@example.com"), Role::ADMIN).await;
            let demote = |id, delete: bool| {
                let db = fixture.db.clone();
                tokio::spawn(async move {
                    let change = users::Change { role: Some(Role::USER), ..users::Change::default() };
                    if delete {
                        db.delete_user(id, admins(), anonymous(t0())).await.unwrap().settled().await
                    } else {
                        db.change_user(id, change, admins(), anonymous(t0())).await.unwrap().settled().await
                    }
                })
            };
            let outcomes = all([demote(one.id, round % 2 == 0), demote(two.id, false)]).await;
            assert_eq!(outcomes.iter().filter(|o| **o == Err(Refused::LastAdmin)).count(), 1, "{outcomes:?}");
            let left = if outcomes[0] == Err(Refused::LastAdmin) { one.id } else { two.id };
            fixture.execute(&format!("DELETE FROM users WHERE id = '{left}'"));
        }
    }
}
