//! What each kind of request takes, and what it gets back.
//!
//! A request takes its units before anything is done for it, and holds them until the outcome is known. A wrong secret leaves all of
//! them spent. A right one gives back what was taken for the case that it is wrong, and so does input that was refused for its form.
//! Some units stay spent either way: they bound the work that one client can ask for, and are set far above what a person needs.

use crate::claim::Claim;
use auth_domain::ids::{SessionId, UserId};
use std::net::IpAddr;

/// The units of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    claims: Vec<Claim>,
    /// How many of the claims, from the first on, are given back.
    returned: usize,
    /// After a right secret: how many of those that are left, from the first on, are given back if the change that the secret was
    /// asked for is refused for its form.
    returned_after: usize,
}

/// A device that an account knows, by opaque digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// What names the device.
    pub device: [u8; 32],
    /// What names all devices that the account knows. Whatever makes them strangers changes it.
    pub devices: [u8; 32],
}

impl Admission {
    /// A password for an account. Guesses by strangers count for the account, for their address and for the service. Those by a known
    /// device count for the device and for all known devices, and for nothing that a stranger could use up.
    #[must_use]
    pub fn sign_in(account: [u8; 32], known: Option<Known>, address: Option<IpAddr>) -> Self {
        let returned = match known {
            Some(known) => vec![
                Claim::guess_by_device(known.device),
                Claim::guess_over_devices(known.devices),
            ],
            None => [Claim::guess_at(account), Claim::on_service_above_reserve()]
                .into_iter()
                .chain(address.map(Claim::sign_in_from))
                .collect(),
        };
        Self::new(returned, [Claim::sign_in_to(account)])
    }

    /// A signed-in user's password, asked for again. Guesses count for the session, and for all sessions together, which `sessions`
    /// names; neither can be used up without a session. It is asked for before a change, which is counted with it.
    #[must_use]
    pub fn password_check(user: UserId, session: [u8; 32], sessions: [u8; 32]) -> Self {
        let returned = vec![
            Claim::guess_by_device(session),
            Claim::guess_over_devices(sessions),
        ];
        Self {
            returned_after: 1,
            ..Self::new(returned, [Claim::by_user(user), Claim::input_by(user)])
        }
    }

    /// A registration.
    #[must_use]
    pub fn registration(known: bool, address: Option<IpAddr>) -> Self {
        let returned = address
            .map(Claim::registration_from)
            .into_iter()
            .chain((!known).then(Claim::on_service_above_reserve))
            .collect();
        Self::new(returned, address.map(Claim::input_from))
    }

    /// A one-time token, perhaps with a form that is filled in.
    #[must_use]
    pub fn link(address: Option<IpAddr>) -> Self {
        let returned = address.map(Claim::sign_in_from).into_iter().collect();
        Self::new(returned, address.map(Claim::input_from))
    }

    /// Input that can't be what it should be, whatever else is known.
    #[must_use]
    pub fn input(address: Option<IpAddr>) -> Self {
        Self::new(Vec::new(), address.map(Claim::input_from))
    }

    /// A request for a mail. The reserve of the service's budget is for these: a flood of guesses does not keep owners from a reset.
    #[must_use]
    pub fn mail(known: bool, address: Option<IpAddr>) -> Self {
        let kept = address.map(Claim::mail_from).into_iter();
        Self::new(Vec::new(), kept.chain((!known).then(Claim::on_service)))
    }

    /// Something that a signed-in user issues or changes.
    #[must_use]
    pub fn change(user: UserId) -> Self {
        Self::new(vec![Claim::by_user(user)], [])
    }

    /// A refresh.
    #[must_use]
    pub fn refresh(session: SessionId) -> Self {
        Self::new(Vec::new(), [Claim::by_session(session)])
    }

    fn new(returned: Vec<Claim>, kept: impl IntoIterator<Item = Claim>) -> Self {
        let count = returned.len();
        let mut claims = returned;
        claims.extend(kept);
        Self {
            claims,
            returned: count,
            returned_after: 0,
        }
    }

    /// All that the request takes.
    #[must_use]
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// What it gets back after a right secret, or if its input was refused for its form.
    #[must_use]
    pub fn returned(&self) -> &[Claim] {
        self.claims.get(..self.returned).unwrap_or_default()
    }

    /// After a right secret: what the request gets back, and what it has still taken.
    #[must_use]
    pub fn after_right_secret(mut self) -> (Vec<Claim>, Self) {
        let left = self.claims.split_off(self.returned.min(self.claims.len()));
        let left = Self {
            claims: left,
            returned: self.returned_after,
            returned_after: 0,
        };
        (self.claims, left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::LimitName::{self, *};
    use uuid::Uuid;

    fn names(claims: &[Claim]) -> Vec<LimitName> {
        claims.iter().map(Claim::name).collect()
    }

    #[test]
    fn every_request_takes_what_its_kind_takes_and_gets_back_what_is_not_work() {
        let address = Some("192.0.2.1".parse().unwrap());
        let known = Some(Known {
            device: [1; 32],
            devices: [2; 32],
        });
        let user = UserId::from_uuid(Uuid::from_u128(1));
        let session = SessionId::from_uuid(Uuid::from_u128(2));
        let account = [3; 32];
        let rows: [(&str, Admission, &[LimitName], &[LimitName]); 10] = [
            (
                "a stranger's sign-in",
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
                "input that can't be right",
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
        for (what, admission, returned, kept) in rows {
            assert_eq!(names(admission.returned()), returned, "{what}");
            assert_eq!(names(admission.claims()), [returned, kept].concat(), "{what}");
        }
    }

    #[test]
    fn a_change_that_is_refused_for_its_form_gives_its_unit_back_after_the_guess_was_given_back() {
        let user = UserId::from_uuid(Uuid::from_u128(1));
        let (returned, left) = Admission::password_check(user, [4; 32], [5; 32]).after_right_secret();
        assert_eq!(names(&returned), [GuessesPerDevice, GuessesOverDevices]);
        assert_eq!(names(left.claims()), [PerUser, InputPerClient]);
        assert_eq!(names(left.returned()), [PerUser]);
        let (returned, left) = Admission::link(None).after_right_secret();
        assert_eq!(
            (returned.as_slice(), left.claims()),
            ([].as_slice(), [].as_slice())
        );
    }
}
