//! The permits that each kind of request takes, and which of them are refunded.
//!
//! A request takes its permits before any work is done for it, and holds them until its result is known. After a wrong secret all
//! of them stay spent. After a right secret, or if the input was malformed, those that guard against guessing are refunded. The
//! others stay spent in any case: they bound the work that one client can cause, and are set far above what a person needs.

use crate::permit::Permit;
use auth_domain::ids::{SessionId, UserId};
use std::net::IpAddr;

/// The permits of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    permits: Vec<Permit>,
    /// How many of the permits, counted from the first, are refundable.
    refundable: usize,
    /// How many of the permits that remain after a right secret, counted from the first, are refundable if the change is malformed
    /// for which the secret was asked.
    refundable_after: usize,
}

/// A known device of an account, by opaque digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceDigests {
    /// The digest of the device.
    pub device: [u8; 32],
    /// One digest for all known devices of the account. It changes when the account stops knowing them.
    pub devices: [u8; 32],
}

impl Admission {
    /// A sign-in with a password. Guesses by unknown clients count for the account, for their IP address and for the service.
    /// Guesses by a known device count for the device and for all known devices: a stranger can't use up either.
    #[must_use]
    pub fn sign_in(account: [u8; 32], known: Option<DeviceDigests>, address: Option<IpAddr>) -> Self {
        let refundable = match known {
            Some(known) => vec![
                Permit::guess_by_device(known.device),
                Permit::guess_over_devices(known.devices),
            ],
            None => [Permit::guess_at(account), Permit::on_service_above_reserve()]
                .into_iter()
                .chain(address.map(Permit::sign_in_from))
                .collect(),
        };
        Self::new(refundable, [Permit::sign_in_to(account)])
    }

    /// A signed-in user's password, asked for again before a change, which is counted with it. Guesses count for the session
    /// (`session`) and for all sessions of the user together (`sessions`). Neither can be used up without a session.
    #[must_use]
    pub fn password_check(user: UserId, session: [u8; 32], sessions: [u8; 32]) -> Self {
        let refundable = vec![
            Permit::guess_by_device(session),
            Permit::guess_over_devices(sessions),
        ];
        Self {
            refundable_after: 1,
            ..Self::new(refundable, [Permit::by_user(user), Permit::input_by(user)])
        }
    }

    /// A registration.
    #[must_use]
    pub fn registration(known: bool, address: Option<IpAddr>) -> Self {
        let refundable = address
            .map(Permit::registration_from)
            .into_iter()
            .chain((!known).then(Permit::on_service_above_reserve))
            .collect();
        Self::new(refundable, address.map(Permit::input_from))
    }

    /// The use of a one-time token, with or without a form.
    #[must_use]
    pub fn link(address: Option<IpAddr>) -> Self {
        let refundable = address.map(Permit::sign_in_from).into_iter().collect();
        Self::new(refundable, address.map(Permit::input_from))
    }

    /// Input that is refused for its form alone.
    #[must_use]
    pub fn input(address: Option<IpAddr>) -> Self {
        Self::new(Vec::new(), address.map(Permit::input_from))
    }

    /// A request for an email. The reserve of the service's budget is for these, so a flood of guesses does not keep owners from
    /// resetting their passwords.
    #[must_use]
    pub fn mail(known: bool, address: Option<IpAddr>) -> Self {
        let spent = address.map(Permit::mail_from).into_iter();
        Self::new(Vec::new(), spent.chain((!known).then(Permit::on_service)))
    }

    /// A request by a signed-in user that issues or changes credentials.
    #[must_use]
    pub fn change(user: UserId) -> Self {
        Self::new(vec![Permit::by_user(user)], [])
    }

    /// A refresh.
    #[must_use]
    pub fn refresh(session: SessionId) -> Self {
        Self::new(Vec::new(), [Permit::by_session(session)])
    }

    fn new(refundable: Vec<Permit>, spent: impl IntoIterator<Item = Permit>) -> Self {
        let count = refundable.len();
        let mut permits = refundable;
        permits.extend(spent);
        Self {
            permits,
            refundable: count,
            refundable_after: 0,
        }
    }

    /// All permits that the request takes.
    #[must_use]
    pub fn permits(&self) -> &[Permit] {
        &self.permits
    }

    /// The permits that are refunded after a right secret, or if the input was malformed.
    #[must_use]
    pub fn refundable(&self) -> &[Permit] {
        self.permits.get(..self.refundable).unwrap_or_default()
    }

    /// After a right secret: the permits to refund, and the admission with those that stay taken.
    #[must_use]
    pub fn after_right_secret(mut self) -> (Vec<Permit>, Self) {
        let left = self.permits.split_off(self.refundable.min(self.permits.len()));
        let left = Self {
            permits: left,
            refundable: self.refundable_after,
            refundable_after: 0,
        };
        (self.permits, left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::LimitName::{self, *};
    use uuid::Uuid;

    fn names(permits: &[Permit]) -> Vec<LimitName> {
        permits.iter().map(Permit::name).collect()
    }

    #[test]
    fn every_kind_of_request_takes_its_permits_and_is_refunded_those_against_guessing() {
        let address = Some("192.0.2.1".parse().unwrap());
        let known = Some(DeviceDigests {
            device: [1; 32],
            devices: [2; 32],
        });
        let user = UserId::from_uuid(Uuid::from_u128(1));
        let session = SessionId::from_uuid(Uuid::from_u128(2));
        let account = [3; 32];
        let rows: [(&str, Admission, &[LimitName], &[LimitName]); 10] = [
            (
                "an unknown client's sign-in",
                Admission::sign_in(account, None, address),
                &[GuessesPerAccount, Service, SignInPerAddress],
                &[SignInPerAccount],
            ),
            (
                "a known device's sign-in",
                Admission::sign_in(account, known, address),
                &[GuessesPerDevice, GuessesOverDevices],
                &[SignInPerAccount],
            ),
            (
                "a password check",
                Admission::password_check(user, [4; 32], [5; 32]),
                &[GuessesPerDevice, GuessesOverDevices],
                &[PerUser, InputPerClient],
            ),
            (
                "a registration",
                Admission::registration(false, address),
                &[RegisterPerAddress, Service],
                &[InputPerClient],
            ),
            (
                "a registration on a known device",
                Admission::registration(true, address),
                &[RegisterPerAddress],
                &[InputPerClient],
            ),
            (
                "a link",
                Admission::link(address),
                &[SignInPerAddress],
                &[InputPerClient],
            ),
            (
                "malformed input",
                Admission::input(address),
                &[],
                &[InputPerClient],
            ),
            (
                "a mail",
                Admission::mail(false, address),
                &[],
                &[MailPerAddress, Service],
            ),
            ("a change", Admission::change(user), &[PerUser], &[]),
            ("a refresh", Admission::refresh(session), &[], &[PerUser]),
        ];
        for (what, admission, refundable, kept) in rows {
            assert_eq!(names(admission.refundable()), refundable, "{what}");
            assert_eq!(names(admission.permits()), [refundable, kept].concat(), "{what}");
        }
    }

    #[test]
    fn a_change_that_is_refused_for_its_form_gives_its_unit_back_after_the_guess_was_given_back() {
        let user = UserId::from_uuid(Uuid::from_u128(1));
        let (refundable, left) = Admission::password_check(user, [4; 32], [5; 32]).after_right_secret();
        assert_eq!(names(&refundable), [GuessesPerDevice, GuessesOverDevices]);
        assert_eq!(names(left.permits()), [PerUser, InputPerClient]);
        assert_eq!(names(left.refundable()), [PerUser]);
        let (refundable, left) = Admission::link(None).after_right_secret();
        assert_eq!(
            (refundable.as_slice(), left.permits()),
            ([].as_slice(), [].as_slice())
        );
    }
}
