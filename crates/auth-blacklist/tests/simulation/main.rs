//! The promise of docs/rules.md §1, played: several nodes with the blacklist that ships, a database with slow commits and a
//! clock that is set, and a Redis that loses what it can, in virtual time and by seeds that can be played again. After a
//! revocation was answered no node accepts what it revoked; nothing valid is refused; and while the database can be reached
//! no check fails.
//!
//! `KEYWARD_SIMULATION_SEEDS=from..to` plays other seeds than those of the test.

#![cfg(test)]

mod chance;
mod database;
mod fleet;
mod redis;
mod world;

use fleet::{Fleet, Outcome};
use std::ops::Range;
use world::Broken;

fn play(seed: u64, broken: Broken) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(Fleet::play(seed, broken))
}

/// The first seed at which the mistake shows.
fn found(broken: Broken) -> Option<u64> {
    (0..400).find(|seed| {
        play(*seed, broken)
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

/// Half of the seeds each, on the two cores that a small machine has.
fn hold(seeds: Vec<u64>) {
    let mut sum = Outcome::default();
    for seed in &seeds {
        let outcome = play(*seed, Broken::Nothing);
        let (violations, diary) = (outcome.violations.join("\n"), outcome.diary.join("\n"));
        assert!(violations.is_empty(), "seed {seed}:\n{diary}\n{violations}");
        sum.checks += outcome.checks;
        sum.answered += outcome.answered;
        sum.refused += outcome.refused;
        sum.unavailable += outcome.unavailable;
    }
    // Runs in which nothing happens would prove nothing.
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
fn a_seed_plays_the_same_way_again() {
    for seed in 0..5 {
        assert_eq!(
            format!("{:?}", play(seed, Broken::Nothing)),
            format!("{:?}", play(seed, Broken::Nothing))
        );
    }
}

#[test]
fn the_simulation_finds_a_blacklist_that_trusts_a_flushed_redis() {
    assert!(found(Broken::FlushedRedisIsTrusted).is_some());
}

#[test]
fn the_simulation_finds_a_client_that_hides_reconnects() {
    assert!(found(Broken::ReconnectsAreHidden).is_some());
}

#[test]
fn the_simulation_finds_reads_that_do_not_go_back() {
    assert!(found(Broken::NoLookBack).is_some());
}

#[test]
fn the_simulation_finds_failed_reads_that_count() {
    assert!(found(Broken::FailedReadsCount).is_some());
}

#[test]
fn the_simulation_finds_writes_that_are_not_awaited() {
    assert!(found(Broken::WritesAreNotAwaited).is_some());
}

#[test]
fn the_simulation_finds_answers_that_are_not_held_back() {
    assert!(found(Broken::AnswersAreNotHeldBack).is_some());
}

#[test]
fn the_simulation_finds_a_window_that_misses_clock_steps() {
    assert!(found(Broken::ClockStepsAreMissed).is_some());
}
