//! Hash strings, and the results of parsing them.

use auth_domain::password_hash::{HashRefused, HashScheme, PasswordHash};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

pub(super) const BCRYPT_DIGEST: &str = "R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW";

pub(super) fn b64(length: usize) -> String {
    STANDARD_NO_PAD.encode(vec![7; length])
}

pub(super) fn argon2(params: &str) -> String {
    format!("$argon2id$v=19${params}${}${}", b64(16), b64(32))
}

pub(super) fn scrypt(params: &str) -> String {
    format!("$scrypt${params}${}${}", b64(16), b64(32))
}

pub(super) fn pbkdf2(params: &str) -> String {
    format!("$pbkdf2-sha256${params}${}${}", b64(16), b64(32))
}

pub(super) fn scheme(stored: &str) -> HashScheme {
    match PasswordHash::parse(stored) {
        Ok(hash) => hash.scheme().clone(),
        Err(error) => unreachable!("{stored}: {error}"),
    }
}

pub(super) fn refused(stored: &str) -> HashRefused {
    match PasswordHash::parse(stored) {
        Err(error) => error,
        Ok(hash) => unreachable!("{stored} was taken as {hash:?}"),
    }
}

pub(super) fn is_malformed(stored: &str) -> bool {
    matches!(refused(stored), HashRefused::Malformed(_))
}

pub(super) fn is_too_costly(stored: &str) -> bool {
    matches!(refused(stored), HashRefused::TooCostly(_))
}
