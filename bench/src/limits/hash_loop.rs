//! Argon2id in a bare loop: one thread for each core, memory allocated once, and nothing else.

use crate::BenchResult;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::{
    thread,
    time::{Duration, Instant},
};

/// The shipped parameters: KiB, passes, lanes (`config/default.toml`).
pub const AS_SHIPPED: (u32, u32, u32) = (19_456, 2, 1);

/// The hashes a second of all cores together.
///
/// # Errors
/// If the parameters are invalid.
pub fn per_second((memory, passes, lanes): (u32, u32, u32), seconds: f64) -> BenchResult<f64> {
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(|error| error.to_string())?;
    let cores = thread::available_parallelism()?.get();
    let loops: Vec<_> = (0..cores)
        .map(|_| {
            let params = params.clone();
            thread::spawn(move || one_core(&params, Duration::from_secs_f64(seconds)))
        })
        .collect();
    let mut rate = 0.0;
    for one in loops {
        rate += one.join().map_err(|_| "a hashing thread ended")??;
    }
    Ok(rate)
}

fn one_core(params: &Params, time: Duration) -> BenchResult<f64> {
    let mut memory = vec![Block::default(); params.block_count()];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let mut output = [0; 32];
    let mut hash = || {
        argon
            .hash_password_into_with_memory(
                b"correct horse battery staple",
                &[7; 16],
                &mut output,
                &mut memory,
            )
            .map_err(|error| error.to_string())
    };
    // The first hash makes the system allocate the memory.
    hash()?;
    let begun = Instant::now();
    let mut hashes = 0_u32;
    while begun.elapsed() < time {
        hash()?;
        hashes += 1;
    }
    Ok(f64::from(hashes) / begun.elapsed().as_secs_f64())
}

/// A hash in the PHC format, for users that the product does not create.
///
/// # Errors
/// If the parameters are invalid.
pub fn phc(password: &str, (memory, passes, lanes): (u32, u32, u32)) -> BenchResult<String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(|error| error.to_string())?;
    let (salt, mut output) = ([9; 16], [0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), &salt, &mut output)
        .map_err(|error| error.to_string())?;
    let (salt, output) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
    Ok(format!(
        "$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${output}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::shipped;

    #[test]
    fn the_loop_counts_hashes() {
        assert!(per_second((64, 1, 1), 0.02).unwrap() > 0.0);
    }

    /// The loop has to use the shipped parameters.
    #[test]
    fn the_parameters_are_those_of_the_configuration() {
        assert_eq!(
            AS_SHIPPED,
            (
                shipped("memory_kib"),
                shipped("iterations"),
                shipped("parallelism")
            )
        );
    }
}
