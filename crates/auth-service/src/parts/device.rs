//! Known devices: a device token says that a device signed in as a user before, so that guesses from other devices can't throttle
//! the owner (docs/rules.md §7). It is no credential: a password is required all the same.

use crate::parts::{
    entropy::{Entropy, random_bytes},
    failure::Failure,
    master_key::{MasterKey, Purpose},
    tokens::sha256,
};
use auth_domain::{
    ids::UserId,
    time::{Span, Timestamp},
};
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::DateTime;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

/// How long a device is known after its last sign-in.
pub const KNOWN_DEVICE_LIFETIME: Span = Span::days(180);

/// The length of a token's body: user, device, time.
const BODY: usize = 16 + 16 + 8;

/// A device with a valid token. [`KnownDevice::is_known_to`] says whether a user knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownDevice {
    user: UserId,
    device: [u8; 16],
    since: Timestamp,
}

impl KnownDevice {
    /// Whether it signed in as this user, at or after the time from which devices are known.
    pub(crate) fn is_known_to(&self, user: UserId, devices_from: Option<Timestamp>) -> bool {
        self.user == user && devices_from.is_none_or(|from| self.since >= from)
    }

    /// The digest that its guesses are counted by.
    pub(crate) fn digest(&self) -> [u8; 32] {
        sha256(&[self.user.as_uuid().as_bytes().as_slice(), &self.device].concat())
    }
}

/// Issues and verifies device tokens.
pub(crate) struct DeviceTokens(hmac::Key);

impl DeviceTokens {
    pub(crate) fn new(master: &MasterKey) -> Result<Self, Failure> {
        Ok(Self(master.hmac_key(Purpose::Devices)?))
    }

    /// Issues a token for a device on which the user has just proved who they are. A known device keeps its id.
    pub(crate) fn issue(
        &self,
        user: UserId,
        before: Option<KnownDevice>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<SecretString, Failure> {
        let device = match before {
            Some(known) if known.user == user => known.device,
            _ => random_bytes::<16>(entropy)?,
        };
        let mut token = Vec::with_capacity(BODY + 32);
        token.extend_from_slice(user.as_uuid().as_bytes());
        token.extend_from_slice(&device);
        token.extend_from_slice(&now.timestamp_micros().to_be_bytes());
        token.extend_from_slice(hmac::sign(&self.0, &token).as_ref());
        Ok(URL_SAFE_NO_PAD.encode(token).into())
    }

    /// The device of a token that is valid and not expired.
    pub(crate) fn verify(&self, token: &SecretString, now: Timestamp) -> Option<KnownDevice> {
        let text = token.expose_secret();
        if text.len() > 128 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, code) = bytes.split_at_checked(BODY)?;
        hmac::verify(&self.0, body, code).ok()?;
        let (user, rest) = body.split_first_chunk::<16>()?;
        let (device, moment) = rest.split_first_chunk::<16>()?;
        let since = DateTime::from_timestamp_micros(i64::from_be_bytes(moment.try_into().ok()?))?;
        (now - since < KNOWN_DEVICE_LIFETIME).then_some(KnownDevice {
            user: UserId::from_uuid(Uuid::from_bytes(*user)),
            device: *device,
            since,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::entropy::SystemEntropy;

    #[test]
    fn a_device_is_known_to_its_user_until_a_reset_or_180_days() {
        let tokens = DeviceTokens::new(&MasterKey::from_bytes([1; 32])).unwrap();
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        let (user, other) = (UserId::from_parts(now, [1; 10]), UserId::from_parts(now, [2; 10]));
        let token = tokens.issue(user, None, now, &SystemEntropy).unwrap();
        let device = tokens.verify(&token, now).unwrap();
        assert!(device.is_known_to(user, None) && device.is_known_to(user, Some(now)));
        assert!(!device.is_known_to(other, None));
        assert!(!device.is_known_to(user, Some(now + Span::microseconds(1))));
        assert!(
            tokens
                .verify(&token, now + KNOWN_DEVICE_LIFETIME - Span::seconds(1))
                .is_some()
        );
        assert!(tokens.verify(&token, now + KNOWN_DEVICE_LIFETIME).is_none());
        // After another sign-in it is the same device, with a new time.
        let again = tokens
            .issue(user, Some(device), now + Span::days(9), &SystemEntropy)
            .unwrap();
        let again = tokens.verify(&again, now + KNOWN_DEVICE_LIFETIME).unwrap();
        assert_eq!(again.digest(), device.digest());
        // With another user it is another device.
        let shared = tokens.issue(other, Some(device), now, &SystemEntropy).unwrap();
        assert_ne!(tokens.verify(&shared, now).unwrap().digest(), device.digest());
    }

    #[test]
    fn a_forged_token_is_none() {
        let tokens = DeviceTokens::new(&MasterKey::from_bytes([1; 32])).unwrap();
        let others = DeviceTokens::new(&MasterKey::from_bytes([2; 32])).unwrap();
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        let token = others
            .issue(UserId::from_parts(now, [1; 10]), None, now, &SystemEntropy)
            .unwrap();
        assert_eq!(tokens.verify(&token, now), None);
        for text in ["", "a", "AAAA", &"A".repeat(96), &"A".repeat(4000)] {
            assert_eq!(tokens.verify(&SecretString::from(text), now), None, "{text}");
        }
    }
}
