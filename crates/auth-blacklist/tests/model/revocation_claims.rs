//! What is claimed of revocations (docs/rules.md §1), and that the model would notice if it did not hold.

use crate::{
    report::{breaks, holds, large},
    revocation::{Bounds, Broken, Cast, Fleet, Setting, What},
};

/// The words of the promise that matters most.
const ACCEPTED: &str = "accepts a token whose revocation was answered";

fn bounds(ticks: u8, faults: u8, sentinels: u8) -> Bounds {
    Bounds {
        ticks,
        faults,
        sentinels,
    }
}

/// The promise holds in the quick size; in the large one, if that is asked for.
fn hold(cast: Cast, redis: bool, what: What, quick: Bounds, more: Bounds) {
    let bounds = if large() { more } else { quick };
    let setting = Setting {
        cast,
        redis,
        what,
        bounds,
        broken: Broken::Nothing,
    };
    let redis = if redis { "Redis" } else { "no Redis" };
    let name = format!(
        "{what:?} revoked, {cast:?}, {redis}, {} ticks, {} faults, {} sentinels",
        bounds.ticks, bounds.faults, bounds.sentinels
    );
    holds(&name, &Fleet::new(setting), 1_000);
}

/// The mistake is found, and it breaks this promise.
fn found(broken: Broken, cast: Cast, redis: bool, bounds: Bounds, promise: &str) {
    let setting = Setting {
        cast,
        redis,
        what: What::Session,
        bounds,
        broken,
    };
    breaks(&format!("{broken:?}"), &Fleet::new(setting), promise);
}

#[test]
fn an_answered_revocation_is_never_accepted_by_one_process_without_redis() {
    let (quick, more) = (bounds(4, 2, 0), bounds(8, 4, 0));
    hold(Cast::Alone, false, What::Session, quick, more);
}

#[test]
fn an_answered_revocation_is_never_accepted_by_two_nodes_without_redis() {
    let (quick, more) = (bounds(3, 1, 0), bounds(5, 2, 0));
    hold(Cast::Two, false, What::Session, quick, more);
}

#[test]
fn an_answered_revocation_is_never_accepted_by_two_nodes_with_redis_whatever_the_order() {
    // With time and faults it takes minutes: only at the large sizes. One node among many has both here, too.
    let (quick, more) = (bounds(0, 0, 1), bounds(1, 1, 1));
    hold(Cast::Two, true, What::Session, quick, more);
}

#[test]
fn an_answered_revocation_is_never_accepted_by_one_node_among_many() {
    let (quick, more) = (bounds(2, 1, 2), bounds(4, 3, 3));
    hold(Cast::OneAmongMany, true, What::Session, quick, more);
}

#[test]
fn a_generation_that_was_raised_is_never_accepted_by_one_node_among_many() {
    let (quick, more) = (bounds(2, 1, 1), bounds(3, 2, 3));
    hold(Cast::OneAmongMany, true, What::Generation, quick, more);
}

fn found_with_redis(broken: Broken) {
    found(broken, Cast::OneAmongMany, true, bounds(0, 1, 2), ACCEPTED);
}

fn found_without_redis(broken: Broken, ticks: u8) {
    found(broken, Cast::OneAmongMany, false, bounds(ticks, 0, 0), ACCEPTED);
}

#[test]
fn the_model_finds_a_sentinel_that_is_ignored() {
    found_with_redis(Broken::SentinelIgnored);
}

#[test]
fn the_model_finds_a_sentinel_that_comes_back() {
    found_with_redis(Broken::SentinelReused);
}

#[test]
fn the_model_finds_a_new_connection_that_is_believed() {
    found_with_redis(Broken::NewConnectionBelieved);
}

#[test]
fn the_model_finds_reconnects_that_are_hidden() {
    found_with_redis(Broken::ReconnectsHidden);
}

/// Why `maxmemory-policy` has to be `noeviction`.
#[test]
fn the_model_finds_a_redis_that_evicts() {
    found_with_redis(Broken::EntriesEvicted);
}

#[test]
fn the_model_finds_writes_that_are_not_awaited() {
    found_with_redis(Broken::WritesNotAwaited);
}

#[test]
fn the_model_finds_reads_that_do_not_go_back() {
    found_without_redis(Broken::NoLookBack, 4);
}

#[test]
fn the_model_finds_transactions_that_stay_open() {
    found_without_redis(Broken::WritesUnbounded, 6);
}

#[test]
fn the_model_finds_reads_that_count_from_their_end() {
    found_without_redis(Broken::ReadsCountFromTheirEnd, 3);
}

#[test]
fn the_model_finds_failed_reads_that_count() {
    found_without_redis(Broken::FailedReadsCount, 3);
}

#[test]
fn the_model_finds_memory_that_is_too_old() {
    found_without_redis(Broken::StalenessIgnored, 3);
}

#[test]
fn the_model_finds_answers_that_are_not_held_back() {
    found_without_redis(Broken::AnswersNotHeldBack, 3);
}

#[test]
fn the_model_finds_answers_that_are_a_moment_too_early() {
    found_without_redis(Broken::AnswersATickEarly, 3);
}

#[test]
fn the_model_finds_an_answer_before_the_commit() {
    let broken = Broken::AnnouncedBeforeTheCommit;
    found_without_redis(broken, 3);
    found(
        broken,
        Cast::Two,
        true,
        bounds(1, 0, 1),
        "a valid token is refused",
    );
}
