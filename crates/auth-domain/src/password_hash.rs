//! A stored password hash is parsed and bounded before any work is done on it.
//!
//! A hash itself says how much memory and time its verification takes, and an imported hash comes from another program:
//! `m=4194304` asks for 4 GiB at every sign-in. So every parameter has a bound here, every length and every character is
//! checked, and trailing text is refused. This crate computes no hashes; auth-service does.

mod read;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::settings::{Complaint, Complaints, Section};

/// Bytes that a stored hash may have.
pub const MAX_HASH_BYTES: usize = 512;
/// Argon2: KiB of memory, at most (512 MiB).
pub const MAX_ARGON2_MEMORY_KIB: u32 = 512 * 1_024;
/// Argon2: passes, at most.
pub const MAX_ARGON2_ITERATIONS: u32 = 10;
/// Argon2: lanes, at most.
pub const MAX_ARGON2_PARALLELISM: u32 = 16;

/// A hash that this server can verify, within its bounds. It prints only its scheme; [`expose`](Self::expose) gives the
/// string, for storing it and for verifying against it.
///
/// ```
/// use auth_domain::password_hash::{HashRefused, HashScheme, PasswordHash};
///
/// let hash = PasswordHash::parse("$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW")?;
/// assert_eq!(hash.scheme(), &HashScheme::Bcrypt { cost: 12 });
/// let greedy = "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$k5kVWxGFhTqFnVsFqHnVoZBNrGoc0Zh0LpBQJ1p4n1k";
/// assert!(matches!(PasswordHash::parse(greedy), Err(HashRefused::TooCostly(_))));
/// # Ok::<(), HashRefused>(())
/// ```
#[derive(Clone)]
pub struct PasswordHash {
    stored: String,
    scheme: HashScheme,
}

/// How a hash was made: all that its verification needs, except for bcrypt, whose string its library takes whole.
///
/// `Debug` leaves salts and hashes out. The derived equality is not constant-time: it is for tests; computed hashes are
/// compared with `subtle`.
#[derive(Clone, PartialEq, Eq)]
pub enum HashScheme {
    /// Argon2 (RFC 9106), as a PHC string.
    Argon2 {
        /// Which of the three.
        variant: Argon2Variant,
        /// 19 (0x13), or 16 (0x10) in hashes from before 2016; a string without `v=` means 16.
        version: u32,
        /// Memory, in KiB.
        memory_kib: u32,
        /// Passes over the memory.
        iterations: u32,
        /// Lanes.
        parallelism: u32,
        /// The salt, decoded.
        salt: Vec<u8>,
        /// The hash, decoded; its length is the output length.
        hash: Vec<u8>,
    },
    /// bcrypt, `$2a$`, `$2b$` or `$2y$`. (`$2x$` marks hashes of a broken implementation.)
    Bcrypt {
        /// The base-2 logarithm of its rounds.
        cost: u32,
    },
    /// scrypt (RFC 7914), as a PHC string.
    Scrypt {
        /// The base-2 logarithm of N.
        log_n: u8,
        /// Block size.
        r: u32,
        /// Parallelism.
        p: u32,
        /// The salt, decoded.
        salt: Vec<u8>,
        /// The hash, decoded.
        hash: Vec<u8>,
    },
    /// PBKDF2 with HMAC (RFC 8018): a PHC string, or passlib's or Django's spelling.
    Pbkdf2 {
        /// The digest of the HMAC.
        digest: Pbkdf2Digest,
        /// Rounds.
        rounds: u32,
        /// The salt's bytes: decoded, except in Django's spelling, where the text itself is the salt.
        salt: Vec<u8>,
        /// The hash, decoded.
        hash: Vec<u8>,
    },
}

/// Argon2's variants (RFC 9106 §3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Argon2Variant {
    /// The one for passwords.
    Id,
    /// Data-independent.
    I,
    /// Data-dependent.
    D,
}

/// The digest of a PBKDF2 hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pbkdf2Digest {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// Why a stored hash was refused. No part of the hash is in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HashRefused {
    /// Not one of the schemes.
    #[error(
        "this is no password hash that can be verified here; Argon2, bcrypt (2a, 2b, 2y), scrypt and PBKDF2 can"
    )]
    Unknown,
    /// One of the schemes, but not as it is written.
    #[error("the password hash is malformed: {0}")]
    Malformed(&'static str),
    /// Verifying it would cost more than a sign-in may.
    #[error("verifying the password hash would cost too much: {0}")]
    TooCostly(&'static str),
}

impl HashRefused {
    /// A stable word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "hash_unknown",
            Self::Malformed(_) => "hash_malformed",
            Self::TooCostly(_) => "hash_too_costly",
        }
    }
}

impl PasswordHash {
    /// Parses a stored hash, and refuses one that is not exactly in form or costs too much.
    ///
    /// # Errors
    /// [`HashRefused`], which names the bound or the fault.
    pub fn parse(stored: &str) -> Result<Self, HashRefused> {
        let scheme = read::scheme_of(stored)?;
        Ok(Self {
            stored: stored.to_owned(),
            scheme,
        })
    }

    /// The hash as stored. A secret: never log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.stored
    }

    /// How it was made.
    #[must_use]
    pub const fn scheme(&self) -> &HashScheme {
        &self.scheme
    }

    /// Its scheme in a word, for those who help users.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.scheme {
            HashScheme::Argon2 {
                variant: Argon2Variant::Id,
                ..
            } => "argon2id",
            HashScheme::Argon2 { .. } => "argon2",
            HashScheme::Bcrypt { .. } => "bcrypt",
            HashScheme::Scrypt { .. } => "scrypt",
            HashScheme::Pbkdf2 { .. } => "pbkdf2",
        }
    }

    /// Whether it is what a new password would get now: Argon2id, version 19, with exactly these parameters, a salt of 16
    /// bytes or more and 32 bytes of output or more. Otherwise the next sign-in rewrites it.
    #[must_use]
    pub fn is_current(&self, target: &Argon2Params) -> bool {
        match &self.scheme {
            HashScheme::Argon2 {
                variant: Argon2Variant::Id,
                version: 19,
                memory_kib,
                iterations,
                parallelism,
                salt,
                hash,
            } => {
                let params = Argon2Params {
                    memory_kib: *memory_kib,
                    iterations: *iterations,
                    parallelism: *parallelism,
                };
                params == *target && salt.len() >= 16 && hash.len() >= 32
            }
            _ => false,
        }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PasswordHash").field(&self.scheme).finish()
    }
}

impl fmt::Debug for HashScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argon2 {
                variant,
                version,
                memory_kib,
                iterations,
                parallelism,
                ..
            } => f
                .debug_struct("Argon2")
                .field("variant", variant)
                .field("version", version)
                .field("memory_kib", memory_kib)
                .field("iterations", iterations)
                .field("parallelism", parallelism)
                .finish_non_exhaustive(),
            Self::Bcrypt { cost } => f.debug_struct("Bcrypt").field("cost", cost).finish(),
            Self::Scrypt { log_n, r, p, .. } => f
                .debug_struct("Scrypt")
                .field("log_n", log_n)
                .field("r", r)
                .field("p", p)
                .finish_non_exhaustive(),
            Self::Pbkdf2 { digest, rounds, .. } => f
                .debug_struct("Pbkdf2")
                .field("digest", digest)
                .field("rounds", rounds)
                .finish_non_exhaustive(),
        }
    }
}

/// The parameters of new hashes: Argon2id, version 19; a part of the section `[password]`. The default is OWASP's (19 MiB, 2
/// passes, 1 lane).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Argon2Params {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Default for Argon2Params {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
        }
    }
}

impl Section for Argon2Params {
    const NAME: &'static str = "password";

    /// The bounds are those of [`PasswordHash::parse`]: what is made here has to be readable here.
    fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        complaints.unless(
            (1..=MAX_ARGON2_PARALLELISM).contains(&self.parallelism),
            "parallelism",
            format!("must be between 1 and {MAX_ARGON2_PARALLELISM}"),
        );
        complaints.unless(
            (1..=MAX_ARGON2_ITERATIONS).contains(&self.iterations),
            "iterations",
            format!("must be between 1 and {MAX_ARGON2_ITERATIONS}"),
        );
        let least = self.parallelism.clamp(1, MAX_ARGON2_PARALLELISM) * 8;
        complaints.unless(
            (least..=MAX_ARGON2_MEMORY_KIB).contains(&self.memory_kib),
            "memory_kib",
            format!("must be between {least} (8 a lane) and {MAX_ARGON2_MEMORY_KIB} (512 MiB)"),
        );
        complaints.into_vec()
    }
}
