//! What somebody holds is looked at again in the transaction of what they do: whoever is cut off while a request of theirs is on
//! its way does nothing with it, however late it arrives.

use crate::{
    people::{address, admins, api_key, at, by, hash, mailed, one_time, terms},
    world::{World, all},
};
use auth_domain::{
    audit::Actor,
    one_time::TokenKind,
    role::Role,
    session::{EndReason, Session},
    user::{User, UserStatus},
};
use auth_storage::{ChangeContext, InsertedKey, SessionEvidence, UserChange, UserOutcome};

/// What a signed-in user asks for, with what its access token said when the request came in.
fn holding(user: &User, session: &Session) -> ChangeContext {
    let mut terms = by(Actor::User(user.id), at(9));
    terms.by.held = Some(SessionEvidence {
        session: session.id,
        generation: user.generation,
    });
    terms
}

/// Everything that a user does to an account under its own authority; how many of these were done.
async fn do_everything(world: &World, user: &User, session: &Session) -> u32 {
    let (db, ask) = (&world.db, || holding(user, session));
    let moved = mailed(one_time(TokenKind::EmailChange, 1, at(9)));
    let verified = mailed(one_time(TokenKind::EmailVerification, 2, at(9)));
    let to = address("elsewhere@example.com");
    let change = |change| db.change_user(user.id, change, admins(), ask());
    let renamed = UserChange {
        name: Some(None),
        ..UserChange::default()
    };
    let promoted = UserChange {
        role: Some(Role::ADMIN),
        ..UserChange::default()
    };
    let changed = |outcome: UserOutcome| u32::from(outcome != UserOutcome::NotFound);
    let key = db
        .insert_api_key(api_key(user.id, 1, at(9)), 9, ask())
        .await
        .unwrap();
    u32::from(key != InsertedKey::NoUser)
        + u32::from(db.ask_for_new_email(user.id, to, moved, ask()).await.unwrap())
        + u32::from(db.mail_verification(user.id, verified, ask()).await.unwrap())
        + u32::from(db.mail_reset(user.id, ask()).await.unwrap())
        + changed(change(renamed).await.unwrap())
        + changed(change(promoted).await.unwrap())
        + changed(
            db.set_password(user.id, hash(9), Some(session.id), ask())
                .await
                .unwrap(),
        )
        + u32::from(
            db.end_other_sessions(user.id, session.id, EndReason::EndedByUser, ask())
                .await
                .unwrap()
                .is_some(),
        )
        + changed(db.lock_out(user.id, ask()).await.unwrap())
        + changed(db.delete_user(user.id, admins(), ask()).await.unwrap())
}

async fn nothing_is_done(world: &World, user: &User, session: &Session) {
    let state = async || {
        let kept = world.db.credentials_of(user.id).await.unwrap().unwrap();
        let hash = kept.password_hash.map(|hash| hash.expose().to_owned());
        (kept.user, hash, world.noted().await, world.mails())
    };
    let before = state().await;
    assert_eq!(do_everything(world, user, session).await, 0);
    assert_eq!(state().await, before);
    assert_eq!(world.number("SELECT count(*) AS n FROM one_time_tokens"), 0);
}

on_both! {
    fn whoever_was_cut_off_changes_nothing_any_more(world) {
        for (number, cut) in ["logged out", "logged out everywhere", "locked out", "disabled", "reset"].into_iter().enumerate() {
            let (user, session) = world.signed_in(&format!("{number}@example.com")).await;
            match cut {
                "logged out" => drop(world.db.end_session(session.id, None, EndReason::Logout, terms(at(1))).await.unwrap()),
                "logged out everywhere" => drop(world.db.end_user_sessions(user.id, EndReason::LogoutAll, terms(at(1))).await.unwrap()),
                "locked out" => drop(world.db.lock_out(user.id, terms(at(1))).await.unwrap()),
                "disabled" => {
                    let change = UserChange { status: Some(UserStatus::Disabled), ..UserChange::default() };
                    world.db.change_user(user.id, change, vec![], terms(at(1))).await.unwrap();
                }
                _ => {
                    let link = auth_storage::NewToken { email: Some(user.email.clone()), ..one_time(TokenKind::PasswordReset, 7, at(1)) };
                    world.db.issue_token(link, user.id, None).await.unwrap();
                    world.db.reset_password([7; 32], hash(3), terms(at(2))).await.unwrap();
                    world.execute("DELETE FROM one_time_tokens");
                }
            }
            nothing_is_done(&world, &user, &session).await;
        }
    }

    /// Two devices that sign each other out: one of them is left, whichever came first.
    fn of_two_who_end_each_others_sessions_at_once_one_does(world) {
        for round in 0..10 {
            let (user, first) = world.signed_in(&format!("{round}@example.com")).await;
            let second = world.sign_in(&user, at(1)).await;
            let outcomes = all([first, second].map(|own| {
                let (db, terms) = (world.db.clone(), holding(&user, &own));
                let (user, own) = (user.id, own.id);
                tokio::spawn(async move { db.end_other_sessions(user, own, EndReason::EndedByUser, terms).await.unwrap() })
            }))
            .await;
            let ended: Vec<u64> = outcomes.into_iter().flatten().map(|ended| ended.count).collect();
            assert_eq!(ended, [1], "round {round}");
            let live = format!("FROM sessions WHERE user_id = '{}' AND ended_at IS NULL", user.id);
            assert_eq!(world.number(&format!("SELECT count(*) AS n {live}")), 1);
        }
    }

    fn whoever_ended_its_other_sessions_holds_what_it_refreshes_to(world) {
        let (user, own) = world.signed_in("a@example.com").await;
        let end = |user: &User| world.db.end_other_sessions(user.id, own.id, EndReason::EndedByUser, holding(user, &own));
        assert!(end(&user).await.unwrap().is_some());
        // With the token from before nothing is changed any more.
        assert_eq!(end(&user).await.unwrap(), None);
        let after = world.db.user(user.id).await.unwrap().unwrap();
        assert!(end(&after).await.unwrap().is_some());
    }

    fn whoever_was_demoted_acts_on_nobody_any_more(world) {
        let (root, session) = world.signed_in("root@example.com").await;
        let demoted = UserChange { role: Some(Role::VIEWER), ..UserChange::default() };
        world.db.change_user(root.id, demoted, vec![], terms(at(1))).await.unwrap();
        let ada = world.user("ada@example.com", Role::USER).await;
        let outcome = world.db.lock_out(ada.id, holding(&root, &session)).await.unwrap();
        assert_eq!((outcome, world.db.user(ada.id).await.unwrap()), (UserOutcome::NotFound, Some(ada)));
    }

    fn whoever_still_holds_does_all_of_it(world) {
        let (user, session) = world.signed_in("a@example.com").await;
        world.user("root@example.com", Role::ADMIN).await;
        // The promotion cuts, and what comes after it is refused.
        assert_eq!(do_everything(&world, &user, &session).await, 6);
    }
}
