//! The caller's evidence (session or API key). The rule: it is checked again in the transaction of the change, so a caller who is
//! signed out while their request is in flight changes nothing, however late the request arrives.

use crate::{
    builders::{address, admins, anonymous, api_key, at, by, hash, mailed, new_user, one_time, unique_bytes},
    fixture::{Fixture, all},
    settled::Settle as _,
};
use auth_domain::{
    audit::Actor,
    authentication::Assurance,
    ids::ApiKeyId,
    one_time::TokenKind,
    role::Role,
    session::{EndReason, Session},
    user::{User, UserStatus},
};
use auth_storage::{
    ApiKeyEvidence, ChangeContext, Evidence, Refused, SessionEvidence, api_keys, signing_keys::NotChanged,
    users,
};
use std::fmt::Debug;

/// The context of a change by a signed-in user, with the evidence of their access token when the request arrived.
fn holding(user: &User, session: &Session) -> ChangeContext {
    let mut context = by(Actor::User(user.id), at(9));
    context.by.evidence = Some(Evidence::Session(SessionEvidence {
        session: session.id,
        generation: user.generation,
        reauthenticated: false,
    }));
    context
}

/// The same for a user who has reauthenticated.
fn reauthenticated(user: &User, session: &Session) -> ChangeContext {
    let mut context = holding(user, session);
    if let Some(Evidence::Session(held)) = &mut context.by.evidence {
        held.reauthenticated = true;
    }
    context
}

/// Returns 1 if the change was done, and 0 if it was refused. The only accepted reason is that the caller is signed out.
fn done<T: Debug, R: PartialEq + Debug>(outcome: Result<T, R>, revoked: R) -> u32 {
    match outcome {
        Ok(_) => 1,
        Err(refused) => {
            assert_eq!(refused, revoked);
            0
        }
    }
}

/// Every change that a user can make, to their account and to another user's session. Returns how many were done.
async fn do_everything(fixture: &Fixture, user: &User, session: &Session, foreign: &Session) -> u32 {
    let (db, ask) = (&fixture.db, || holding(user, session));
    let moved = mailed(one_time(TokenKind::EmailChange, 1, at(9)));
    let verified = mailed(one_time(TokenKind::EmailVerification, 2, at(9)));
    let to = address("elsewhere@example.com");
    let change = |change| db.change_user(user.id, change, admins(), ask());
    let renamed = users::Change {
        name: Some(None),
        ..users::Change::default()
    };
    let promoted = users::Change {
        role: Some(Role::ADMIN),
        ..users::Change::default()
    };
    let (id, why) = (user.id, EndReason::EndedByUser);
    let revoked = Refused::CallerRevoked;
    let key = db.insert_api_key(api_key(id, 1, at(9)), 9, ask()).await;
    let mut count = done(key.unwrap().settled().await, api_keys::NotCreated::CallerRevoked);
    let theirs = db.api_keys(id).await.unwrap();
    let gone = theirs
        .first()
        .map_or(ApiKeyId::from_parts(at(9), unique_bytes()), |key| key.id);
    count += done(db.revoke_api_key(id, gone, ask()).await.unwrap(), revoked);
    let invited = new_user(&format!("guest-of-{id}@example.com"), Role::USER);
    let invited = db.invite_user(invited, ask()).await;
    count += done(invited.unwrap().settled().await, users::NotInvited::CallerRevoked);
    let rotated = db.change_keys(vec![], vec![], Some((false, ask()))).await;
    count += done(rotated.unwrap(), NotChanged::CallerRevoked);
    for queued in [
        db.ask_for_new_email(id, to, moved, ask()).await,
        db.mail_verification(id, verified, ask()).await,
        db.mail_reset(id, ask()).await,
    ] {
        count += done(queued.unwrap().settled().await, revoked);
    }
    let ended = db.end_session(foreign.id, None, why, ask()).await;
    count += done(ended.unwrap().settled().await, revoked);
    count += done(change(renamed).await.unwrap().settled().await, revoked);
    count += done(change(promoted).await.unwrap().settled().await, revoked);
    let set = db.set_password(id, hash(9), Some(session.id), ask()).await;
    count += done(set.unwrap().settled().await, revoked);
    let ended = db.end_other_sessions(id, session.id, why, ask()).await;
    count += done(ended.unwrap().settled().await, revoked);
    let ended = db.end_user_sessions(id, why, ask()).await;
    count += done(ended.unwrap().settled().await, revoked);
    count += done(db.lock_out(id, ask()).await.unwrap().settled().await, revoked);
    let deleted = db.delete_user(id, admins(), ask()).await;
    count + done(deleted.unwrap().settled().await, revoked)
}

async fn nothing_is_done(fixture: &Fixture, user: &User, session: &Session, foreign: &Session) {
    let state = async || {
        let kept = fixture.db.credentials_of(user.id).await.unwrap().unwrap();
        let hash = kept.password_hash.map(|hash| hash.expose().to_owned());
        let open = fixture.number("SELECT count(*) AS n FROM sessions WHERE ended_at IS NULL");
        (kept.user, hash, open, fixture.noted().await, fixture.mails())
    };
    let before = state().await;
    assert_eq!(do_everything(fixture, user, session, foreign).await, 0);
    assert_eq!(state().await, before);
    assert_eq!(fixture.number("SELECT count(*) AS n FROM one_time_tokens"), 0);
}

on_both! {
    fn a_signed_out_user_changes_nothing(fixture) {
        let (_, foreign) = fixture.signed_in("other@example.com").await;
        for (number, cut) in ["logged out", "logged out everywhere", "locked out", "disabled", "reset"].into_iter().enumerate() {
            let (user, session) = fixture.signed_in(&format!("{number}@example.com")).await;
            match cut {
                "logged out" => drop(fixture.db.end_session(session.id, None, EndReason::Logout, anonymous(at(1))).await.unwrap().settled().await),
                "logged out everywhere" => drop(fixture.db.end_user_sessions(user.id, EndReason::LogoutAll, anonymous(at(1))).await.unwrap().settled().await),
                "locked out" => drop(fixture.db.lock_out(user.id, anonymous(at(1))).await.unwrap().settled().await),
                "disabled" => {
                    let change = users::Change { status: Some(UserStatus::Disabled), ..users::Change::default() };
                    fixture.db.change_user(user.id, change, vec![], anonymous(at(1))).await.unwrap().settled().await.unwrap();
                }
                _ => {
                    let link = auth_storage::one_time_tokens::New { email: Some(user.email.clone()), ..one_time(TokenKind::PasswordReset, 7, at(1)) };
                    fixture.db.issue_token(link, user.id, None).await.unwrap();
                    fixture.db.reset_password([7; 32], hash(3), anonymous(at(2))).await.unwrap().settled().await.unwrap();
                    fixture.execute("DELETE FROM one_time_tokens");
                }
            }
            nothing_is_done(&fixture, &user, &session, &foreign).await;
        }
    }

    /// Two devices sign each other out at the same time: one of them stays signed in.
    fn of_two_devices_that_sign_each_other_out_at_once_one_does(fixture) {
        for round in 0..10 {
            let (user, first) = fixture.signed_in(&format!("{round}@example.com")).await;
            let second = fixture.sign_in(&user, at(1)).await;
            let outcomes = all([first, second].map(|own| {
                let (db, context) = (fixture.db.clone(), holding(&user, &own));
                let (user, own) = (user.id, own.id);
                tokio::spawn(async move { db.end_other_sessions(user, own, EndReason::EndedByUser, context).await.unwrap().settled().await })
            }))
            .await;
            let ended: Vec<u64> = outcomes.into_iter().flatten().map(|ended| ended.count).collect();
            assert_eq!(ended, [1], "round {round}");
            let live = format!("FROM sessions WHERE user_id = '{}' AND ended_at IS NULL", user.id);
            assert_eq!(fixture.number(&format!("SELECT count(*) AS n {live}")), 1);
        }
    }

    fn after_ending_the_other_sessions_only_a_refreshed_token_is_accepted(fixture) {
        let (user, own) = fixture.signed_in("a@example.com").await;
        let end = |user: &User| fixture.db.end_other_sessions(user.id, own.id, EndReason::EndedByUser, holding(user, &own));
        assert!(end(&user).await.unwrap().settled().await.is_ok());
        // The earlier token no longer changes anything.
        assert_eq!(end(&user).await.unwrap().settled().await, Err(Refused::CallerRevoked));
        let after = fixture.db.user(user.id).await.unwrap().unwrap();
        assert!(end(&after).await.unwrap().settled().await.is_ok());
    }

    fn a_demoted_administrator_acts_on_no_user(fixture) {
        let (root, session) = fixture.signed_in("root@example.com").await;
        let demoted = users::Change { role: Some(Role::VIEWER), ..users::Change::default() };
        fixture.db.change_user(root.id, demoted, vec![], anonymous(at(1))).await.unwrap().settled().await.unwrap();
        let ada = fixture.user("ada@example.com", Role::USER).await;
        let outcome = fixture.db.lock_out(ada.id, holding(&root, &session)).await.unwrap().settled().await;
        assert_eq!((outcome, fixture.db.user(ada.id).await.unwrap()), (Err(Refused::CallerRevoked), Some(ada)));
    }

    fn a_caller_who_still_holds_their_authority_does_all_of_it(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        fixture.user("root@example.com", Role::ADMIN).await;
        let (_, foreign) = fixture.signed_in("other@example.com").await;
        // The promotion revokes the caller's token, so the changes after it are refused.
        assert_eq!(do_everything(&fixture, &user, &session, &foreign).await, 10);
    }

    /// Of two administrators who demote each other, the second one lacks the permission, and the user that they named exists.
    fn an_administrator_who_lost_the_permission_is_refused_for_that_and_not_with_not_found(fixture) {
        let (one, two) = (fixture.user("one@example.com", Role::ADMIN).await, fixture.user("two@example.com", Role::ADMIN).await);
        let (ones, twos) = (fixture.sign_in(&one, at(0)).await, fixture.sign_in(&two, at(0)).await);
        let demote = |by: &User, own: &Session, whom: &User| {
            let demoted = users::Change { role: Some(Role::USER), ..users::Change::default() };
            fixture.db.change_user(whom.id, demoted, admins(), holding(by, own))
        };
        demote(&one, &ones, &two).await.unwrap().settled().await.unwrap();
        assert_eq!(demote(&two, &twos, &one).await.unwrap().settled().await, Err(Refused::CallerRevoked));
        let unknown = new_user("nobody@example.com", Role::USER).id;
        let missing = fixture.db.lock_out(unknown, holding(&one, &ones)).await.unwrap().settled().await;
        assert_eq!(missing, Err(Refused::NotFound));
    }

    /// The evidence of a script is its API key and the role of the key's owner.
    fn an_api_key_acts_only_while_the_key_and_its_owners_role_last(fixture) {
        let ada = fixture.user("ada@example.com", Role::USER).await;
        for (number, cut) in ["none", "revoked", "demoted", "disabled", "locked out"].into_iter().enumerate() {
            let owner = fixture.user(&format!("{number}@example.com"), Role::ADMIN).await;
            let new = api_key(owner.id, number as u8, at(0));
            let key = new.key.id;
            fixture.db.insert_api_key(new, 9, anonymous(at(0))).await.unwrap().settled().await.unwrap();
            let ask = || {
                let mut context = by(Actor::ApiKey(key, owner.id), at(9));
                context.by.evidence = Some(Evidence::ApiKey(ApiKeyEvidence { key, role: owner.role.clone() }));
                context
            };
            let change = |change| fixture.db.change_user(owner.id, change, vec![], anonymous(at(1)));
            match cut {
                "none" => {}
                "revoked" => fixture.db.revoke_api_key(owner.id, key, anonymous(at(1))).await.unwrap().unwrap(),
                "demoted" => drop(change(users::Change { role: Some(Role::VIEWER), ..users::Change::default() }).await.unwrap().settled().await.unwrap()),
                "disabled" => drop(change(users::Change { status: Some(UserStatus::Disabled), ..users::Change::default() }).await.unwrap().settled().await.unwrap()),
                _ => drop(fixture.db.lock_out(owner.id, anonymous(at(1))).await.unwrap().settled().await.unwrap()),
            }
            let expected = u32::from(cut == "none");
            let renamed = users::Change { name: Some(None), ..users::Change::default() };
            let renamed = fixture.db.change_user(ada.id, renamed, admins(), ask()).await.unwrap().settled().await;
            assert_eq!(done(renamed, Refused::CallerRevoked), expected, "{cut}");
            let guest = new_user(&format!("guest{number}@example.com"), Role::USER);
            let invited = fixture.db.invite_user(guest, ask()).await.unwrap().settled().await;
            assert_eq!(done(invited, users::NotInvited::CallerRevoked), expected, "{cut}");
            let rotated = fixture.db.change_keys(vec![], vec![], Some((false, ask()))).await.unwrap();
            assert_eq!(done(rotated, NotChanged::CallerRevoked), expected, "{cut}");
        }
    }

    /// Two sessions end each other at the same time: one of them stays active.
    fn of_two_sessions_that_end_each_other_at_once_one_does(fixture) {
        for round in 0..10 {
            let (user, first) = fixture.signed_in(&format!("{round}@example.com")).await;
            let second = fixture.sign_in(&user, at(1)).await;
            let outcomes = all([(&first, &second), (&second, &first)].map(|(own, other)| {
                let (db, context) = (fixture.db.clone(), holding(&user, own));
                let (user, other) = (user.id, other.id);
                tokio::spawn(async move {
                    db.end_session(other, Some(user), EndReason::EndedByUser, context).await.unwrap().settled().await
                })
            }))
            .await;
            assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 1, "round {round}: {outcomes:?}");
            let live = format!("FROM sessions WHERE user_id = '{}' AND ended_at IS NULL", user.id);
            assert_eq!(fixture.number(&format!("SELECT count(*) AS n {live}")), 1);
        }
    }

    fn only_a_confirmed_change_counts_as_an_authentication_of_its_session(fixture) {
        let (user, own) = fixture.signed_in("a@example.com").await;
        let other = fixture.sign_in(&user, at(1)).await;
        let counted = async |session: &Session| {
            let (stored, _) = fixture.db.session(session.id).await.unwrap().unwrap();
            (stored.assurance, stored.authentications)
        };
        let as_signed_in = (own.assurance.clone(), 1);
        let renamed = || users::Change { name: Some(None), ..users::Change::default() };
        let plain = fixture.db.change_user(user.id, renamed(), admins(), holding(&user, &own)).await.unwrap();
        assert!(plain.settled().await.is_ok());
        assert_eq!(counted(&own).await, as_signed_in);
        let moved = || mailed(one_time(TokenKind::EmailChange, 1, at(9)));
        let asked = fixture.db.ask_for_new_email(user.id, address("b@example.com"), moved(), reauthenticated(&user, &own)).await.unwrap();
        assert!(asked.settled().await.is_ok());
        let once = Assurance { authenticated_at: at(9), ..own.assurance.clone() };
        assert_eq!(counted(&own).await, (once.clone(), 2));
        let set = fixture.db.set_password(user.id, hash(9), Some(own.id), reauthenticated(&user, &own)).await.unwrap();
        assert!(set.settled().await.is_ok());
        assert_eq!(counted(&own).await, (once, 3));
        assert_eq!(counted(&other).await, (other.assurance.clone(), 1));
    }

    fn a_confirmed_change_that_fails_counts_nowhere(fixture) {
        let (user, own) = fixture.signed_in("a@example.com").await;
        let (root, roots) = {
            let root = fixture.user("root@example.com", Role::ADMIN).await;
            let session = fixture.sign_in(&root, at(0)).await;
            (root, session)
        };
        let state = async |session: &Session| fixture.db.session(session.id).await.unwrap().unwrap().0;
        let before = (state(&own).await, state(&roots).await);
        let last = fixture.db.delete_user(root.id, admins(), reauthenticated(&root, &roots)).await.unwrap();
        assert_eq!(last.settled().await, Err(Refused::LastAdmin));
        let cut = User { generation: user.generation.raised(), ..user.clone() };
        let stale = fixture.db.set_password(user.id, hash(9), Some(own.id), reauthenticated(&cut, &own)).await.unwrap();
        assert_eq!(stale.settled().await, Err(Refused::CallerRevoked));
        assert_eq!((state(&own).await, state(&roots).await), before);
        fixture.db.end_session(own.id, None, EndReason::Logout, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        let ended = fixture.db.set_password(user.id, hash(9), Some(own.id), reauthenticated(&user, &own)).await.unwrap();
        assert_eq!(ended.settled().await, Err(Refused::CallerRevoked));
        assert_eq!(state(&own).await.authentications, 1);
    }

    /// Ending the session does not undo the revocation, and a repeated sign-out gets the same answer.
    fn a_users_own_session_ends_also_after_it_was_revoked(fixture) {
        let (user, own) = fixture.signed_in("a@example.com").await;
        let end = || fixture.db.end_session(own.id, Some(user.id), EndReason::Logout, holding(&user, &own));
        let (first, effects) = end().await.unwrap().recorded().await;
        assert!(first.unwrap().newly && effects.revocations.len() == 1);
        let (again, effects_again) = end().await.unwrap().recorded().await;
        assert!(!again.unwrap().newly);
        assert_eq!(effects_again, effects);
    }
}

/// The revocation of the caller is in progress and not visible yet. Changes that concern no other user wait for it as well.
#[cfg(feature = "services")]
#[test]
fn an_invitation_and_a_rotation_wait_for_the_revocation_of_their_caller_and_are_refused() {
    use diesel::{Connection, PgConnection, connection::SimpleConnection};

    crate::fixture::on_postgres(async |fixture| {
        for rotates in [false, true] {
            let root = fixture
                .user(&format!("root-{rotates}@example.com"), Role::ADMIN)
                .await;
            let session = fixture.sign_in(&root, at(0)).await;
            let mut cut = PgConnection::establish(&fixture.address()).unwrap();
            cut.batch_execute(&format!(
                "BEGIN; UPDATE users SET token_generation = token_generation + 1 WHERE id = '{}'",
                root.id
            ))
            .unwrap();
            let (db, context) = (fixture.db.clone(), holding(&root, &session));
            let asked = tokio::spawn(async move {
                if rotates {
                    let outcome = db.change_keys(vec![], vec![], Some((false, context))).await;
                    done(outcome.unwrap(), NotChanged::CallerRevoked)
                } else {
                    let guest = new_user("guest@example.com", Role::USER);
                    let outcome = db.invite_user(guest, context).await;
                    done(outcome.unwrap().settled().await, users::NotInvited::CallerRevoked)
                }
            });
            let waits = "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
            while fixture.number(waits) == 0 {
                std::thread::yield_now();
            }
            cut.batch_execute("COMMIT").unwrap();
            assert_eq!(asked.await.unwrap(), 0);
        }
    });
}
