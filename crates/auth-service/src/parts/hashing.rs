//! Passwords and their hashes: acceptance, hashing and verification (docs/rules.md §4). The rule: everything costly runs on the
//! hashing threads, and nothing here blocks an async worker.

mod common_passwords;
mod cost;
mod imported;
mod pool;

use crate::parts::{
    config::ServiceConfig,
    entropy::{Entropy, random_bytes},
    failure::Failure,
    input::{InputError, InputRefused},
};
use argon2::{Argon2, Params, Version};
use auth_domain::{
    email::EmailAddress,
    password::{PasswordPolicy, PasswordViolation, PresentedPassword},
    password_hash::{Argon2Params, PasswordHash},
    user::DisplayName,
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use pool::{Arena, HashPool};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

pub use cost::time_argon2;

/// The length of a salt in bytes (RFC 9106 §4).
const SALT: usize = 16;
/// The length of a hash in bytes.
const OUTPUT: usize = 32;

/// The result of verifying a password.
pub(crate) enum Verified {
    /// It is wrong.
    No,
    /// It is right.
    Yes {
        /// The same password hashed with the current parameters, if the stored hash has another scheme or cost.
        upgrade: Option<PasswordHash>,
    },
}

/// Hashes and verifies passwords on its own threads.
pub(crate) struct Hasher {
    pool: HashPool,
    policy: PasswordPolicy,
    params: Argon2Params,
    service_name: String,
    entropy: Arc<dyn Entropy>,
    /// The hash that a password is verified against if the user has none. It costs the same and never matches.
    decoy: PasswordHash,
    placeholder_email: EmailAddress,
}

impl Hasher {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] if they can't be started, [`Failure::Internal`] for parameters that validation should have refused.
    pub(crate) fn start(config: &ServiceConfig, entropy: Arc<dyn Entropy>) -> Result<Self, Failure> {
        let params = config.argon2;
        let decoy = phc(
            &params,
            &random_bytes::<SALT>(entropy.as_ref())?,
            &random_bytes::<OUTPUT>(entropy.as_ref())?,
        )?;
        let kept = usize::try_from(params.memory_kib).unwrap_or(usize::MAX);
        let threads = &config.hashing;
        let pool = HashPool::start(threads.threads, threads.queue, threads.deadline, kept)
            .map_err(|error| Failure::unavailable(format!("no hashing threads: {error}")))?;
        Ok(Self {
            pool,
            policy: config.password.clone(),
            params,
            service_name: config.service_name.clone(),
            entropy,
            decoy,
            placeholder_email: EmailAddress::parse("placeholder@placeholder.invalid")
                .map_err(Failure::internal)?,
        })
    }

    /// An address that no user can have. It is looked up if the given one can't be parsed.
    pub(crate) const fn placeholder_email(&self) -> &EmailAddress {
        &self.placeholder_email
    }

    /// How many passwords wait, and how many may wait.
    pub(crate) fn depth(&self) -> (usize, usize) {
        self.pool.depth()
    }

    /// Refuses while the queue of the hashing threads is full.
    ///
    /// # Errors
    /// [`Failure::Overloaded`].
    pub(crate) fn admit(&self) -> Result<(), Failure> {
        self.pool.admit()
    }

    /// Hashes a new password if the policy accepts it for this user.
    ///
    /// # Errors
    /// [`InputRefused::WeakPassword`] with every rule it breaks, or a failure.
    pub(crate) async fn accept_and_hash(
        &self,
        password: SecretString,
        email: &EmailAddress,
        name: Option<&DisplayName>,
    ) -> Result<PasswordHash, InputError> {
        // A password that is too long is refused without a place in the queue.
        let cheap = self.policy.cheap_violations(password.expose_secret());
        if cheap.iter().any(|violation| violation.code == "too_long") {
            return Err(InputRefused::WeakPassword(cheap).into());
        }
        let salt = random_bytes::<SALT>(self.entropy.as_ref())?;
        let (policy, params) = (self.policy.clone(), self.params);
        let context = self.context(Some(email), name);
        let job = move |arena: &mut Arena| {
            let context: Vec<&str> = context.iter().map(String::as_str).collect();
            let accepted =
                common_passwords::accept(&policy, &password, &context).map_err(InputRefused::WeakPassword)?;
            Ok(hash(accepted.as_bytes(), &salt, &params, arena)?)
        };
        self.pool.run(job).await?
    }

    /// The policy for new passwords.
    pub(crate) const fn policy(&self) -> &PasswordPolicy {
        &self.policy
    }

    /// Every rule that a new password would break, for a user who is choosing one. Such hints give way to sign-ins: one runs at a
    /// time, and none while passwords wait, so that a flood of them can't fill the queue.
    ///
    /// # Errors
    /// [`Failure::Overloaded`], at once.
    pub(crate) async fn violations(
        &self,
        password: SecretString,
        email: Option<&EmailAddress>,
        name: Option<&DisplayName>,
    ) -> Result<Vec<PasswordViolation>, Failure> {
        let cheap = self.policy.cheap_violations(password.expose_secret());
        if cheap.iter().any(|violation| violation.code == "too_long") {
            return Ok(cheap);
        }
        let (policy, context) = (self.policy.clone(), self.context(email, name));
        let job = move |_: &mut Arena| {
            let context: Vec<&str> = context.iter().map(String::as_str).collect();
            common_passwords::accept(&policy, &password, &context)
                .err()
                .unwrap_or_default()
        };
        self.pool.run_low_priority(job).await
    }

    /// The words that an attacker would try first.
    fn context(&self, email: Option<&EmailAddress>, name: Option<&DisplayName>) -> Vec<String> {
        [
            email.map(|email| email.as_str().to_owned()),
            email.map(|email| email.local_part().to_owned()),
            Some(self.service_name.clone()),
            name.map(|name| name.as_str().to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Verifies a password against a stored hash. Without one it is wrong, at the same cost.
    ///
    /// # Errors
    /// A failure. A wrong password is no error.
    pub(crate) async fn verify(
        &self,
        stored: Option<PasswordHash>,
        presented: PresentedPassword,
    ) -> Result<Verified, Failure> {
        let exists = stored.is_some();
        let against = stored.unwrap_or_else(|| self.decoy.clone());
        let salt = random_bytes::<SALT>(self.entropy.as_ref())?;
        let params = self.params;
        let job = move |arena: &mut Arena| {
            if !imported::verify(&against, &presented, &params, arena)? || !exists {
                return Ok(Verified::No);
            }
            let upgrade = if against.is_current(&params) {
                None
            } else {
                Some(hash(&presented.normalised(), &salt, &params, arena)?)
            };
            Ok(Verified::Yes { upgrade })
        };
        self.pool.run(job).await?
    }
}

/// Hashes with Argon2id in the thread's memory. The result is a PHC string.
fn hash(
    password: &[u8],
    salt: &[u8; SALT],
    params: &Argon2Params,
    arena: &mut Arena,
) -> Result<PasswordHash, Failure> {
    let mut output = [0; OUTPUT];
    argon2_into(
        argon2::Algorithm::Argon2id,
        Version::V0x13,
        params,
        password,
        salt,
        &mut output,
        arena,
    )?;
    phc(params, salt, &output)
}

/// Computes Argon2 into `output`, in the thread's memory.
fn argon2_into(
    algorithm: argon2::Algorithm,
    version: Version,
    params: &Argon2Params,
    password: &[u8],
    salt: &[u8],
    output: &mut [u8],
    arena: &mut Arena,
) -> Result<(), Failure> {
    let failed = |error: argon2::Error| Failure::internal(format!("Argon2: {error}"));
    let params = Params::new(
        params.memory_kib,
        params.iterations,
        params.parallelism,
        Some(output.len()),
    )
    .map_err(failed)?;
    let blocks = params.block_count();
    Argon2::new(algorithm, version, params)
        .hash_password_into_with_memory(password, salt, output, arena.blocks(blocks))
        .map_err(failed)
}

fn phc(params: &Argon2Params, salt: &[u8], output: &[u8]) -> Result<PasswordHash, Failure> {
    let (memory, passes, lanes) = (params.memory_kib, params.iterations, params.parallelism);
    let (salt, output) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
    PasswordHash::parse(&format!(
        "$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${output}"
    ))
    .map_err(|refused| Failure::internal(format!("a hash of our own was refused: {refused}")))
}
