//! Redis becomes unavailable and recovers: the process goes on counting, no request waits twice, and the log has one line for each.

use crate::{at, log::Log, user};
use auth_limits::{Admission, Limits, LimitsConfig, Permit, ScriptRunner, TakeResult};
use auth_redis::RedisError;
use futures::{FutureExt, future::BoxFuture};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, advance};

/// How the stub behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    /// Grants everything and stores nothing.
    Forgetful,
    Failing,
    Silent,
    Nonsense,
}

/// A stub of Redis.
struct Stub {
    behaviour: Mutex<Behaviour>,
    calls: AtomicUsize,
}

impl Stub {
    fn set(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl ScriptRunner for Stub {
    fn run<'a>(
        &'a self,
        _script: &'a str,
        keys: &'a [String],
        _args: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<i64>, RedisError>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let behaviour = *self.behaviour.lock().unwrap();
        async move {
            match behaviour {
                Behaviour::Forgetful => Ok(std::iter::once(1).chain(keys.iter().map(|_| 0)).collect()),
                Behaviour::Failing => Err(RedisError::Lost("connection refused".to_owned())),
                Behaviour::Silent => std::future::pending().await,
                Behaviour::Nonsense => Ok(vec![0, 0]),
            }
        }
        .boxed()
    }
}

/// A node that grants three an hour to a user, and its stub of Redis.
fn node(behaviour: Behaviour) -> (Limits, Arc<Stub>) {
    let stub = Arc::new(Stub {
        behaviour: Mutex::new(behaviour),
        calls: AtomicUsize::new(0),
    });
    let config = LimitsConfig {
        per_user: "3/1h".parse().unwrap(),
        ..LimitsConfig::default()
    };
    let runner = Arc::clone(&stub) as Arc<dyn ScriptRunner>;
    (Limits::new(config, Some(runner)), stub)
}

async fn granted(node: &Limits, tries: usize) -> usize {
    let mut granted = 0;
    for _ in 0..tries {
        granted += usize::from(node.take(&[user(1)], at(0)).await.is_granted());
    }
    granted
}

#[tokio::test(start_paused = true)]
async fn while_redis_works_the_counters_of_the_process_are_not_touched() {
    let (node, stub) = node(Behaviour::Forgetful);
    assert_eq!(granted(&node, 20).await, 20);
    assert_eq!(stub.calls(), 20);
    stub.set(Behaviour::Failing);
    assert_eq!(
        granted(&node, 20).await,
        3,
        "the process had not counted anything"
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_takes_all_its_permits_in_one_call_and_refunds_them_in_one_call() {
    let (node, stub) = node(Behaviour::Forgetful);
    let address = Some("192.0.2.1".parse().unwrap());
    let sign_in = Admission::sign_in([1; 32], None, address);
    assert_eq!((sign_in.permits().len(), sign_in.refundable().len()), (4, 3));
    assert!(node.take(sign_in.permits(), at(0)).await.is_granted());
    assert_eq!(stub.calls(), 1);
    node.refund(sign_in.refundable(), at(0)).await;
    assert_eq!(stub.calls(), 2);
    // A refund of nothing makes no call.
    node.refund(&[], at(0)).await;
    assert_eq!(stub.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_redis_is_not_asked_for_a_second_and_then_one_request_probes_it() {
    let (node, stub) = node(Behaviour::Failing);
    assert_eq!(granted(&node, 20).await, 3);
    assert_eq!(stub.calls(), 1);
    advance(Duration::from_millis(1_001)).await;
    assert_eq!(granted(&node, 20).await, 0, "the counts of the process remain");
    assert_eq!(stub.calls(), 2);
    stub.set(Behaviour::Forgetful);
    assert_eq!(granted(&node, 20).await, 0);
    advance(Duration::from_millis(1_001)).await;
    assert_eq!(granted(&node, 20).await, 20);
    assert_eq!(stub.calls(), 22);
}

#[tokio::test(start_paused = true)]
async fn redis_that_hangs_costs_one_request_its_timeout() {
    let (node, stub) = node(Behaviour::Silent);
    let begun = Instant::now();
    assert_eq!(granted(&node, 20).await, 3);
    assert!(
        begun.elapsed() < Duration::from_millis(60),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(stub.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_makes_no_sense_counts_as_a_failure() {
    let (node, stub) = node(Behaviour::Nonsense);
    assert_eq!(granted(&node, 20).await, 3);
    assert_eq!(stub.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refund_goes_to_the_process_if_the_process_counted() {
    let (node, _stub) = node(Behaviour::Failing);
    assert_eq!(granted(&node, 20).await, 3);
    node.refund(&[user(1)], at(0)).await;
    assert_eq!(granted(&node, 20).await, 1);
}

#[tokio::test(start_paused = true)]
async fn the_log_has_one_line_when_redis_fails_and_one_when_it_recovers() {
    let (log, _capturing) = Log::capture();
    let (node, stub) = node(Behaviour::Failing);
    for _ in 0..5 {
        granted(&node, 20).await;
        advance(Duration::from_millis(1_001)).await;
    }
    assert_eq!(log.levels(), ["WARN"]);
    stub.set(Behaviour::Forgetful);
    granted(&node, 20).await;
    assert_eq!(log.levels(), ["WARN", "INFO"]);
    stub.set(Behaviour::Silent);
    granted(&node, 20).await;
    assert_eq!(log.levels(), ["WARN", "INFO", "WARN"]);
}

#[tokio::test]
async fn a_full_process_counts_new_keys_together_and_evicts_no_counter() {
    let config = LimitsConfig {
        max_keys: 2,
        per_user: "2/1h".parse().unwrap(),
        ..LimitsConfig::default()
    };
    let node = Limits::new(config, None);
    let take = async |permit: Permit, seconds| node.take(&[permit], at(seconds)).await.is_granted();
    assert!(take(user(1), 0).await && take(user(1), 0).await && take(user(2), 0).await);
    assert!(take(user(3), 0).await && take(user(4), 0).await);
    assert!(
        !take(user(5), 0).await,
        "the overflow counter has granted its two"
    );
    assert!(!take(user(1), 0).await && take(user(2), 0).await && !take(user(2), 0).await);
    // Another limit has a table of its own.
    assert!(take(Permit::guess_at([1; 32]), 0).await);
    assert!(take(user(5), 7_200).await && take(user(5), 7_200).await && !take(user(5), 7_200).await);
    // Two new keys in one request, and room for one of them.
    let two = [user(6), user(7)];
    assert!(matches!(node.take(&two, at(7_200)).await, TakeResult::Granted(_)));
    assert!(take(user(8), 7_200).await && !take(user(9), 7_200).await);
}
