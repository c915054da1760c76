//! Permits: one unit of one limit, taken from one counter.
//!
//! Each limit has a constructor that takes what the limit counts by, so a permit can't be counted by the wrong thing. That is an
//! IP address, an id or a digest, so a counter's key says nothing about an account.

use crate::name::LimitName;
use auth_domain::{
    ids::{SessionId, UserId},
    rate::{Limit, RateDecision, decide},
    time::Timestamp,
};
use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

/// One unit of one limit, and the counter that it is taken from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Permit {
    name: LimitName,
    key: Arc<str>,
    /// Whether the permit may not use the limit's reserve.
    leaves_reserve: bool,
}

/// One tenth of a limit is its reserve, kept for the requests that may use it.
const RESERVE_SHARE: u32 = 10;

impl Permit {
    /// A sign-in from an IP address.
    #[must_use]
    pub fn sign_in_from(address: IpAddr) -> Self {
        Self::by_address(LimitName::SignInPerAddress, address)
    }

    /// A registration from an IP address.
    #[must_use]
    pub fn registration_from(address: IpAddr) -> Self {
        Self::by_address(LimitName::RegisterPerAddress, address)
    }

    /// An email requested from an IP address.
    #[must_use]
    pub fn mail_from(address: IpAddr) -> Self {
        Self::by_address(LimitName::MailPerAddress, address)
    }

    /// An email to a recipient, by an opaque digest of the recipient's address.
    #[must_use]
    pub fn mail_to(recipient: [u8; 32]) -> Self {
        Self::by_digest(LimitName::MailPerRecipient, recipient)
    }

    /// A request by a signed-in user that issues or changes credentials.
    #[must_use]
    pub fn by_user(user: UserId) -> Self {
        Self::new(LimitName::PerUser, user.to_string())
    }

    /// A refresh of a session: under the same limit as the user's changes, with a counter of its own for each session.
    #[must_use]
    pub fn by_session(session: SessionId) -> Self {
        Self::new(LimitName::PerUser, session.to_string())
    }

    /// A sign-in to an account, by an opaque digest of the account's name.
    #[must_use]
    pub fn sign_in_to(account: [u8; 32]) -> Self {
        Self::by_digest(LimitName::SignInPerAccount, account)
    }

    /// A form sent from an IP address, whether or not it is valid.
    #[must_use]
    pub fn input_from(address: IpAddr) -> Self {
        Self::by_address(LimitName::InputPerClient, address)
    }

    /// A form sent by a signed-in user, whether or not it is valid.
    #[must_use]
    pub fn input_by(user: UserId) -> Self {
        Self::new(LimitName::InputPerClient, user.to_string())
    }

    /// A request that counts for the whole service and may use all of its budget.
    #[must_use]
    pub fn on_service() -> Self {
        Self::new(LimitName::Service, "all".to_owned())
    }

    /// A request that counts for the whole service and may not use the reserve, which is for [`Self::on_service`].
    #[must_use]
    pub fn on_service_above_reserve() -> Self {
        Self {
            leaves_reserve: true,
            ..Self::on_service()
        }
    }

    /// A guess at an account's password by an unknown client, by an opaque digest of the account's name.
    #[must_use]
    pub fn guess_at(account: [u8; 32]) -> Self {
        Self::by_digest(LimitName::GuessesPerAccount, account)
    }

    /// A guess by a known device of the account, by an opaque digest of the device.
    #[must_use]
    pub fn guess_by_device(device: [u8; 32]) -> Self {
        Self::by_digest(LimitName::GuessesPerDevice, device)
    }

    /// A guess by any known device of the account, by one opaque digest for all of them.
    #[must_use]
    pub fn guess_over_devices(devices: [u8; 32]) -> Self {
        Self::by_digest(LimitName::GuessesOverDevices, devices)
    }

    /// The limit that the permit belongs to.
    #[must_use]
    pub const fn name(&self) -> LimitName {
        self.name
    }

    /// The counter that the permit is taken from, among those of its limit.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    pub(crate) const fn shared_key(&self) -> &Arc<str> {
        &self.key
    }

    fn new(name: LimitName, key: String) -> Self {
        Self {
            name,
            key: key.into(),
            leaves_reserve: false,
        }
    }

    fn by_address(name: LimitName, address: IpAddr) -> Self {
        Self::new(name, network(address).to_string())
    }

    fn by_digest(name: LimitName, digest: [u8; 32]) -> Self {
        let hex = digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a String can't fail.
            let _written = write!(hex, "{byte:02x}");
            hex
        });
        Self::new(name, hex)
    }
}

/// The network that counts as one client: an IPv4 address, IPv4-mapped or not, or the /64 from which an IPv6 host may choose
/// its addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        v4 => v4,
    }
}

/// A permit that is requested, with the configured limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PermitRequest<'a> {
    pub(crate) permit: &'a Permit,
    pub(crate) limit: Limit,
}

impl PermitRequest<'_> {
    /// How many units of the limit the permit may not use.
    pub(crate) const fn reserve(&self) -> u32 {
        if self.permit.leaves_reserve {
            self.limit.burst() / RESERVE_SHARE
        } else {
            0
        }
    }

    /// Decides on the permit from its counter's theoretical arrival time (`None`: no counter yet).
    pub(crate) fn decide(&self, tat: Option<Timestamp>, now: Timestamp) -> RateDecision {
        decide(tat, now, self.limit, self.reserve())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(address: &str) -> String {
        Permit::sign_in_from(address.parse().unwrap()).key().to_owned()
    }

    #[test]
    fn a_host_counts_as_one_client_whichever_address_it_chooses() {
        assert_eq!(key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(key("2001:db8:1:2:ffff::"), key("2001:db8:1:2::1"));
        assert_ne!(key("2001:db8:1:3::1"), key("2001:db8:1:2::1"));
        assert_eq!(key("192.0.2.7"), "192.0.2.7");
        assert_eq!(key("::ffff:192.0.2.7"), "192.0.2.7");
        assert_ne!(key("::ffff:192.0.2.8"), key("192.0.2.7"));
    }

    #[test]
    fn a_digest_is_shown_in_full() {
        let permit = Permit::guess_at([0xa0; 32]);
        assert_eq!(permit.key(), "a0".repeat(32));
        assert_eq!(permit.name(), LimitName::GuessesPerAccount);
        assert_ne!(permit, Permit::guess_by_device([0xa0; 32]));
    }
}
