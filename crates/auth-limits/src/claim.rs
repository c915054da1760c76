//! What a request falls under: a limit, and whom it counts.
//!
//! A claim is made for one limit by a constructor that takes what this limit counts, so none can be counted by the wrong thing.
//! What it counts by is an address, an id or a digest: nothing of an account can be read from a key.

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

/// One unit of one limit, for one whom it counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    name: LimitName,
    key: Arc<str>,
    /// Whether it leaves the limit's reserve to others.
    spares: bool,
}

/// One unit of this many is kept for the requests that may use a limit's reserve.
const RESERVE: u32 = 10;

impl Claim {
    /// A sign-in from an address.
    #[must_use]
    pub fn sign_in_from(address: IpAddr) -> Self {
        Self::by_address(LimitName::SignInPerAddress, address)
    }

    /// A registration from an address.
    #[must_use]
    pub fn registration_from(address: IpAddr) -> Self {
        Self::by_address(LimitName::RegisterPerAddress, address)
    }

    /// A mail that an address asks for.
    #[must_use]
    pub fn mail_from(address: IpAddr) -> Self {
        Self::by_address(LimitName::MailPerAddress, address)
    }

    /// A mail to a recipient, by an opaque digest of the recipient's address.
    #[must_use]
    pub fn mail_to(recipient: [u8; 32]) -> Self {
        Self::by_digest(LimitName::MailPerRecipient, recipient)
    }

    /// Something that a signed-in user does.
    #[must_use]
    pub fn by_user(user: UserId) -> Self {
        Self::new(LimitName::PerUser, user.to_string())
    }

    /// A refresh of a session: of the same limit as its user's changes, and counted by itself.
    #[must_use]
    pub fn by_session(session: SessionId) -> Self {
        Self::new(LimitName::PerUser, session.to_string())
    }

    /// A sign-in to an account, by an opaque digest of what names the account.
    #[must_use]
    pub fn sign_in_to(account: [u8; 32]) -> Self {
        Self::by_digest(LimitName::SignInPerAccount, account)
    }

    /// Input from an address.
    #[must_use]
    pub fn input_from(address: IpAddr) -> Self {
        Self::by_address(LimitName::InputPerClient, address)
    }

    /// Input of a signed-in user.
    #[must_use]
    pub fn input_by(user: UserId) -> Self {
        Self::new(LimitName::InputPerClient, user.to_string())
    }

    /// Something that counts for the whole service, and may use all of its budget.
    #[must_use]
    pub fn on_service() -> Self {
        Self::new(LimitName::Service, "all".to_owned())
    }

    /// Something that counts for the whole service and leaves the reserve of its budget to what [`Self::on_service`] is for.
    #[must_use]
    pub fn on_service_above_reserve() -> Self {
        Self {
            spares: true,
            ..Self::on_service()
        }
    }

    /// A guess at an account's password by an unknown client, by an opaque digest of what names the account.
    #[must_use]
    pub fn guess_at(account: [u8; 32]) -> Self {
        Self::by_digest(LimitName::GuessesPerAccount, account)
    }

    /// A guess by a device that the account knows, by an opaque digest of what names the device.
    #[must_use]
    pub fn guess_by_device(device: [u8; 32]) -> Self {
        Self::by_digest(LimitName::GuessesPerDevice, device)
    }

    /// A guess by any device that the account knows, by an opaque digest of what names all of them.
    #[must_use]
    pub fn guess_over_devices(devices: [u8; 32]) -> Self {
        Self::by_digest(LimitName::GuessesOverDevices, devices)
    }

    /// The limit.
    #[must_use]
    pub const fn name(&self) -> LimitName {
        self.name
    }

    /// Whom it counts.
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
            spares: false,
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

/// What one client holds: an IPv4 address, however it is written, or the /64 that an IPv6 host may choose its addresses from.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        v4 => v4,
    }
}

/// A claim and the limit that is configured for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) claim: &'a Claim,
    pub(crate) limit: Limit,
}

impl Asked<'_> {
    /// How many units of the limit the claim leaves to others.
    pub(crate) const fn reserve(&self) -> u32 {
        if self.claim.spares {
            self.limit.burst() / RESERVE
        } else {
            0
        }
    }

    /// What becomes of the claim, from the counter as it is kept.
    pub(crate) fn decide(&self, tat: Option<Timestamp>, now: Timestamp) -> RateDecision {
        decide(tat, now, self.limit, self.reserve())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(address: &str) -> String {
        Claim::sign_in_from(address.parse().unwrap()).key().to_owned()
    }

    #[test]
    fn a_host_is_one_however_it_chooses_its_address() {
        assert_eq!(key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(key("2001:db8:1:2:ffff::"), key("2001:db8:1:2::1"));
        assert_ne!(key("2001:db8:1:3::1"), key("2001:db8:1:2::1"));
        assert_eq!(key("192.0.2.7"), "192.0.2.7");
        assert_eq!(key("::ffff:192.0.2.7"), "192.0.2.7");
        assert_ne!(key("::ffff:192.0.2.8"), key("192.0.2.7"));
    }

    #[test]
    fn a_digest_is_shown_in_full() {
        let claim = Claim::guess_at([0xa0; 32]);
        assert_eq!(claim.key(), "a0".repeat(32));
        assert_eq!(claim.name(), LimitName::GuessesPerAccount);
        assert_ne!(claim, Claim::guess_by_device([0xa0; 32]));
    }
}
