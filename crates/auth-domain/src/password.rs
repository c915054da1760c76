//! Passwords have two types: a [`NewPassword`] passed the policy; of a [`PresentedPassword`] only the length is bounded.
//!
//! Neither can be printed, logged or copied, and both are wiped when dropped. A new password is kept as the bytes that get
//! hashed, NFKC in UTF-8: "é" is the same password whether it is typed as one code point or as two (SP 800-63B-4 §3.1.1.2).
//! A presented one is kept as typed, because the hashes of older services were computed over that. Nothing is ever trimmed or
//! truncated.

mod policy;
mod strength;

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

pub use policy::{PasswordPolicy, PasswordViolation};

/// Bytes of UTF-8 that a password may have, as typed, whatever the policy says. It bounds the work before any is done; 128
/// code points never need more.
pub const MAX_PASSWORD_BYTES: usize = 512;

/// A password that [`PasswordPolicy::accept`] took: NFKC, in UTF-8, wiped when dropped.
///
/// It can't be copied:
/// ```compile_fail
/// fn copy(password: auth_domain::password::NewPassword) -> auth_domain::password::NewPassword { password.clone() }
/// ```
/// nor shown:
/// ```compile_fail
/// fn show(password: auth_domain::password::NewPassword) -> String { password.to_string() }
/// ```
pub struct NewPassword(Zeroizing<Vec<u8>>);

impl NewPassword {
    /// The bytes to hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPassword(…)")
    }
}

/// A password that a user signs in with, byte for byte as typed, wiped when dropped. Imported users may have a short or a weak
/// one, so only its length is checked. Every byte of it counts, U+0000 too.
pub struct PresentedPassword(Zeroizing<String>);

/// A presented password of more than [`MAX_PASSWORD_BYTES`]. No account can have it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("The password is longer than 512 bytes.")]
pub struct PasswordTooLong;

impl PresentedPassword {
    /// Takes the password as typed. One that is refused as too long is wiped, too.
    pub fn new(raw: String) -> Result<Self, PasswordTooLong> {
        let raw = Zeroizing::new(raw);
        if raw.len() > MAX_PASSWORD_BYTES {
            Err(PasswordTooLong)
        } else {
            Ok(Self(raw))
        }
    }

    /// The bytes as typed: what the hashes of other services are verified against first.
    #[must_use]
    pub fn as_typed(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The NFKC form in UTF-8: what this server's own hashes are computed over. At most eleven times as long.
    #[must_use]
    pub fn normalised(&self) -> Zeroizing<Vec<u8>> {
        into_bytes(nfkc(&self.0))
    }
}

impl fmt::Debug for PresentedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedPassword(…)")
    }
}

/// NFKC into a buffer of its exact size: a string that grows leaves its earlier buffers behind, unwiped.
fn nfkc(text: &str) -> Zeroizing<String> {
    let mut normalised = Zeroizing::new(String::with_capacity(text.nfkc().map(char::len_utf8).sum()));
    normalised.extend(text.nfkc());
    normalised
}

/// Moves the buffer out, without a copy that would have to be wiped.
fn into_bytes(mut text: Zeroizing<String>) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(std::mem::take(&mut *text).into_bytes())
}
