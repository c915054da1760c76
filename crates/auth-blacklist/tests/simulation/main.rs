//! A simulation of the guarantee of docs/rules.md §1: several nodes with the blacklist that ships, a database with slow commits and a
//! clock that is set, and a Redis that loses data, in virtual time and from reproducible seeds. After a revocation was answered, no node
//! accepts what it revoked; no valid token is refused; and while the database can be reached, no check fails.
//!
//! `KEYWARD_SIMULATION_SEEDS=from..to` runs other seeds than those of the test.

#![cfg(test)]

mod database;
mod environment;
mod fleet;
mod random;
mod redis;

use environment::Mutation;
use fleet::{Fleet, RunResult};
use std::ops::Range;

fn play(seed: u64, mutation: Mutation) -> RunResult {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(Fleet::play(seed, mutation))
}

/// The first seed at which the mistake shows.
fn found(mutation: Mutation) -> Option<u64> {
    (0..400).find(|seed| {
        play(*seed, mutation)
            .violations
            .iter()
            .any(|violation| violation.contains("accepted in spite of"))
    })
}

fn seeds() -> Range<u64> {
    let Ok(range) = std::env::var("KEYWARD_SIMULATION_SEEDS") else {
        return 0..2_000;
    };
    let (from, to) = range.split_once("..").unwrap();
    from.parse().unwrap()..to.parse().unwrap()
}

/// Runs the seeds and checks that the guarantee holds. Each of the two tests runs half of the seeds, for two cores.
fn hold(seeds: Vec<u64>) {
    let mut sum = RunResult::default();
    for seed in &seeds {
        let outcome = play(*seed, Mutation::None);
        let (violations, journal) = (outcome.violations.join("\n"), outcome.journal.join("\n"));
        assert!(violations.is_empty(), "seed {seed}:\n{journal}\n{violations}");
        sum.checks += outcome.checks;
        sum.answered += outcome.answered;
        sum.refused += outcome.refused;
        sum.unavailable += outcome.unavailable;
    }
    // Runs without revocations and refusals would prove nothing.
    let lively = sum.answered > 0 && sum.refused > sum.answered && sum.unavailable * 10 < sum.checks;
    assert!(lively || seeds.len() < 100, "{sum:?}");
}

#[test]
fn an_answered_revocation_is_never_accepted_on_even_seeds() {
    hold(seeds().filter(|seed| seed.is_multiple_of(2)).collect());
}

#[test]
fn an_answered_revocation_is_never_accepted_on_odd_seeds() {
    hold(seeds().filter(|seed| !seed.is_multiple_of(2)).collect());
}

#[test]
fn a_seed_gives_the_same_run_every_time() {
    for seed in 0..5 {
        assert_eq!(
            format!("{:?}", play(seed, Mutation::None)),
            format!("{:?}", play(seed, Mutation::None))
        );
    }
}

#[test]
fn the_simulation_finds_a_blacklist_that_trusts_a_flushed_redis() {
    assert!(found(Mutation::FlushedRedisIsTrusted).is_some());
}

#[test]
fn the_simulation_finds_a_client_that_hides_reconnects() {
    assert!(found(Mutation::ReconnectsAreHidden).is_some());
}

#[test]
fn the_simulation_finds_reads_that_do_not_overlap() {
    assert!(found(Mutation::NoLookBack).is_some());
}

#[test]
fn the_simulation_finds_failed_reads_that_count() {
    assert!(found(Mutation::FailedReadsCount).is_some());
}

#[test]
fn the_simulation_finds_writes_that_are_not_awaited() {
    assert!(found(Mutation::WritesAreNotAwaited).is_some());
}

#[test]
fn the_simulation_finds_answers_that_are_not_held_back() {
    assert!(found(Mutation::AnswersAreNotHeldBack).is_some());
}

#[test]
fn the_simulation_finds_a_window_that_misses_clock_steps() {
    assert!(found(Mutation::ClockStepsAreMissed).is_some());
}
