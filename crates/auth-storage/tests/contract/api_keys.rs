//! API keys. The rule: a user has a limited number of keys, each belongs to one user, and is deleted with them.

use crate::{
    builders::{admins, anonymous, api_key, at, new_user},
    fixture::all,
    settled::Settle as _,
};
use auth_domain::{audit::Action, role::Role};
use auth_storage::{Refused, api_keys};

on_both! {
    fn a_key_is_read_back_with_its_owner_as_it_was_written(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let mut new = api_key(user.id, 1, at(1));
        new.key.expires_at = Some(at(99));
        assert_eq!(fixture.db.insert_api_key(new.clone(), 9, anonymous(at(1))).await.unwrap().settled().await, Ok(()));
        let holder = fixture.db.api_key_holder([1; 32]).await.unwrap();
        assert_eq!(holder, Some(api_keys::Holder { key: new.key.clone(), owner: user.clone() }));
        assert_eq!(fixture.db.api_key_holder([2; 32]).await.unwrap(), None);
        let newer = api_key(user.id, 2, at(2));
        fixture.db.insert_api_key(newer.clone(), 9, anonymous(at(2))).await.unwrap().settled().await.unwrap();
        assert_eq!(fixture.db.api_keys(user.id).await.unwrap(), [newer.key, new.key]);
        let unknown = new_user("nobody@example.com", Role::USER).id;
        assert_eq!(fixture.db.insert_api_key(api_key(unknown, 3, at(3)), 9, anonymous(at(3))).await.unwrap().settled().await, Err(api_keys::NotCreated::NoUser));
    }

    fn a_user_has_a_limited_number_of_keys(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let made = all((0..20).map(|n| {
            let (db, new) = (fixture.db.clone(), api_key(user.id, n, at(1)));
            tokio::spawn(async move { db.insert_api_key(new, 5, anonymous(at(1))).await.unwrap().settled().await })
        })).await;
        assert_eq!(made.iter().filter(|one| **one == Ok(())).count(), 5);
        assert!(made.iter().all(|one| matches!(one, Ok(()) | Err(api_keys::NotCreated::TooMany))));
        assert_eq!((fixture.db.api_keys(user.id).await.unwrap().len(), fixture.times(Action::ApiKeyCreated).await), (5, 5));
        // Each user is counted separately.
        let other = fixture.user("b@example.com", Role::USER).await;
        assert_eq!(fixture.db.insert_api_key(api_key(other.id, 99, at(2)), 5, anonymous(at(2))).await.unwrap().settled().await, Ok(()));
    }

    fn a_key_is_revoked_by_its_owner_alone_and_once(fixture) {
        let (user, other) = (fixture.user("a@example.com", Role::USER).await, fixture.user("b@example.com", Role::USER).await);
        let api_keys::New { key, digest } = api_key(user.id, 1, at(1));
        fixture.db.insert_api_key(api_keys::New { key: key.clone(), digest }, 9, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        assert_eq!(fixture.db.revoke_api_key(other.id, key.id, anonymous(at(2))).await.unwrap(), Err(Refused::NotFound));
        assert!(fixture.db.api_key_holder(digest).await.unwrap().is_some());
        let revoked = all((0..8).map(|_| {
            let (db, owner, id) = (fixture.db.clone(), user.id, key.id);
            tokio::spawn(async move { db.revoke_api_key(owner, id, anonymous(at(3))).await.unwrap() })
        })).await;
        assert_eq!(revoked.into_iter().filter(Result::is_ok).count(), 1);
        assert_eq!((fixture.db.api_key_holder(digest).await.unwrap(), fixture.times(Action::ApiKeyRevoked).await), (None, 1));
    }

    fn the_last_use_is_recorded_to_the_minute(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let new = api_key(user.id, 1, at(0));
        fixture.db.insert_api_key(new.clone(), 9, anonymous(at(0))).await.unwrap().settled().await.unwrap();
        for (used, known) in [(10, 10), (60, 10), (70, 10), (71, 71), (5, 71)] {
            fixture.db.touch_api_key(new.key.id, at(used)).await.unwrap();
            assert_eq!(fixture.db.api_keys(user.id).await.unwrap()[0].last_used_at, Some(at(known)), "used at {used}");
        }
    }

    fn a_deleted_users_keys_are_deleted(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        fixture.db.insert_api_key(api_key(user.id, 1, at(1)), 9, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        fixture.db.delete_user(user.id, admins(), anonymous(at(2))).await.unwrap().settled().await.unwrap();
        assert_eq!(fixture.db.api_key_holder([1; 32]).await.unwrap(), None);
        assert_eq!(fixture.number("SELECT count(*) AS n FROM api_keys"), 0);
    }

    fn a_digest_belongs_to_one_key(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        fixture.db.insert_api_key(api_key(user.id, 1, at(1)), 9, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        assert!(fixture.db.insert_api_key(api_key(user.id, 1, at(2)), 9, anonymous(at(2))).await.is_err());
        assert_eq!(fixture.times(Action::ApiKeyCreated).await, 1);
    }
}
