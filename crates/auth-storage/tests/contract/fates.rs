//! Every security event against every credential. The rule: storage does what the table of `auth_domain::credential` says. Neither
//! match has a wildcard, so a new event or a new kind of credential does not compile until this file says how the event happens, or
//! how to see that the credential has ended.

use crate::{
    builders::{
        address, admins, anonymous, api_key, at, hash, in_session, mailed, new_user, one_time, session_of,
        typed, unique_bytes,
    },
    fixture::Fixture,
    settled::Settle as _,
};
use auth_domain::{
    address_link::LinkProof,
    credential::{Credential, Fate, SecurityEvent, fate},
    ids::TokenId,
    one_time::TokenKind,
    revocation::{TokenRef, Verdict},
    role::Role,
    session::{EndReason, Session, SessionState},
    user::{User, UserStatus},
};
use auth_storage::{
    links::{NotRedeemed, Redeemed},
    one_time_tokens, users,
};

/// A user who has one credential of each kind.
struct Owner {
    user: User,
    current: Session,
    other: Session,
    /// The first of the numbers from which their tokens and keys are made.
    digits: u8,
}

const RESET: u8 = 0;
const VERIFICATION: u8 = 1;
const CHANGE: u8 = 2;
const REPORT: u8 = 3;

impl Owner {
    fn digest(&self, of: u8) -> [u8; 32] {
        [self.digits + of; 32]
    }

    async fn with_everything(fixture: &Fixture, name: &str, verified: bool, digits: u8) -> Self {
        let db = &fixture.db;
        let email = format!("{name}@example.com");
        let new = users::New {
            email_verified_at: verified.then_some(at(0)),
            ..new_user(&email, Role::USER)
        };
        let user = db
            .insert_user(new, None, None, anonymous(at(0)))
            .await
            .unwrap()
            .settled()
            .await
            .unwrap();
        let current = fixture.sign_in(&user, at(0)).await;
        let other = session_of(user.id, user.generation, at(1));
        db.start_session(crate::builders::known(other.clone()), anonymous(at(1)))
            .await
            .unwrap()
            .settled()
            .await
            .unwrap();
        let owner = Self {
            user,
            current,
            other,
            digits,
        };
        let id = owner.user.id;
        db.insert_api_key(api_key(id, digits, at(1)), 9, anonymous(at(1)))
            .await
            .unwrap()
            .settled()
            .await
            .unwrap();
        let bound = |kind, of: u8, to: &str| one_time_tokens::New {
            email: Some(address(to)),
            ..one_time(kind, digits + of, at(1))
        };
        for (kind, of) in [(TokenKind::PasswordReset, RESET), (TokenKind::Report, REPORT)] {
            assert!(db.issue_token(bound(kind, of, &email), id, None).await.unwrap());
        }
        let link = mailed(bound(TokenKind::EmailVerification, VERIFICATION, &email));
        assert!(
            db.mail_verification(id, link, anonymous(at(1)))
                .await
                .unwrap()
                .settled()
                .await
                .is_ok()
        );
        let to = format!("new.{name}@example.com");
        let link = mailed(bound(TokenKind::EmailChange, CHANGE, &to));
        assert!(
            db.ask_for_new_email(id, address(&to), link, anonymous(at(1)))
                .await
                .unwrap()
                .settled()
                .await
                .is_ok()
        );
        assert!(
            db.mail_reset(id, anonymous(at(1)))
                .await
                .unwrap()
                .settled()
                .await
                .is_ok()
        );
        owner
    }

    /// Makes the event happen, in the current session if it comes from one.
    async fn meets(&self, fixture: &Fixture, event: SecurityEvent) {
        let (db, id, now) = (&fixture.db, self.user.id, at(5));
        let own = || in_session(&self.user, &self.current, now);
        let change = |change: users::Change| db.change_user(id, change, admins(), anonymous(now));
        let redeemed = |outcome: Result<Redeemed, NotRedeemed>| assert!(outcome.is_ok(), "{outcome:?}");
        match event {
            SecurityEvent::SignedOut => {
                let owner = Some(id);
                drop(
                    db.end_session(self.current.id, owner, EndReason::Logout, own())
                        .await
                        .unwrap()
                        .settled()
                        .await
                        .unwrap(),
                );
            }
            SecurityEvent::AllSessionsEnded => {
                db.end_user_sessions(id, EndReason::LogoutAll, own())
                    .await
                    .unwrap()
                    .settled()
                    .await
                    .unwrap();
            }
            SecurityEvent::OtherSessionsEnded => {
                let why = EndReason::EndedByUser;
                db.end_other_sessions(id, self.current.id, why, own())
                    .await
                    .unwrap()
                    .settled()
                    .await
                    .unwrap();
            }
            SecurityEvent::PasswordChanged => {
                drop(
                    db.set_password(id, hash(3), Some(self.current.id), own())
                        .await
                        .unwrap()
                        .settled()
                        .await,
                );
            }
            SecurityEvent::PasswordSet => drop(
                db.set_password(id, hash(3), None, anonymous(now))
                    .await
                    .unwrap()
                    .settled()
                    .await,
            ),
            SecurityEvent::PasswordReset => {
                redeemed(
                    db.reset_password(self.digest(RESET), hash(3), anonymous(now))
                        .await
                        .unwrap()
                        .settled()
                        .await,
                );
            }
            SecurityEvent::AddressChanged => {
                redeemed(
                    db.change_email(self.digest(CHANGE), typed(), anonymous(now))
                        .await
                        .unwrap()
                        .settled()
                        .await,
                );
            }
            SecurityEvent::ConfirmedInSession => {
                let (link, proof) = (self.digest(VERIFICATION), LinkProof::LinkAlone);
                redeemed(db.verify_email(link, proof, own()).await.unwrap().settled().await);
            }
            SecurityEvent::ConfirmedWithPassword => {
                redeemed(
                    db.verify_email(self.digest(VERIFICATION), typed(), anonymous(now))
                        .await
                        .unwrap()
                        .settled()
                        .await,
                );
            }
            SecurityEvent::ConfirmedWithNewPassword => {
                let (link, proof) = (self.digest(VERIFICATION), LinkProof::NewPassword(hash(3)));
                redeemed(
                    db.verify_email(link, proof, anonymous(now))
                        .await
                        .unwrap()
                        .settled()
                        .await,
                );
            }
            SecurityEvent::VerificationRemoved => {
                let removed = users::Change {
                    email_verified_at: Some(None),
                    ..users::Change::default()
                };
                drop(change(removed).await.unwrap());
            }
            SecurityEvent::RoleChanged => {
                let viewer = users::Change {
                    role: Some(Role::VIEWER),
                    ..users::Change::default()
                };
                drop(change(viewer).await.unwrap());
            }
            SecurityEvent::Disabled => {
                let disabled = users::Change {
                    status: Some(UserStatus::Disabled),
                    ..users::Change::default()
                };
                drop(change(disabled).await.unwrap());
            }
            SecurityEvent::LockedOut => drop(db.lock_out(id, anonymous(now)).await.unwrap().settled().await),
            SecurityEvent::Reported => {
                redeemed(
                    db.report(self.digest(REPORT), anonymous(now))
                        .await
                        .unwrap()
                        .settled()
                        .await,
                );
            }
            SecurityEvent::Deleted => drop(
                db.delete_user(id, admins(), anonymous(now))
                    .await
                    .unwrap()
                    .settled()
                    .await,
            ),
        }
    }

    /// The fate of a credential, as the database shows it.
    async fn found(&self, fixture: &Fixture, credential: Credential) -> Fate {
        let stored = fixture.db.credentials_of(self.user.id).await.unwrap();
        let devices_ended = stored
            .as_ref()
            .is_none_or(|stored| stored.devices_from == Some(at(5)));
        match credential {
            Credential::CurrentAccessTokens => self.access(fixture, &self.current).await,
            Credential::OtherAccessTokens => self.access(fixture, &self.other).await,
            Credential::CurrentSession => self.session(fixture, &self.current).await,
            Credential::OtherSessions => self.session(fixture, &self.other).await,
            Credential::Password => {
                let kept = stored.and_then(|stored| stored.password_hash);
                stays(kept.is_some_and(|kept| kept.expose() == hash(0).expose()))
            }
            Credential::ApiKeys => {
                let holder = fixture.db.api_key_holder([self.digits; 32]).await.unwrap();
                stays(holder.is_some())
            }
            Credential::ResetLinks => {
                self.links(fixture, TokenKind::PasswordReset, RESET, "password_reset")
                    .await
            }
            Credential::VerificationLinks => {
                let kind = TokenKind::EmailVerification;
                self.links(fixture, kind, VERIFICATION, "email_verification")
                    .await
            }
            Credential::EmailChangeLinks => {
                self.links(fixture, TokenKind::EmailChange, CHANGE, "email_change_confirm")
                    .await
            }
            Credential::ReportLinks => {
                let (kind, digest) = (TokenKind::Report, self.digest(REPORT));
                stays(
                    fixture
                        .db
                        .one_time_token(kind, digest, at(6))
                        .await
                        .unwrap()
                        .is_some(),
                )
            }
            // The current device's token is from before the event as well. If the device stays known, the service issues a new token.
            Credential::CurrentDevice | Credential::OtherDevices => stays(!devices_ended),
        }
    }

    async fn access(&self, fixture: &Fixture, session: &Session) -> Fate {
        let token = TokenRef {
            token: TokenId::from_parts(at(0), unique_bytes()),
            session: session.id,
            user: self.user.id,
            generation: session.generation,
        };
        let facts = fixture.db.facts(token).await.unwrap();
        stays(facts.verdict(session.generation) == Verdict::Valid)
    }

    async fn session(&self, fixture: &Fixture, session: &Session) -> Fate {
        match fixture.db.session(session.id).await.unwrap() {
            Some((now, user)) if now.state == SessionState::Active && now.generation >= user.generation => {
                if now.generation == session.generation {
                    Fate::Stays
                } else {
                    Fate::CarriedOver
                }
            }
            _ => Fate::Ends,
        }
    }

    /// A link and the queued mail that carries it: both exist, or neither.
    async fn links(&self, fixture: &Fixture, kind: TokenKind, of: u8, mail: &str) -> Fate {
        let link = fixture
            .db
            .one_time_token(kind, self.digest(of), at(6))
            .await
            .unwrap();
        let waiting = fixture.number(&format!(
            "SELECT count(*) AS n FROM outbox WHERE kind = '{mail}' AND user_id = '{}' AND done_at IS NULL",
            self.user.id
        ));
        // A deleted user's mails are dropped when their turn comes.
        let deleted = fixture.db.user(self.user.id).await.unwrap().is_none();
        assert!(deleted || link.is_some() == (waiting > 0), "{kind:?}");
        stays(link.is_some())
    }
}

fn stays(it: bool) -> Fate {
    if it { Fate::Stays } else { Fate::Ends }
}

on_both! {
    fn every_event_ends_what_the_table_says_and_nothing_else(fixture) {
        let bystander = Owner::with_everything(&fixture, "bystander", true, 250).await;
        let before = (fixture.stored(&bystander.current).await, fixture.stored(&bystander.other).await);
        for (digits, event) in (1..).step_by(4).zip(SecurityEvent::ALL) {
            let first = [SecurityEvent::ConfirmedInSession, SecurityEvent::ConfirmedWithPassword, SecurityEvent::ConfirmedWithNewPassword];
            let owner = Owner::with_everything(&fixture, &format!("u{digits}"), !first.contains(&event), digits).await;
            owner.meets(&fixture, event).await;
            for credential in Credential::ALL {
                let expected = match (credential, fate(event, credential)) {
                    (Credential::CurrentDevice, Fate::CarriedOver) => Fate::Ends,
                    (_, expected) => expected,
                };
                assert_eq!(owner.found(&fixture, credential).await, expected, "{event:?}: {credential:?}");
            }
        }
        assert_eq!((fixture.stored(&bystander.current).await, fixture.stored(&bystander.other).await), before);
        for credential in Credential::ALL {
            assert_eq!(bystander.found(&fixture, credential).await, Fate::Stays, "{credential:?}");
        }
    }
}
