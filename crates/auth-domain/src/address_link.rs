//! Decides what a mailed link needs besides the click, and what it then does. A link proves who owns the mailbox. It does not
//! prove who owns the account.
//!
//! For a link that confirms an address, the first matching line decides:
//!
//! | when | then |
//! | --- | --- |
//! | the address is confirmed already | [`Verification::Already`] |
//! | the link is opened in a session of the account, and no registration waits for it | [`Confirmation::InSession`] |
//! | the proof is the password: the account's, or that of the registration that waits | [`Confirmation::WithPassword`] |
//! | the proof is a new password | [`Confirmation::WithNewPassword`], which takes the old one's place |
//! | else | [`Verification::ProofNeeded`] |
//!
//! A link that changes an address needs a session of the account or its password ([`change_is_proved`]). A new password is not
//! enough: it would give the account to the owner of the new address.

use crate::credential::SecurityEvent;

/// The proof that is presented together with a link. `P` is the type of a password: as typed before it is verified, the hash that it
/// was verified against after that. A session of the account is a proof of its own and is none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkProof<P> {
    /// The link alone.
    LinkAlone,
    /// The password of the account, or of the registration that waits.
    Password(P),
    /// A new password.
    NewPassword(P),
}

/// The facts from which a link that confirms an address is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerificationFacts {
    /// Whether the address is confirmed already.
    pub confirmed: bool,
    /// Whether a pending registration waits for the link. Then no session of the account can belong to the person who registered.
    pub waiting: bool,
    /// Whether the link is opened in a session of the account.
    pub in_session: bool,
}

/// What a link that confirms an address does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification<N> {
    /// Nothing: the address is confirmed.
    Already,
    /// It confirms the address for the first time.
    Confirm(Confirmation<N>),
    /// Nothing yet: the password, or a new one, has to be presented.
    ProofNeeded,
}

/// How an address is confirmed for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation<N> {
    /// In a session of the account.
    InSession,
    /// With the password.
    WithPassword,
    /// With a new password.
    WithNewPassword(N),
}

impl<N> Confirmation<N> {
    /// The event that decides which credentials end.
    #[must_use]
    pub const fn event(&self) -> SecurityEvent {
        match self {
            Self::InSession => SecurityEvent::ConfirmedInSession,
            Self::WithPassword => SecurityEvent::ConfirmedWithPassword,
            Self::WithNewPassword(_) => SecurityEvent::ConfirmedWithNewPassword,
        }
    }

    /// The word of the audit log.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::InSession => "session",
            Self::WithPassword => "password",
            Self::WithNewPassword(_) => "new_password",
        }
    }
}

/// Decides about a link that confirms an address, with a proof that was verified.
///
/// ```
/// use auth_domain::address_link::{Confirmation, LinkProof, Verification, VerificationFacts, verification};
///
/// // The link is opened in another browser than the one that registered.
/// let facts = VerificationFacts { confirmed: false, waiting: false, in_session: false };
/// assert_eq!(verification(facts, LinkProof::<&str>::LinkAlone), Verification::ProofNeeded);
/// let confirmed = Verification::Confirm(Confirmation::WithPassword);
/// assert_eq!(verification(facts, LinkProof::Password("correct horse")), confirmed);
/// ```
#[must_use]
pub fn verification<P>(facts: VerificationFacts, proof: LinkProof<P>) -> Verification<P> {
    if facts.confirmed {
        return Verification::Already;
    }
    if facts.in_session && !facts.waiting {
        return Verification::Confirm(Confirmation::InSession);
    }
    match proof {
        LinkProof::Password(_) => Verification::Confirm(Confirmation::WithPassword),
        LinkProof::NewPassword(new) => Verification::Confirm(Confirmation::WithNewPassword(new)),
        LinkProof::LinkAlone => Verification::ProofNeeded,
    }
}

/// Whether a link that changes an address does so, with a proof that was verified.
///
/// ```
/// use auth_domain::address_link::{LinkProof, change_is_proved};
///
/// assert!(change_is_proved(false, LinkProof::Password("correct horse")));
/// assert!(!change_is_proved(false, LinkProof::NewPassword("four grey herons waiting")));
/// ```
#[must_use]
pub fn change_is_proved<P>(in_session: bool, proof: LinkProof<P>) -> bool {
    match proof {
        LinkProof::Password(_) => true,
        LinkProof::LinkAlone | LinkProof::NewPassword(_) => in_session,
    }
}

/// What a mailed link needs besides the click.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkNeeds {
    /// Nothing.
    Nothing,
    /// The account's password.
    Password {
        /// Whether a new password is enough, too.
        or_new: bool,
    },
}

impl LinkNeeds {
    /// What a link that confirms an address needs.
    #[must_use]
    pub fn of_verification(facts: VerificationFacts) -> Self {
        Self::unless(|proof| verification(facts, proof) != Verification::ProofNeeded)
    }

    /// What a link that changes an address needs.
    #[must_use]
    pub fn of_change(in_session: bool) -> Self {
        Self::unless(|proof| change_is_proved(in_session, proof))
    }

    fn unless(suffices: impl Fn(LinkProof<()>) -> bool) -> Self {
        if suffices(LinkProof::LinkAlone) {
            return Self::Nothing;
        }
        Self::Password {
            or_new: suffices(LinkProof::NewPassword(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_PROOFS: [LinkProof<()>; 3] = [
        LinkProof::LinkAlone,
        LinkProof::Password(()),
        LinkProof::NewPassword(()),
    ];

    /// Confirmed, waiting, in a session: every set of facts.
    fn all_facts() -> impl Iterator<Item = VerificationFacts> {
        (0..8_u8).map(|bits| VerificationFacts {
            confirmed: bits & 1 != 0,
            waiting: bits & 2 != 0,
            in_session: bits & 4 != 0,
        })
    }

    #[test]
    fn a_confirmed_address_needs_and_does_nothing_more() {
        for facts in all_facts().filter(|facts| facts.confirmed) {
            for proof in ALL_PROOFS {
                assert_eq!(verification(facts, proof), Verification::Already, "{facts:?}");
            }
            assert_eq!(LinkNeeds::of_verification(facts), LinkNeeds::Nothing);
        }
    }

    #[test]
    fn a_session_of_the_account_confirms_whatever_else_is_proved() {
        let facts = VerificationFacts {
            confirmed: false,
            waiting: false,
            in_session: true,
        };
        for proof in ALL_PROOFS {
            let confirmed = Verification::Confirm(Confirmation::InSession);
            assert_eq!(verification(facts, proof), confirmed, "{proof:?}");
        }
        assert_eq!(LinkNeeds::of_verification(facts), LinkNeeds::Nothing);
    }

    #[test]
    fn without_a_session_or_where_a_registration_waits_one_of_the_passwords_is_needed() {
        let open = |facts: &VerificationFacts| !facts.confirmed && (facts.waiting || !facts.in_session);
        for facts in all_facts().filter(open) {
            for (proof, then) in [
                (LinkProof::LinkAlone, Verification::ProofNeeded),
                (
                    LinkProof::Password(()),
                    Verification::Confirm(Confirmation::WithPassword),
                ),
                (
                    LinkProof::NewPassword(()),
                    Verification::Confirm(Confirmation::WithNewPassword(())),
                ),
            ] {
                assert_eq!(verification(facts, proof), then, "{facts:?}");
            }
            let needs = LinkNeeds::Password { or_new: true };
            assert_eq!(LinkNeeds::of_verification(facts), needs);
        }
    }

    #[test]
    fn an_address_changes_in_a_session_or_with_the_password_and_never_with_a_new_one() {
        for proof in ALL_PROOFS {
            assert!(change_is_proved(true, proof));
            assert_eq!(change_is_proved(false, proof), proof == LinkProof::Password(()));
        }
        assert_eq!(LinkNeeds::of_change(true), LinkNeeds::Nothing);
        assert_eq!(LinkNeeds::of_change(false), LinkNeeds::Password { or_new: false });
    }

    #[test]
    fn each_confirmation_has_its_own_word_and_event() {
        let all = [
            Confirmation::InSession,
            Confirmation::WithPassword,
            Confirmation::WithNewPassword(()),
        ];
        for one in all {
            let same =
                |other: &&Confirmation<()>| other.as_str() == one.as_str() || other.event() == one.event();
            assert_eq!(all.iter().filter(same).count(), 1, "{one:?}");
        }
    }
}
