//! Reads the spellings of the schemes. Each is taken in one way only: no leading zeros, no repeated or unknown parameters,
//! no base64 with bits left over, nothing behind the hash.

use base64::Engine as _;
use base64::alphabet::{self, Alphabet};
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD, STANDARD_NO_PAD};

use super::HashRefused::{Malformed, TooCostly, Unknown};
use super::{
    Argon2Variant, HashRefused, HashScheme, MAX_ARGON2_ITERATIONS, MAX_ARGON2_MEMORY_KIB,
    MAX_ARGON2_PARALLELISM, MAX_HASH_BYTES, Pbkdf2Digest,
};

const BCRYPT: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD);

/// passlib writes a dot where standard base64 has a plus.
const PASSLIB_ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./";

pub(super) fn scheme_of(stored: &str) -> Result<HashScheme, HashRefused> {
    if stored.len() > MAX_HASH_BYTES {
        return Err(Malformed("it is longer than 512 bytes"));
    }
    if !stored.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Malformed("it contains a space or a character that no hash has"));
    }
    let Some(named) = stored.strip_prefix('$') else {
        let (name, rest) = stored.split_once('$').ok_or(Unknown)?;
        return match name {
            "pbkdf2_sha1" => pbkdf2_of_django(Pbkdf2Digest::Sha1, rest),
            "pbkdf2_sha256" => pbkdf2_of_django(Pbkdf2Digest::Sha256, rest),
            "pbkdf2_sha512" => pbkdf2_of_django(Pbkdf2Digest::Sha512, rest),
            _ => Err(Unknown),
        };
    };
    let (name, rest) = named.split_once('$').ok_or(Unknown)?;
    match name {
        "argon2id" => argon2(Argon2Variant::Id, rest),
        "argon2i" => argon2(Argon2Variant::I, rest),
        "argon2d" => argon2(Argon2Variant::D, rest),
        "2a" | "2b" | "2y" => bcrypt(rest),
        "scrypt" => scrypt(rest),
        "pbkdf2" | "pbkdf2-sha1" => pbkdf2(Pbkdf2Digest::Sha1, rest),
        "pbkdf2-sha256" => pbkdf2(Pbkdf2Digest::Sha256, rest),
        "pbkdf2-sha512" => pbkdf2(Pbkdf2Digest::Sha512, rest),
        _ => Err(Unknown),
    }
}

/// `v=19$m=19456,t=2,p=1$salt$hash`; without `v=` it is version 16.
fn argon2(variant: Argon2Variant, rest: &str) -> Result<HashScheme, HashRefused> {
    let (version, rest) = match rest.strip_prefix("v=") {
        Some(versioned) => {
            let (version, rest) = versioned.split_once('$').ok_or(MISSING_PART)?;
            (decimal(version)?, rest)
        }
        None => (16, rest),
    };
    if version != 16 && version != 19 {
        return Err(Malformed("Argon2 has the versions 16 and 19"));
    }
    let [params, salt, hash] = parts(rest)?;
    let [memory_kib, iterations, parallelism] = parameters(params, ["m", "t", "p"])?;
    let (memory_kib, iterations, parallelism) = (given(memory_kib)?, given(iterations)?, given(parallelism)?);
    if memory_kib > MAX_ARGON2_MEMORY_KIB {
        return Err(TooCostly("Argon2 memory is over 512 MiB"));
    }
    if iterations > MAX_ARGON2_ITERATIONS {
        return Err(TooCostly("Argon2 has over 10 passes"));
    }
    if parallelism > MAX_ARGON2_PARALLELISM {
        return Err(TooCostly("Argon2 has over 16 lanes"));
    }
    if iterations == 0 || parallelism == 0 || memory_kib < 8 * parallelism {
        return Err(Malformed("Argon2 needs a pass, a lane, and 8 KiB a lane"));
    }
    let (salt, hash) = (
        salt_of(decoded(&STANDARD_NO_PAD, salt)?)?,
        hash_of(decoded(&STANDARD_NO_PAD, hash)?)?,
    );
    Ok(HashScheme::Argon2 {
        variant,
        version,
        memory_kib,
        iterations,
        parallelism,
        salt,
        hash,
    })
}

/// `12$` and 22 characters of salt and 31 of hash, without a sign between them.
fn bcrypt(rest: &str) -> Result<HashScheme, HashRefused> {
    let [cost, digest] = parts(rest)?;
    if cost.len() != 2 || !cost.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed("a bcrypt cost has two digits"));
    }
    let cost: u32 = cost
        .parse()
        .map_err(|_| Malformed("a bcrypt cost has two digits"))?;
    if cost < 4 {
        return Err(Malformed("a bcrypt cost is 4 or more"));
    }
    if cost > 16 {
        return Err(TooCostly("the bcrypt cost is over 16"));
    }
    let wrong_length = Malformed("a bcrypt hash has 22 characters of salt and 31 of hash");
    let (salt, hash) = digest.split_at_checked(22).ok_or(wrong_length)?;
    if hash.len() != 31 {
        return Err(wrong_length);
    }
    decoded(&BCRYPT, salt)?;
    decoded(&BCRYPT, hash)?;
    Ok(HashScheme::Bcrypt { cost })
}

/// `ln=17,r=8,p=1$salt$hash`, as passlib and RustCrypto write it.
fn scrypt(rest: &str) -> Result<HashScheme, HashRefused> {
    let [params, salt, hash] = parts(rest)?;
    let [log_n, r, p] = parameters(params, ["ln", "r", "p"])?;
    let (log_n, r, p) = (given(log_n)?, given(r)?, given(p)?);
    // With r within 8 this also keeps its memory, 128 × N × r bytes, within 128 MiB.
    if log_n > 17 {
        return Err(TooCostly("scrypt N is over 2^17"));
    }
    if r > 8 {
        return Err(TooCostly("scrypt r is over 8"));
    }
    if p > 10 {
        return Err(TooCostly("scrypt p is over 10"));
    }
    if log_n == 0 || r == 0 || p == 0 {
        return Err(Malformed("scrypt needs N of 2 or more, r and p of 1 or more"));
    }
    let log_n = u8::try_from(log_n).map_err(|_| TooCostly("scrypt N is over 2^17"))?;
    let (salt, hash) = (
        salt_of(decoded(&STANDARD_NO_PAD, salt)?)?,
        hash_of(decoded(&STANDARD_NO_PAD, hash)?)?,
    );
    Ok(HashScheme::Scrypt {
        log_n,
        r,
        p,
        salt,
        hash,
    })
}

/// `i=600000,l=32$salt$hash`, a PHC string, or `29000$salt$hash`, passlib's, in its own base64.
fn pbkdf2(digest: Pbkdf2Digest, rest: &str) -> Result<HashScheme, HashRefused> {
    let [params, salt, hash] = parts(rest)?;
    if params.contains('=') {
        let [rounds, length] = parameters(params, ["i", "l"])?;
        let hash = decoded(&STANDARD_NO_PAD, hash)?;
        if length.is_some_and(|length| usize::try_from(length) != Ok(hash.len())) {
            return Err(Malformed("the length it states is not the hash's"));
        }
        pbkdf2_within_bounds(digest, given(rounds)?, decoded(&STANDARD_NO_PAD, salt)?, hash)
    } else {
        let alphabet = Alphabet::new(PASSLIB_ALPHABET).map_err(|_| NOT_BASE64)?;
        let passlib = GeneralPurpose::new(&alphabet, NO_PAD);
        pbkdf2_within_bounds(
            digest,
            decimal(params)?,
            decoded(&passlib, salt)?,
            decoded(&passlib, hash)?,
        )
    }
}

/// `600000$salt$hash`: the salt is the text itself, the hash is base64 with its padding.
fn pbkdf2_of_django(digest: Pbkdf2Digest, rest: &str) -> Result<HashScheme, HashRefused> {
    let [rounds, salt, hash] = parts(rest)?;
    pbkdf2_within_bounds(
        digest,
        decimal(rounds)?,
        salt.as_bytes().to_vec(),
        decoded(&STANDARD, hash)?,
    )
}

fn pbkdf2_within_bounds(
    digest: Pbkdf2Digest,
    rounds: u32,
    salt: Vec<u8>,
    hash: Vec<u8>,
) -> Result<HashScheme, HashRefused> {
    if rounds < 1_000 {
        return Err(Malformed(
            "PBKDF2 has fewer than 1000 rounds, which protects nothing",
        ));
    }
    let (salt, hash) = (salt_of(salt)?, hash_of(hash)?);
    let block = match digest {
        Pbkdf2Digest::Sha1 => 20,
        Pbkdf2Digest::Sha256 => 32,
        Pbkdf2Digest::Sha512 => 64,
    };
    // Every further block of output costs all the rounds again.
    let blocks = u64::try_from(hash.len().div_ceil(block)).unwrap_or(u64::MAX);
    if blocks.saturating_mul(rounds.into()) > 10_000_000 {
        return Err(TooCostly("PBKDF2 has over 10 million rounds"));
    }
    Ok(HashScheme::Pbkdf2 {
        digest,
        rounds,
        salt,
        hash,
    })
}

const MISSING_PART: HashRefused = Malformed("it has too few or too many parts");
const NOT_BASE64: HashRefused = Malformed("its salt or hash is not canonical base64");

fn parts<const N: usize>(rest: &str) -> Result<[&str; N], HashRefused> {
    let parts: Vec<&str> = rest.split('$').collect();
    parts.try_into().map_err(|_| MISSING_PART)
}

/// Reads `name=number,…` in any order, each name at most once, and none but these.
fn parameters<const N: usize>(text: &str, names: [&str; N]) -> Result<[Option<u32>; N], HashRefused> {
    let mut values = [None; N];
    for pair in text.split(',') {
        let (name, value) = pair
            .split_once('=')
            .ok_or(Malformed("a parameter has no value"))?;
        let slot = names
            .iter()
            .zip(values.iter_mut())
            .find_map(|(known, slot)| (*known == name).then_some(slot))
            .ok_or(Malformed("it has an unknown parameter"))?;
        if slot.replace(decimal(value)?).is_some() {
            return Err(Malformed("a parameter is given twice"));
        }
    }
    Ok(values)
}

fn given(value: Option<u32>) -> Result<u32, HashRefused> {
    value.ok_or(Malformed("a parameter is missing"))
}

/// A decimal number as PHC writes it: digits, without a sign or leading zeros.
fn decimal(text: &str) -> Result<u32, HashRefused> {
    let is_canonical =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if text.is_empty() || !is_canonical {
        return Err(Malformed("a parameter is not a plain number"));
    }
    text.parse()
        .map_err(|_| TooCostly("a parameter is beyond 32 bits"))
}

fn decoded(engine: &GeneralPurpose, text: &str) -> Result<Vec<u8>, HashRefused> {
    engine.decode(text).map_err(|_| NOT_BASE64)
}

fn salt_of(salt: Vec<u8>) -> Result<Vec<u8>, HashRefused> {
    if (8..=64).contains(&salt.len()) {
        Ok(salt)
    } else {
        Err(Malformed("a salt has 8 to 64 bytes"))
    }
}

fn hash_of(hash: Vec<u8>) -> Result<Vec<u8>, HashRefused> {
    if (16..=64).contains(&hash.len()) {
        Ok(hash)
    } else {
        Err(Malformed("a hash has 16 to 64 bytes"))
    }
}
