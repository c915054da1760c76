//! `keyward hash calibrate`: what Argon2id costs on this machine, and what fits a given time. More memory comes first, since it
//! costs an attacker the most, then more passes. The result is never below the default (19 MiB, 2 passes), which is OWASP's minimum.

use crate::{
    cli::{Hash, Output},
    config::Config,
    output::{CommandError, print, print_json, print_table},
};
use auth_domain::password_hash::{Argon2Params, MAX_ARGON2_ITERATIONS};
use auth_service::time_argon2;
use serde_json::json;
use std::time::Duration;

/// The memory sizes that are tried, in KiB.
const MEMORY_KIB: [u32; 6] = [19_456, 32_768, 65_536, 131_072, 262_144, 524_288];
/// The passes that each is tried with.
const PASSES: u32 = 2;

struct Measured {
    params: Argon2Params,
    took: Duration,
}

pub(super) fn run(config: &Config, verb: Hash) -> Result<(), CommandError> {
    let Hash::Calibrate { target_ms, output } = verb;
    let target = Duration::from_millis(u64::from(target_ms));
    let mut measured = Vec::new();
    for memory_kib in MEMORY_KIB {
        let one = measure(Argon2Params {
            memory_kib,
            iterations: PASSES,
            parallelism: 1,
        })?;
        let over = one.took > target;
        measured.push(one);
        if over {
            break;
        }
    }
    let largest = measured
        .iter()
        .rfind(|one| one.took <= target)
        .or(measured.first());
    let Some(base) = largest else {
        return Err(CommandError::Failed("nothing was measured".to_owned()));
    };
    let proposed = measure(Argon2Params {
        iterations: passes_within(target, base),
        ..base.params
    })?;
    let in_force = measure(config.service.argon2)?;
    show(target, &measured, &proposed, &in_force, output)
}

fn measure(params: Argon2Params) -> Result<Measured, CommandError> {
    Ok(Measured {
        params,
        took: time_argon2(&params).map_err(CommandError::failed)?,
    })
}

/// The number of passes that fit into the time. The time grows linearly with them.
fn passes_within(target: Duration, base: &Measured) -> u32 {
    let one_pass = base.took / PASSES;
    let fitting = target.as_nanos().checked_div(one_pass.as_nanos()).unwrap_or(0);
    u32::try_from(fitting)
        .unwrap_or(u32::MAX)
        .clamp(PASSES, MAX_ARGON2_ITERATIONS)
}

fn millis(took: Duration) -> f64 {
    (took.as_secs_f64() * 10_000.0).round() / 10.0
}

fn show(
    target: Duration,
    measured: &[Measured],
    proposed: &Measured,
    in_force: &Measured,
    output: Output,
) -> Result<(), CommandError> {
    if output.json {
        let one = |one: &Measured| {
            json!({
                "memory_kib": one.params.memory_kib,
                "iterations": one.params.iterations,
                "parallelism": one.params.parallelism,
                "milliseconds": millis(one.took),
            })
        };
        return print_json(&json!({
            "target_ms": target.as_millis() as u64,
            "measured": measured.iter().map(one).collect::<Vec<_>>(),
            "in_force": one(in_force),
            "proposed": one(proposed),
        }));
    }
    let row = |name: &str, one: &Measured| {
        let Argon2Params {
            memory_kib,
            iterations,
            parallelism,
        } = one.params;
        let took = format!("{:.1}", millis(one.took));
        vec![
            name.to_owned(),
            memory_kib.to_string(),
            iterations.to_string(),
            parallelism.to_string(),
            took,
        ]
    };
    let mut rows: Vec<_> = measured.iter().map(|one| row("measured", one)).collect();
    rows.push(row("in force", in_force));
    rows.push(row("proposed", proposed));
    print_table(&["", "MEMORY KIB", "PASSES", "LANES", "MS PER HASH"], &rows)?;
    let Argon2Params {
        memory_kib,
        iterations,
        parallelism,
    } = proposed.params;
    print(format_args!(
        "\n[password]\nmemory_kib = {memory_kib}\niterations = {iterations}\nparallelism = {parallelism}\n\n\
         Each hashing thread uses {} MiB. Stored hashes with other parameters are rewritten at the next sign-in.",
        memory_kib / 1024
    ))?;
    if proposed.took > target {
        print(format_args!(
            "This is the safe minimum, and it takes longer than {} ms on this machine.",
            target.as_millis()
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_fill_the_time_and_stay_within_their_bounds() {
        let base = |ms| Measured {
            params: Argon2Params::default(),
            took: Duration::from_millis(ms),
        };
        assert_eq!(passes_within(Duration::from_millis(100), &base(40)), 5);
        assert_eq!(passes_within(Duration::from_millis(10), &base(40)), 2);
        assert_eq!(
            passes_within(Duration::from_secs(100), &base(40)),
            MAX_ARGON2_ITERATIONS
        );
        assert_eq!(passes_within(Duration::from_secs(1), &base(0)), 2);
    }
}
