//! Tests of the reader, in virtual time, over a scripted database.

use crate::{Blacklist, BlacklistConfig, Clock, Nodes, RevocationBatch, RevocationSource, SourceUnavailable};
use auth_domain::{
    ids::{SessionId, TokenId, UserId},
    revocation::{Revocation, RevocationFacts, Revoked, TokenRef, Verdict},
    time::{Span, Timestamp},
    user::Generation,
};
use chrono::DateTime;
use futures::{FutureExt, future::BoxFuture};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// One scripted read: how long it takes in milliseconds, and its result: the database's clock in milliseconds and the revocations, or a
/// failure.
type ScriptedRead = (u64, Option<(i64, Vec<Revocation>)>);

#[derive(Default)]
struct Script {
    reads: Mutex<VecDeque<ScriptedRead>>,
    windows: Mutex<Vec<Option<Timestamp>>>,
}

impl RevocationSource for Script {
    fn revocations_since(
        &self,
        after: Option<Timestamp>,
    ) -> BoxFuture<'_, Result<RevocationBatch, SourceUnavailable>> {
        async move {
            self.windows.lock().unwrap().push(after);
            let read = self.reads.lock().unwrap().pop_front();
            let Some((length, outcome)) = read else {
                return Err(SourceUnavailable);
            };
            sleep(Duration::from_millis(length)).await;
            let (database_now, revocations) = outcome.ok_or(SourceUnavailable)?;
            let revocations = revocations
                .into_iter()
                .map(|revocation| (revocation, clock(database_now)))
                .collect();
            Ok(RevocationBatch {
                revocations,
                database_now: clock(database_now),
            })
        }
        .boxed()
    }

    fn facts(&self, _: TokenRef) -> BoxFuture<'_, Result<RevocationFacts, SourceUnavailable>> {
        async { Err(SourceUnavailable) }.boxed()
    }
}

fn clock(millis: i64) -> Timestamp {
    DateTime::from_timestamp_millis(1_800_000_000_000 + millis).unwrap()
}

fn token() -> TokenRef {
    let id = Uuid::from_u128(1);
    TokenRef {
        token: TokenId::from_uuid(id),
        session: SessionId::from_uuid(id),
        user: UserId::from_uuid(id),
        generation: Generation::FIRST,
    }
}

fn revocation() -> Revocation {
    Revocation {
        what: Revoked::Token(token().token),
        until: clock(3_600_000),
    }
}

/// A node whose clock runs with virtual time and starts at the database's time.
fn node(reads: impl IntoIterator<Item = ScriptedRead>) -> (Blacklist, Arc<Script>) {
    let script = Arc::new(Script {
        reads: Mutex::new(reads.into_iter().collect()),
        ..Script::default()
    });
    let begun = Instant::now();
    let now: Clock = Arc::new(move || clock(0) + Span::from_std(begun.elapsed()).unwrap());
    let source = Arc::clone(&script) as _;
    let node =
        Blacklist::start_with_connector(BlacklistConfig::default(), source, None, Nodes::Many, now).unwrap();
    (node, script)
}

async fn after(millis: u64) {
    // One millisecond more, so that the timers of that millisecond have run.
    sleep(Duration::from_millis(millis + 1)).await;
}

fn age(node: &Blacklist) -> Option<u128> {
    node.health().last_complete_read_age.map(|age| age.as_millis())
}

#[tokio::test(start_paused = true)]
async fn the_age_counts_from_the_start_of_a_read_and_not_from_its_end() {
    let (node, _script) = node([(300, Some((150, vec![])))]);
    after(298).await;
    assert_eq!(age(&node), None);
    after(11).await;
    assert_eq!(age(&node), Some(311));
}

#[tokio::test(start_paused = true)]
async fn a_failed_read_does_not_make_the_copy_younger() {
    let (node, _script) = node([(0, Some((0, vec![]))), (0, None), (0, Some((1_000, vec![])))]);
    after(700).await;
    assert_eq!(age(&node), Some(701));
    assert!(node.health().fresh);
    after(400).await;
    assert!(age(&node) < Some(200));
    after(2_500).await;
    assert!(!node.health().fresh);
    assert_eq!(node.check_local(token(), clock(3_600)), None);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_hangs_is_given_up_and_retried() {
    let (node, script) = node([
        (0, Some((0, vec![]))),
        (60_000, None),
        (0, Some((3_000, vec![revocation()]))),
    ]);
    after(3_100).await;
    assert_eq!(script.windows.lock().unwrap().len(), 4);
    assert_eq!(node.check_local(token(), clock(3_100)), Some(Verdict::Revoked));
}

#[tokio::test(start_paused = true)]
async fn after_the_databases_clock_was_set_back_the_copy_ages_until_everything_was_read() {
    let set_back = Some((500 - 60_000, vec![]));
    let (node, script) = node([
        (0, Some((0, vec![]))),
        (0, set_back),
        (0, None),
        (0, Some((1_000 - 60_000, vec![revocation()]))),
    ]);
    after(600).await;
    assert_eq!(
        age(&node),
        Some(601),
        "the read at 500 ms missed the rows recorded since the step"
    );
    let windows = |script: &Script| script.windows.lock().unwrap().clone();
    assert_eq!(windows(&script), [None, Some(clock(-30_000)), None]);
    after(500).await;
    assert!(age(&node) < Some(200));
    assert_eq!(
        windows(&script).get(3),
        Some(&None),
        "every read reads everything until one has succeeded"
    );
    assert_eq!(node.check_local(token(), clock(1_100)), Some(Verdict::Revoked));
}

#[tokio::test(start_paused = true)]
async fn the_offset_of_the_databases_clock_is_measured_from_the_middle_of_the_read() {
    let (node, _script) = node([(200, Some((5_100, vec![])))]);
    after(201).await;
    assert_eq!(node.health().database_clock_offset, Some(Span::seconds(5)));
}

#[tokio::test(start_paused = true)]
async fn without_redis_an_answer_waits_until_every_node_has_read() {
    let (node, _script) = node([(0, Some((0, vec![])))]);
    after(100).await;
    let begun = Instant::now();
    node.announce(&[revocation()]).await;
    assert!(begun.elapsed() >= Duration::from_secs(2));
    assert_eq!(node.check(token(), clock(2_200)).await, Ok(Verdict::Revoked));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_announcement_is_still_in_memory() {
    let (node, _script) = node([(0, Some((0, vec![])))]);
    after(100).await;
    assert_eq!(node.announce(&[revocation()]).now_or_never(), None);
    assert_eq!(node.check_local(token(), clock(100)), Some(Verdict::Revoked));
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_breaks_the_guarantee_does_not_start() {
    let config = BlacklistConfig {
        look_back: Duration::ZERO,
        ..BlacklistConfig::default()
    };
    let started = Blacklist::start_with_connector(
        config,
        Arc::new(Script::default()),
        None,
        Nodes::One,
        Arc::new(|| clock(0)),
    );
    assert!(
        started
            .err()
            .unwrap()
            .to_string()
            .starts_with("blacklist.look_back")
    );
}
