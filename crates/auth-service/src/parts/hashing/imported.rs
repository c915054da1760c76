//! Verification of hashes that were imported from other services: bcrypt, scrypt, PBKDF2, Argon2 with other parameters. Their users
//! need no reset; the next sign-in replaces the hash.
//!
//! The bytes as typed are tried first, then their NFKC form, because other services rarely normalise. Our own hashes are always of
//! the NFKC form, so only that is tried for them.

use super::{Arena, argon2_into};
use crate::parts::failure::Failure;
use argon2::{Algorithm, Version};
use auth_domain::{
    password::PresentedPassword,
    password_hash::{Argon2Params, Argon2Variant, HashScheme, PasswordHash, Pbkdf2Digest},
};
use aws_lc_rs::pbkdf2;
use std::num::NonZeroU32;
use subtle::ConstantTimeEq;

/// Whether the password matches the hash.
///
/// # Errors
/// [`Failure::Internal`] for a hash that parsing should have refused.
pub(super) fn verify(
    stored: &PasswordHash,
    presented: &PresentedPassword,
    current: &Argon2Params,
    arena: &mut Arena,
) -> Result<bool, Failure> {
    let normalised = presented.normalised();
    let as_typed = presented.as_typed();
    if !stored.is_current(current) && as_typed != normalised.as_slice() && matches(stored, as_typed, arena)? {
        return Ok(true);
    }
    matches(stored, &normalised, arena)
}

fn matches(stored: &PasswordHash, password: &[u8], arena: &mut Arena) -> Result<bool, Failure> {
    match stored.scheme() {
        HashScheme::Argon2 {
            variant,
            version,
            memory_kib,
            iterations,
            parallelism,
            salt,
            hash,
        } => {
            let algorithm = match variant {
                Argon2Variant::Id => Algorithm::Argon2id,
                Argon2Variant::I => Algorithm::Argon2i,
                Argon2Variant::D => Algorithm::Argon2d,
            };
            let version = if *version == 16 {
                Version::V0x10
            } else {
                Version::V0x13
            };
            let params = Argon2Params {
                memory_kib: *memory_kib,
                iterations: *iterations,
                parallelism: *parallelism,
            };
            let mut computed = vec![0; hash.len()];
            argon2_into(algorithm, version, &params, password, salt, &mut computed, arena)?;
            Ok(computed.ct_eq(hash).into())
        }
        // bcrypt reads only the first 72 bytes. The other service truncated longer passwords there, so they are truncated here,
        // too. The next sign-in replaces the hash with one of the whole password.
        HashScheme::Bcrypt { .. } => bcrypt::verify(password, stored.expose())
            .map_err(|error| Failure::internal(format!("bcrypt: {error}"))),
        HashScheme::Scrypt {
            log_n,
            r,
            p,
            salt,
            hash,
        } => {
            let failed = |error: String| Failure::internal(format!("scrypt: {error}"));
            let params = scrypt::Params::new(*log_n, *r, *p).map_err(|error| failed(error.to_string()))?;
            let mut computed = vec![0; hash.len()];
            scrypt::scrypt(password, salt, &params, &mut computed)
                .map_err(|error| failed(error.to_string()))?;
            Ok(computed.ct_eq(hash).into())
        }
        HashScheme::Pbkdf2 {
            digest,
            rounds,
            salt,
            hash,
        } => {
            let algorithm = match digest {
                Pbkdf2Digest::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
                Pbkdf2Digest::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
                Pbkdf2Digest::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
            };
            let rounds = NonZeroU32::new(*rounds).ok_or_else(|| Failure::internal("PBKDF2: no rounds"))?;
            Ok(pbkdf2::verify(algorithm, rounds, salt, password, hash).is_ok())
        }
    }
}
