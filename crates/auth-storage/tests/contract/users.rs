//! Users: made, read, listed, changed.

use crate::people::{ALL, address, admins, at, hash, person, session_of, t0, terms};
use crate::settled::Settle as _;
use crate::world::all;
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
    /// Names used to take invisible characters; such a row must not keep its user out.
    fn a_name_that_is_not_accepted_any_longer_stays_readable(world) {
        let old = "A\u{200b}da";
        assert!(DisplayName::parse(old).is_err());
        let new = users::New { name: DisplayName::stored(old).ok(), ..person("a@example.com", Role::USER) };
        world.db.insert_user(new.clone(), None, None, terms(at(0))).await.unwrap().settled().await.unwrap();
        let read = world.db.user(new.id).await.unwrap().unwrap();
        assert_eq!(read.name.unwrap().as_str(), old);
    }

    fn a_user_is_read_back_as_it_was_written(world) {
        let mut new = person("Ada@Example.COM", Role::USER);
        new.email_verified_at = Some(at(5) + Span::microseconds(7));
        let user = created(world.db.insert_user(new.clone(), None, None, terms(t0())).await.unwrap().settled().await);
        assert_eq!((user.id, &user.email, &user.name, user.generation), (new.id, &new.email, &new.name, Generation::FIRST));
        assert_eq!((user.email_verified_at, user.created_at, user.last_login_at), (new.email_verified_at, t0(), None));
        assert_eq!(world.db.user(user.id).await.unwrap(), Some(user.clone()));
        assert_eq!(world.db.user_by_email(&address("ada@example.com")).await.unwrap(), Some(user.clone()));
        let read = world.db.credentials(&address("ADA@example.com")).await.unwrap().unwrap();
        assert_eq!((&read.user, read.password_hash.unwrap().expose()), (&user, hash(0).expose()));
        assert_eq!(world.db.credentials_of(user.id).await.unwrap().unwrap().user, user);
    }

    fn what_is_not_there_is_no_error(world) {
        let nobody = person("nobody@example.com", Role::USER);
        assert_eq!(world.db.user(nobody.id).await.unwrap(), None);
        assert!(world.db.credentials(&nobody.email).await.unwrap().is_none());
        assert!(world.db.credentials_of(nobody.id).await.unwrap().is_none());
        let outcome = world.db.change_user(nobody.id, users::Change::default(), admins(), terms(t0())).await.unwrap().settled().await;
        assert_eq!(outcome, Err(Refused::NotFound));
        assert_eq!(world.db.set_password(nobody.id, hash(1), None, terms(t0())).await.unwrap().settled().await, Err(Refused::NotFound));
        assert_eq!(world.db.delete_user(nobody.id, admins(), terms(t0())).await.unwrap().settled().await, Err(Refused::NotFound));
    }

    fn a_nanosecond_is_cut_before_it_is_stored(world) {
        let mut new = person("a@example.com", Role::USER);
        new.created_at = Timestamp::from_timestamp_nanos(1_700_000_000_123_456_789);
        let user = created(world.db.insert_user(new.clone(), None, None, terms(t0())).await.unwrap().settled().await);
        assert_eq!(user.created_at, Timestamp::from_timestamp_micros(1_700_000_000_123_456).unwrap());
        assert_eq!(world.db.user(new.id).await.unwrap(), Some(user));
    }

    fn an_address_that_is_taken_writes_nothing(world) {
        let first = person("a@example.com", Role::USER);
        world.db.insert_user(first.clone(), None, None, terms(t0())).await.unwrap().settled().await.unwrap();
        let again = person("A@EXAMPLE.com", Role::USER);
        let session = session_of(again.id, Generation::FIRST, t0());
        let outcome = world.db.insert_user(again.clone(), Some(session.clone()), None, terms(t0())).await.unwrap().settled().await;
        assert_eq!(outcome, Err(EmailTaken));
        assert_eq!(world.db.user(again.id).await.unwrap(), None);
        assert_eq!(world.db.session(session.id).await.unwrap(), None);
    }

    fn only_the_address_makes_a_user_taken_any_other_refusal_is_a_failure(world) {
        let first = person("a@example.com", Role::USER);
        world.db.insert_user(first.clone(), None, None, terms(t0())).await.unwrap().settled().await.unwrap();
        let mut twin = person("b@example.com", Role::USER);
        twin.id = first.id;
        assert!(matches!(world.db.insert_user(twin, None, None, terms(t0())).await, Err(StorageError::Query(_))));
    }

    fn a_registration_makes_the_user_and_its_session_together(world) {
        let new = person("a@example.com", Role::USER);
        let session = session_of(new.id, Generation::FIRST, at(3));
        let user = created(world.db.insert_user(new, Some(session.clone()), None, terms(t0())).await.unwrap().settled().await);
        assert_eq!(user.last_login_at, Some(at(3)));
        assert_eq!(world.db.session(session.id).await.unwrap(), Some((session, user)));
    }

    fn of_many_who_register_one_address_one_does(world) {
        let rivals = (0..16).map(|_| {
            let db = world.db.clone();
            tokio::spawn(async move {
                let new = person("same@example.com", Role::USER);
                let session = session_of(new.id, Generation::FIRST, t0());
                db.insert_user(new, Some(session), None, terms(t0())).await.unwrap().settled().await
            })
        });
        let outcomes = all(rivals).await;
        assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 1);
        assert_eq!(world.number("SELECT count(*) AS n FROM sessions"), 1);
    }

    fn an_import_tells_of_each_line_and_stands_as_a_whole(world) {
        world.db.insert_user(person("b@example.com", Role::USER), None, None, terms(t0())).await.unwrap().settled().await.unwrap();
        let lines = ["a@example.com", "b@example.com", "c@example.com", "A@example.com"];
        let outcomes = world.db.import_users(lines.map(|line| person(line, Role::USER)).to_vec(), terms(t0())).await.unwrap();
        let made: Vec<bool> = outcomes.iter().map(|o| o.is_ok()).collect();
        assert_eq!(made, [true, false, true, false]);
        let mut broken = vec![person("d@example.com", Role::USER), person("e@example.com", Role::USER)];
        broken[1].id = broken[0].id;
        assert!(world.db.import_users(broken, terms(t0())).await.is_err());
        assert_eq!(world.db.user_by_email(&address("d@example.com")).await.unwrap(), None);
    }

    fn a_list_is_filtered_and_paged_newest_first(world) {
        let mut ids = Vec::new();
        for n in 0..7 {
            let mut new = person(&format!("user{n}@example.com"), if n == 3 { Role::VIEWER } else { Role::USER });
            new.status = if n == 5 { UserStatus::Disabled } else { UserStatus::Active };
            new.name = Some(DisplayName::parse(if n == 6 { "ÉMILE 100%" } else { "Ada" }).unwrap());
            ids.push(world.db.insert_user(new, None, None, terms(t0())).await.settled().await.map(created).unwrap().id);
        }
        ids.reverse();
        let list = async |filter: users::Filter, page| {
            let users = world.db.users(filter, page).await.unwrap();
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

    fn users_are_counted_by_role_and_status_and_sessions_while_they_live(world) {
        assert_eq!(world.db.user_figures(t0()).await.unwrap(), users::Figures::default());
        let (_, ended) = world.signed_in("a@example.com").await;
        world.signed_in("b@example.com").await;
        world.db.end_session(ended.id, None, EndReason::Logout, terms(at(1))).await.unwrap().settled().await.unwrap();
        let mut off = person("c@example.com", Role::ADMIN);
        off.status = UserStatus::Disabled;
        world.db.insert_user(off, None, None, terms(t0())).await.unwrap().settled().await.unwrap();
        let users = vec![("admin".to_owned(), "disabled".to_owned(), 1), ("user".to_owned(), "active".to_owned(), 2)];
        assert_eq!(world.db.user_figures(at(2)).await.unwrap(), users::Figures { users: users.clone(), live_sessions: 1 });
        let long_after = world.db.user_figures(at(2) + Span::days(400)).await.unwrap();
        assert_eq!(long_after, users::Figures { users, live_sessions: 0 });
    }

    fn a_name_changes_and_cuts_nothing(world) {
        let (user, session) = world.signed_in("a@example.com").await;
        let change = users::Change { name: Some(None), email_verified_at: Some(Some(at(1))), ..users::Change::default() };
        let (outcome, done) = world.db.change_user(user.id, change, admins(), terms(at(1))).await.unwrap().recorded().await;
        let users::Changed { user: after, sessions_ended } = outcome.unwrap();
        assert_eq!((after.name.clone(), after.email_verified_at, after.generation), (None, Some(at(1)), user.generation));
        assert_eq!((done.revocations, sessions_ended), (vec![], 0));
        assert_eq!(world.stored(&session).await, session);
        assert_eq!(world.db.user(user.id).await.unwrap(), Some(after));
    }

    fn a_hash_is_rewritten_only_where_it_is_the_one_that_was_verified(world) {
        let user = world.user("a@example.com", Role::USER).await;
        assert!(!world.db.upgrade_password_hash(user.id, hash(7), hash(8)).await.unwrap());
        assert!(world.db.upgrade_password_hash(user.id, hash(0), hash(1)).await.unwrap());
        assert!(!world.db.upgrade_password_hash(user.id, hash(0), hash(2)).await.unwrap());
        let stored = world.db.credentials_of(user.id).await.unwrap().unwrap();
        assert_eq!(stored.password_hash.unwrap().expose(), hash(1).expose());
        assert_eq!(stored.user.generation, user.generation);
    }

    fn the_last_administrator_can_be_neither_demoted_nor_disabled_nor_deleted(world) {
        let admin = world.user("admin@example.com", Role::ADMIN).await;
        let mut off = person("off@example.com", Role::ADMIN);
        off.status = UserStatus::Disabled;
        world.db.insert_user(off, None, None, terms(t0())).await.unwrap().settled().await.unwrap();
        let demote = users::Change { role: Some(Role::USER), ..users::Change::default() };
        let disable = users::Change { status: Some(UserStatus::Disabled), ..users::Change::default() };
        for change in [demote.clone(), disable] {
            let outcome = world.db.change_user(admin.id, change, admins(), terms(t0())).await.unwrap().settled().await;
            assert_eq!(outcome, Err(Refused::LastAdmin));
        }
        assert_eq!(world.db.delete_user(admin.id, admins(), terms(t0())).await.unwrap().settled().await, Err(Refused::LastAdmin));
        assert_eq!(world.db.user(admin.id).await.unwrap(), Some(admin.clone()));
        world.user("second@example.com", Role::ADMIN).await;
        let outcome = world.db.change_user(admin.id, demote, admins(), terms(t0())).await.unwrap().settled().await;
        assert!(outcome.is_ok(), "{outcome:?}");
        assert!(world.db.administrator_exists(admins()).await.unwrap());
        assert!(!world.db.administrator_exists(vec!["owner".parse().unwrap()]).await.unwrap());
    }

    /// Without the guard row each would see the other one as still there.
    fn two_administrators_who_demote_each_other_leave_one(world) {
        for round in 0..10 {
            let one = world.user(&format!("one{round}@example.com"), Role::ADMIN).await;
            let two = world.user(&format!("two{round}@example.com"), Role::ADMIN).await;
            let demote = |id, delete: bool| {
                let db = world.db.clone();
                tokio::spawn(async move {
                    let change = users::Change { role: Some(Role::USER), ..users::Change::default() };
                    if delete {
                        db.delete_user(id, admins(), terms(t0())).await.unwrap().settled().await
                    } else {
                        db.change_user(id, change, admins(), terms(t0())).await.unwrap().settled().await
                    }
                })
            };
            let outcomes = all([demote(one.id, round % 2 == 0), demote(two.id, false)]).await;
            assert_eq!(outcomes.iter().filter(|o| **o == Err(Refused::LastAdmin)).count(), 1, "{outcomes:?}");
            let left = if outcomes[0] == Err(Refused::LastAdmin) { one.id } else { two.id };
            world.execute(&format!("DELETE FROM users WHERE id = '{left}'"));
        }
    }
}
