//! Stored password hashes: an accepted hash never costs more to verify than a sign-in may, whatever the import file contains, and no output
//! shows the hash.

use auth_domain::{
    password_hash::{
        Argon2Params, HashRefused, HashScheme, MAX_ARGON2_ITERATIONS, MAX_ARGON2_MEMORY_KIB,
        MAX_ARGON2_PARALLELISM, MAX_HASH_BYTES, PasswordHash, Pbkdf2Digest,
    },
    settings::Section as _,
};

/// Checks the properties of this module for an input.
///
/// # Panics
/// If a property does not hold.
pub fn check(input: &[u8]) {
    let stored = crate::text(input);
    let hash = match PasswordHash::parse(stored) {
        Ok(hash) => hash,
        Err(refused) => return check_refusal(stored, refused),
    };
    assert_eq!(hash.expose(), stored, "a hash is kept byte for byte");
    assert!(stored.len() <= MAX_HASH_BYTES && stored.bytes().all(|byte| byte.is_ascii_graphic()));
    check_cost(hash.scheme());
    let again = PasswordHash::parse(hash.expose()).expect("read back");
    assert!(again.scheme() == hash.scheme(), "read alike twice");
    let shown = format!("{hash:?}");
    let secret = stored.rsplit('$').next().unwrap_or_default();
    assert!(secret.len() < 16 || !shown.contains(secret), "the hash is shown");

    // The bounds for reading are those for creating a hash.
    if let HashScheme::Argon2 {
        memory_kib,
        iterations,
        parallelism,
        ..
    } = *hash.scheme()
    {
        let params = Argon2Params {
            memory_kib,
            iterations,
            parallelism,
        };
        assert_eq!(params.validate(), [], "what can be read could be made");
    }
    let current = hash.is_current(&Argon2Params::default());
    assert!(
        !current || stored.starts_with("$argon2id$v=19$"),
        "the current kind says so"
    );
}

fn check_refusal(stored: &str, refused: HashRefused) {
    assert!(["hash_unknown", "hash_malformed", "hash_too_costly"].contains(&refused.code()));
    let again = PasswordHash::parse(stored).err();
    assert_eq!(again, Some(refused), "refused for another reason the second time");
}

/// The most that each scheme may cost at a sign-in. The bounds are repeated here on purpose.
fn check_cost(scheme: &HashScheme) {
    let sizes = |salt: &[u8], hash: &[u8]| {
        assert!(
            (8..=64).contains(&salt.len()) && (16..=64).contains(&hash.len()),
            "salt and hash fit"
        );
    };
    match scheme {
        HashScheme::Argon2 {
            version,
            memory_kib,
            iterations,
            parallelism,
            salt,
            hash,
            ..
        } => {
            assert!([16, 19].contains(version));
            assert!((1..=MAX_ARGON2_ITERATIONS).contains(iterations));
            assert!((1..=MAX_ARGON2_PARALLELISM).contains(parallelism));
            assert!((8 * parallelism..=MAX_ARGON2_MEMORY_KIB).contains(memory_kib));
            assert!(*memory_kib <= 512 * 1024, "half a gibibyte");
            sizes(salt, hash);
        }
        HashScheme::Bcrypt { cost } => assert!((4..=16).contains(cost)),
        HashScheme::Scrypt {
            log_n,
            r,
            p,
            salt,
            hash,
        } => {
            assert!((1..=17).contains(log_n) && (1..=8).contains(r) && (1..=10).contains(p));
            let memory = 128_u64 * (1_u64 << log_n) * u64::from(*r);
            assert!(memory <= 128 * 1024 * 1024, "128 MiB");
            sizes(salt, hash);
        }
        HashScheme::Pbkdf2 {
            digest,
            rounds,
            salt,
            hash,
        } => {
            let block = match digest {
                Pbkdf2Digest::Sha1 => 20,
                Pbkdf2Digest::Sha256 => 32,
                Pbkdf2Digest::Sha512 => 64,
            };
            let all = u64::from(*rounds) * hash.len().div_ceil(block) as u64;
            assert!(*rounds >= 1_000 && all <= 10_000_000, "ten million rounds in all");
            sizes(salt, hash);
        }
    }
}
