//! API keys: so many a user, each its owner's, and gone with it.

use crate::{
    people::{admins, api_key, at, person, terms},
    settled::Settle as _,
    world::all,
};
use auth_domain::{audit::Action, role::Role};
use auth_storage::{Refused, api_keys};

on_both! {
    fn a_key_is_read_back_with_its_owner_as_it_was_written(world) {
        let user = world.user("a@example.com", Role::USER).await;
        let mut new = api_key(user.id, 1, at(1));
        new.key.expires_at = Some(at(99));
        assert_eq!(world.db.insert_api_key(new.clone(), 9, terms(at(1))).await.unwrap().settled().await, Ok(()));
        let holder = world.db.api_key_holder([1; 32]).await.unwrap();
        assert_eq!(holder, Some(api_keys::Holder { key: new.key.clone(), owner: user.clone() }));
        assert_eq!(world.db.api_key_holder([2; 32]).await.unwrap(), None);
        let newer = api_key(user.id, 2, at(2));
        world.db.insert_api_key(newer.clone(), 9, terms(at(2))).await.unwrap().settled().await.unwrap();
        assert_eq!(world.db.api_keys(user.id).await.unwrap(), [newer.key, new.key]);
        let nobody = person("nobody@example.com", Role::USER).id;
        assert_eq!(world.db.insert_api_key(api_key(nobody, 3, at(3)), 9, terms(at(3))).await.unwrap().settled().await, Err(api_keys::NotCreated::NoUser));
    }

    fn a_user_has_so_many_keys_and_no_more(world) {
        let user = world.user("a@example.com", Role::USER).await;
        let made = all((0..20).map(|n| {
            let (db, new) = (world.db.clone(), api_key(user.id, n, at(1)));
            tokio::spawn(async move { db.insert_api_key(new, 5, terms(at(1))).await.unwrap().settled().await })
        })).await;
        assert_eq!(made.iter().filter(|one| **one == Ok(())).count(), 5);
        assert!(made.iter().all(|one| matches!(one, Ok(()) | Err(api_keys::NotCreated::TooMany))));
        assert_eq!((world.db.api_keys(user.id).await.unwrap().len(), world.times(Action::ApiKeyCreated).await), (5, 5));
        // Another user has its own count.
        let other = world.user("b@example.com", Role::USER).await;
        assert_eq!(world.db.insert_api_key(api_key(other.id, 99, at(2)), 5, terms(at(2))).await.unwrap().settled().await, Ok(()));
    }

    fn a_key_is_revoked_by_its_owner_alone_and_once(world) {
        let (user, other) = (world.user("a@example.com", Role::USER).await, world.user("b@example.com", Role::USER).await);
        let api_keys::New { key, digest } = api_key(user.id, 1, at(1));
        world.db.insert_api_key(api_keys::New { key: key.clone(), digest }, 9, terms(at(1))).await.unwrap().settled().await.unwrap();
        assert_eq!(world.db.revoke_api_key(other.id, key.id, terms(at(2))).await.unwrap(), Err(Refused::NotFound));
        assert!(world.db.api_key_holder(digest).await.unwrap().is_some());
        let revoked = all((0..8).map(|_| {
            let (db, owner, id) = (world.db.clone(), user.id, key.id);
            tokio::spawn(async move { db.revoke_api_key(owner, id, terms(at(3))).await.unwrap() })
        })).await;
        assert_eq!(revoked.into_iter().filter(Result::is_ok).count(), 1);
        assert_eq!((world.db.api_key_holder(digest).await.unwrap(), world.times(Action::ApiKeyRevoked).await), (None, 1));
    }

    fn the_last_use_is_known_to_the_minute(world) {
        let user = world.user("a@example.com", Role::USER).await;
        let new = api_key(user.id, 1, at(0));
        world.db.insert_api_key(new.clone(), 9, terms(at(0))).await.unwrap().settled().await.unwrap();
        for (used, known) in [(10, 10), (60, 10), (70, 10), (71, 71), (5, 71)] {
            world.db.touch_api_key(new.key.id, at(used)).await.unwrap();
            assert_eq!(world.db.api_keys(user.id).await.unwrap()[0].last_used_at, Some(at(known)), "used at {used}");
        }
    }

    fn a_deleted_users_keys_go_with_it(world) {
        let user = world.user("a@example.com", Role::USER).await;
        world.db.insert_api_key(api_key(user.id, 1, at(1)), 9, terms(at(1))).await.unwrap().settled().await.unwrap();
        world.db.delete_user(user.id, admins(), terms(at(2))).await.unwrap().settled().await.unwrap();
        assert_eq!(world.db.api_key_holder([1; 32]).await.unwrap(), None);
        assert_eq!(world.number("SELECT count(*) AS n FROM api_keys"), 0);
    }

    fn a_digest_is_one_keys(world) {
        let user = world.user("a@example.com", Role::USER).await;
        world.db.insert_api_key(api_key(user.id, 1, at(1)), 9, terms(at(1))).await.unwrap().settled().await.unwrap();
        assert!(world.db.insert_api_key(api_key(user.id, 1, at(2)), 9, terms(at(2))).await.is_err());
        assert_eq!(world.times(Action::ApiKeyCreated).await, 1);
    }
}
