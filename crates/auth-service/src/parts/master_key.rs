//! The master key: 32 bytes that protect every secret at rest. The rule: it is never used itself. Each purpose has a key of its
//! own, derived with HKDF-SHA-256 (RFC 5869), so that a value of one purpose is never valid for another (RFC 8725 §3.12).

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, hmac,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::SecretString;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::parts::{
    entropy::{Entropy, random_bytes},
    failure::Failure,
};

/// The master key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Why a text is no master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// Not base64.
    #[error("the master key is not base64; make one with: openssl rand -base64 32")]
    NotBase64,
    /// Not 32 bytes.
    #[error("the master key has {0} bytes where 32 are needed; make one with: openssl rand -base64 32")]
    WrongLength(usize),
}

/// The purpose of a derived key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Signs refresh tokens.
    RefreshTokens,
    /// Seals the private signing keys in the database.
    SigningKeys,
    /// Checks whether this is the master key that the database was created with.
    Check,
    /// Derives the one-time tokens in mails from the mails' ids.
    MailTokens,
    /// Signs known-device tokens.
    Devices,
    /// Derives the digests by which the limits count accounts.
    Limits,
    /// Signs the tokens of forms.
    Forms,
    /// Marks the sessions that began in a browser.
    Browsers,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::RefreshTokens => b"keyward/v1/refresh-tokens",
            Self::SigningKeys => b"keyward/v1/signing-keys",
            Self::Check => b"keyward/v1/check",
            Self::MailTokens => b"keyward/v1/mailed-tokens",
            Self::Devices => b"keyward/v1/devices",
            Self::Limits => b"keyward/v1/limits",
            Self::Forms => b"keyward/v1/forms",
            Self::Browsers => b"keyward/v1/browsers",
        }
    }
}

/// The bytes could not be opened: they were sealed with another master key or under another name, or they were changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed with another master key, or changed since")]
pub(crate) struct CannotOpen;

impl MasterKey {
    /// The key with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key from base64, as in `KEYWARD_MASTER_KEY`.
    ///
    /// # Errors
    /// [`MasterKeyError`], which does not contain the text.
    pub fn from_base64(text: &str) -> Result<Self, MasterKeyError> {
        let bytes = Zeroizing::new(
            STANDARD
                .decode(text.trim())
                .map_err(|_| MasterKeyError::NotBase64)?,
        );
        let key =
            <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| MasterKeyError::WrongLength(bytes.len()))?;
        Ok(Self(key))
    }

    /// The key as base64, for the file that the embedded default creates.
    #[must_use]
    pub fn to_base64(&self) -> SecretString {
        STANDARD.encode(self.0).into()
    }

    /// The key for one purpose.
    pub(crate) fn derive(&self, purpose: Purpose) -> Result<Zeroizing<[u8; 32]>, Failure> {
        let mut derived = Zeroizing::new([0; 32]);
        let info = [purpose.label()];
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"keyward")
            .extract(&self.0)
            .expand(&info, hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(derived.as_mut_slice()))
            .map_err(|_| Failure::internal("deriving a key failed"))?;
        Ok(derived)
    }

    /// The HMAC-SHA-256 key for one purpose.
    pub(crate) fn hmac_key(&self, purpose: Purpose) -> Result<hmac::Key, Failure> {
        Ok(hmac::Key::new(
            hmac::HMAC_SHA256,
            self.derive(purpose)?.as_slice(),
        ))
    }

    /// A value by which the database recognises this key. It reveals nothing about the key.
    pub(crate) fn check_value(&self) -> Result<Vec<u8>, Failure> {
        let key = self.hmac_key(Purpose::Check)?;
        Ok(hmac::sign(&key, b"this database").as_ref().to_vec())
    }

    /// Seals bytes under a name (AES-256-GCM, with the nonce in front). They can be opened under the same name alone.
    pub(crate) fn seal(&self, name: &str, plain: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, Failure> {
        let nonce = random_bytes::<NONCE_LEN>(entropy)?;
        let mut sealed = plain.to_vec();
        self.sealing_key()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(name.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| Failure::internal("sealing failed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`MasterKey::seal`] sealed.
    pub(crate) fn open(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(CannotOpen)?;
        let mut plain = Zeroizing::new(body.to_vec());
        let key = self.sealing_key().map_err(|_| CannotOpen)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = key
            .open_in_place(nonce, Aad::from(name.as_bytes()), &mut plain)
            .map_err(|_| CannotOpen)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    fn sealing_key(&self) -> Result<LessSafeKey, Failure> {
        let key = UnboundKey::new(&AES_256_GCM, self.derive(Purpose::SigningKeys)?.as_slice())
            .map_err(|_| Failure::internal("no sealing key"))?;
        Ok(LessSafeKey::new(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::entropy::SystemEntropy;
    use secrecy::ExposeSecret;

    #[test]
    fn what_was_sealed_opens_under_its_name_and_key_alone() {
        let (key, other) = (MasterKey::from_bytes([1; 32]), MasterKey::from_bytes([2; 32]));
        let sealed = key.seal("a", b"secret", &SystemEntropy).unwrap();
        assert_eq!(key.open("a", &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(key.open("b", &sealed), Err(CannotOpen));
        assert_eq!(other.open("a", &sealed), Err(CannotOpen));
        let mut changed = sealed.clone();
        changed[14] ^= 1;
        assert_eq!(key.open("a", &changed), Err(CannotOpen));
        assert_eq!(key.open("a", &sealed[..5]), Err(CannotOpen));
    }

    #[test]
    fn a_master_key_is_32_bytes_of_base64_and_shows_nothing() {
        let key = MasterKey::from_bytes([77; 32]);
        let text = key.to_base64();
        assert_eq!(MasterKey::from_base64(text.expose_secret()).unwrap().0, key.0);
        assert_eq!(
            MasterKey::from_base64("AAAA").unwrap_err(),
            MasterKeyError::WrongLength(3)
        );
        assert_eq!(
            MasterKey::from_base64("no!").unwrap_err(),
            MasterKeyError::NotBase64
        );
        assert_eq!(format!("{key:?}"), "MasterKey(…)");
    }

    #[test]
    fn every_purpose_has_its_own_key() {
        let key = MasterKey::from_bytes([3; 32]);
        use Purpose as P;
        let all = [
            P::RefreshTokens,
            P::SigningKeys,
            P::Check,
            P::MailTokens,
            P::Devices,
            P::Limits,
            P::Forms,
            P::Browsers,
        ];
        let derived: std::collections::HashSet<_> = all.map(|p| *key.derive(p).unwrap()).into();
        assert_eq!(derived.len(), all.len());
    }
}
