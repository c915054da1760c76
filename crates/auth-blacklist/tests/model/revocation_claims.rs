//! The promises about revocation (docs/rules.md §1), and the proof that the model checker finds mistakes.

use crate::{
    report::{breaks, holds, large},
    revocation::{Bounds, Mutation, RevocationModel, Setting, Target, Topology},
};

/// The text of the most important violation.
const ACCEPTED: &str = "accepts a token whose revocation was answered";

fn bounds(ticks: u8, faults: u8, sentinels: u8) -> Bounds {
    Bounds {
        ticks,
        faults,
        sentinels,
    }
}

/// Checks that the promises hold in the quick model or, if requested, in the large one.
fn hold(topology: Topology, redis: bool, what: Target, quick: Bounds, more: Bounds) {
    let bounds = if large() { more } else { quick };
    let setting = Setting {
        topology,
        redis,
        what,
        bounds,
        mutation: Mutation::None,
    };
    let redis = if redis { "Redis" } else { "no Redis" };
    let name = format!(
        "{what:?} revoked, {topology:?}, {redis}, {} ticks, {} faults, {} sentinels",
        bounds.ticks, bounds.faults, bounds.sentinels
    );
    holds(&name, &RevocationModel::new(setting), 1_000);
}

/// Checks that the mistake is found, and that it violates this promise.
fn found(mutation: Mutation, topology: Topology, redis: bool, bounds: Bounds, promise: &str) {
    let setting = Setting {
        topology,
        redis,
        what: Target::Session,
        bounds,
        mutation,
    };
    breaks(&format!("{mutation:?}"), &RevocationModel::new(setting), promise);
}

#[test]
fn an_answered_revocation_is_never_accepted_by_one_process_without_redis() {
    let (quick, more) = (bounds(4, 2, 0), bounds(8, 4, 0));
    hold(Topology::Alone, false, Target::Session, quick, more);
}

#[test]
fn an_answered_revocation_is_never_accepted_by_two_nodes_without_redis() {
    let (quick, more) = (bounds(3, 1, 0), bounds(5, 2, 0));
    hold(Topology::Two, false, Target::Session, quick, more);
}

#[test]
fn an_answered_revocation_is_never_accepted_by_two_nodes_with_redis_whatever_the_order() {
    // With time and faults it takes minutes, so they are in the large model only. The tests with one node among many have both.
    let (quick, more) = (bounds(0, 0, 1), bounds(1, 1, 1));
    hold(Topology::Two, true, Target::Session, quick, more);
}

#[test]
fn an_answered_revocation_is_never_accepted_by_one_node_among_many() {
    let (quick, more) = (bounds(2, 1, 2), bounds(4, 3, 3));
    hold(Topology::OneAmongMany, true, Target::Session, quick, more);
}

#[test]
fn a_generation_that_was_raised_is_never_accepted_by_one_node_among_many() {
    let (quick, more) = (bounds(2, 1, 1), bounds(3, 2, 3));
    hold(Topology::OneAmongMany, true, Target::Generation, quick, more);
}

fn found_with_redis(mutation: Mutation) {
    found(mutation, Topology::OneAmongMany, true, bounds(0, 1, 2), ACCEPTED);
}

fn found_without_redis(mutation: Mutation, ticks: u8) {
    found(
        mutation,
        Topology::OneAmongMany,
        false,
        bounds(ticks, 0, 0),
        ACCEPTED,
    );
}

#[test]
fn the_model_finds_a_sentinel_that_is_ignored() {
    found_with_redis(Mutation::SentinelIgnored);
}

#[test]
fn the_model_finds_a_sentinel_that_is_reused() {
    found_with_redis(Mutation::SentinelReused);
}

#[test]
fn the_model_finds_a_new_connection_that_is_relied_on() {
    found_with_redis(Mutation::NewConnectionBelieved);
}

#[test]
fn the_model_finds_reconnects_that_are_hidden() {
    found_with_redis(Mutation::ReconnectsHidden);
}

/// Purpose `maxmemory-policy` has to be `noeviction`.
#[test]
fn the_model_finds_a_redis_that_evicts() {
    found_with_redis(Mutation::EntriesEvicted);
}

#[test]
fn the_model_finds_writes_that_are_not_awaited() {
    found_with_redis(Mutation::WritesNotAwaited);
}

#[test]
fn the_model_finds_reads_that_do_not_overlap() {
    found_without_redis(Mutation::NoLookBack, 4);
}

#[test]
fn the_model_finds_transactions_that_stay_open() {
    found_without_redis(Mutation::WritesUnbounded, 6);
}

#[test]
fn the_model_finds_reads_that_count_from_their_end() {
    found_without_redis(Mutation::ReadsCountFromTheirEnd, 3);
}

#[test]
fn the_model_finds_failed_reads_that_count() {
    found_without_redis(Mutation::FailedReadsCount, 3);
}

#[test]
fn the_model_finds_memory_that_is_too_old() {
    found_without_redis(Mutation::StalenessIgnored, 3);
}

#[test]
fn the_model_finds_answers_that_are_not_held_back() {
    found_without_redis(Mutation::AnswersNotHeldBack, 3);
}

#[test]
fn the_model_finds_answers_that_are_a_moment_too_early() {
    found_without_redis(Mutation::AnswersATickEarly, 3);
}

#[test]
fn the_model_finds_an_answer_before_the_commit() {
    let mutation = Mutation::AnnouncedBeforeTheCommit;
    found_without_redis(mutation, 3);
    found(
        mutation,
        Topology::Two,
        true,
        bounds(1, 0, 1),
        "a valid token is refused",
    );
}
