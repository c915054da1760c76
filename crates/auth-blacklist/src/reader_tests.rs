//! Tests of the reads, in virtual time over a database that follows a script.

use crate::{Batch, Blacklist, BlacklistConfig, Clock, Nodes, Truth, TruthUnavailable};
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

/// How long a read takes and what it gives: the database's clock in milliseconds and the revocations, or a failure.
type Scene = (u64, Option<(i64, Vec<Revocation>)>);

#[derive(Default)]
struct Script {
    scenes: Mutex<VecDeque<Scene>>,
    windows: Mutex<Vec<Option<Timestamp>>>,
}

impl Truth for Script {
    fn revocations_since(&self, after: Option<Timestamp>) -> BoxFuture<'_, Result<Batch, TruthUnavailable>> {
        async move {
            self.windows.lock().unwrap().push(after);
            let scene = self.scenes.lock().unwrap().pop_front();
            let Some((length, outcome)) = scene else {
                return Err(TruthUnavailable);
            };
            sleep(Duration::from_millis(length)).await;
            let (database_now, revocations) = outcome.ok_or(TruthUnavailable)?;
            let revocations = revocations
                .into_iter()
                .map(|revocation| (revocation, clock(database_now)))
                .collect();
            Ok(Batch {
                revocations,
                database_now: clock(database_now),
            })
        }
        .boxed()
    }

    fn facts(&self, _: TokenRef) -> BoxFuture<'_, Result<RevocationFacts, TruthUnavailable>> {
        async { Err(TruthUnavailable) }.boxed()
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

/// A node whose clock keeps pace with virtual time and begins with the database's.
fn node(scenes: impl IntoIterator<Item = Scene>) -> (Blacklist, Arc<Script>) {
    let script = Arc::new(Script {
        scenes: Mutex::new(scenes.into_iter().collect()),
        ..Script::default()
    });
    let begun = Instant::now();
    let now: Clock = Arc::new(move || clock(0) + Span::from_std(begun.elapsed()).unwrap());
    let truth = Arc::clone(&script) as _;
    let node = Blacklist::start_over(BlacklistConfig::default(), truth, None, Nodes::Many, now).unwrap();
    (node, script)
}

async fn after(millis: u64) {
    // One more, to be past the timers of that millisecond.
    sleep(Duration::from_millis(millis + 1)).await;
}

fn age(node: &Blacklist) -> Option<u128> {
    node.health().last_complete_read_age.map(|age| age.as_millis())
}

#[tokio::test(start_paused = true)]
async fn a_read_counts_from_its_beginning_and_not_from_its_end() {
    let (node, _script) = node([(300, Some((150, vec![])))]);
    after(298).await;
    assert_eq!(age(&node), None);
    after(11).await;
    assert_eq!(age(&node), Some(311));
}

#[tokio::test(start_paused = true)]
async fn a_read_that_failed_leaves_the_copy_as_old_as_it_was() {
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
async fn a_read_that_hangs_is_given_up_and_tried_again() {
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
async fn after_the_databases_clock_was_set_back_nothing_counts_until_all_was_read() {
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
        "the read at 500 ms missed what was recorded since"
    );
    let windows = |script: &Script| script.windows.lock().unwrap().clone();
    assert_eq!(windows(&script), [None, Some(clock(-30_000)), None]);
    after(500).await;
    assert!(age(&node) < Some(200));
    assert_eq!(
        windows(&script).get(3),
        Some(&None),
        "it is everything that is read until that has succeeded"
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
async fn an_answer_that_nobody_waits_for_is_in_memory_all_the_same() {
    let (node, _script) = node([(0, Some((0, vec![])))]);
    after(100).await;
    assert_eq!(node.announce(&[revocation()]).now_or_never(), None);
    assert_eq!(node.check_local(token(), clock(100)), Some(Verdict::Revoked));
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_breaks_the_promise_does_not_start() {
    let config = BlacklistConfig {
        look_back: Duration::ZERO,
        ..BlacklistConfig::default()
    };
    let started = Blacklist::start_over(
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
