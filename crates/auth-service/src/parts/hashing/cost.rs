//! The cost of a hash on this machine.

use super::argon2_into;
use crate::parts::failure::Failure;
use argon2::Version;
use auth_domain::{password_hash::Argon2Params, settings::Section as _};
use std::time::{Duration, Instant};

/// How often the time is measured. The shortest time counts, because the others were disturbed.
const ROUNDS: usize = 3;

/// How long one Argon2id hash with these parameters takes on one core, in memory that is already allocated. Blocks for a few times
/// that long.
///
/// # Errors
/// [`Failure::Internal`] for parameters out of their bounds.
pub fn time_argon2(params: &Argon2Params) -> Result<Duration, Failure> {
    if let Some(complaint) = params.validate().first() {
        return Err(Failure::internal(format!(
            "{}: {}",
            complaint.key, complaint.what
        )));
    }
    let mut arena = super::Arena::default();
    let mut least = Duration::MAX;
    // The first round does not count: it allocates the memory.
    for round in 0..=ROUNDS {
        let begun = Instant::now();
        let mut output = [0; super::OUTPUT];
        let salt = [0; super::SALT];
        argon2_into(
            argon2::Algorithm::Argon2id,
            Version::V0x13,
            params,
            b"measured",
            &salt,
            &mut output,
            &mut arena,
        )?;
        if round > 0 {
            least = least.min(begun.elapsed());
        }
    }
    Ok(least)
}
