//! What the nodes share goes and comes back: limits go on in the process, no request waits twice, and the log says so once.

use crate::{at, log::Log, user};
use auth_limits::{Admission, Claim, Limits, LimitsConfig, ScriptRunner, Taken};
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

/// How the other side behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// As one that has no counter yet, and never gets one.
    Forgetful,
    Failing,
    Silent,
    Confused,
}

/// Stands for Redis.
struct Stub {
    mood: Mutex<Mood>,
    asked: AtomicUsize,
}

impl Stub {
    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl ScriptRunner for Stub {
    fn run<'a>(
        &'a self,
        _script: &'a str,
        keys: &'a [String],
        _args: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<i64>, RedisError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mood = *self.mood.lock().unwrap();
        async move {
            match mood {
                Mood::Forgetful => Ok(std::iter::once(1).chain(keys.iter().map(|_| 0)).collect()),
                Mood::Failing => Err(RedisError::Lost("connection refused".to_owned())),
                Mood::Silent => std::future::pending().await,
                Mood::Confused => Ok(vec![0, 0]),
            }
        }
        .boxed()
    }
}

/// Three an hour for a user, with Redis in this mood.
fn node(mood: Mood) -> (Limits, Arc<Stub>) {
    let stub = Arc::new(Stub {
        mood: Mutex::new(mood),
        asked: AtomicUsize::new(0),
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
    let (node, stub) = node(Mood::Forgetful);
    assert_eq!(granted(&node, 20).await, 20);
    assert_eq!(stub.asked(), 20);
    stub.set(Mood::Failing);
    assert_eq!(granted(&node, 20).await, 3, "the process had counted nothing");
}

#[tokio::test(start_paused = true)]
async fn a_request_asks_once_for_all_its_counters_and_once_to_give_all_of_them_back() {
    let (node, stub) = node(Mood::Forgetful);
    let address = Some("192.0.2.1".parse().unwrap());
    let sign_in = Admission::sign_in([1; 32], None, address);
    assert_eq!((sign_in.claims().len(), sign_in.returned().len()), (4, 3));
    assert!(node.take(sign_in.claims(), at(0)).await.is_granted());
    assert_eq!(stub.asked(), 1);
    node.refund(sign_in.returned(), at(0)).await;
    assert_eq!(stub.asked(), 2);
    // Nothing to give back is not asked for.
    node.refund(&[], at(0)).await;
    assert_eq!(stub.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn redis_that_fails_is_left_alone_for_a_second_and_tried_again_by_one_request() {
    let (node, stub) = node(Mood::Failing);
    assert_eq!(granted(&node, 20).await, 3);
    assert_eq!(stub.asked(), 1);
    advance(Duration::from_millis(1_001)).await;
    assert_eq!(
        granted(&node, 20).await,
        0,
        "what the process counted still counts"
    );
    assert_eq!(stub.asked(), 2);
    stub.set(Mood::Forgetful);
    assert_eq!(granted(&node, 20).await, 0);
    advance(Duration::from_millis(1_001)).await;
    assert_eq!(granted(&node, 20).await, 20);
    assert_eq!(stub.asked(), 22);
}

#[tokio::test(start_paused = true)]
async fn redis_that_hangs_costs_one_request_its_timeout() {
    let (node, stub) = node(Mood::Silent);
    let begun = Instant::now();
    assert_eq!(granted(&node, 20).await, 3);
    assert!(
        begun.elapsed() < Duration::from_millis(60),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(stub.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_makes_no_sense_is_none() {
    let (node, stub) = node(Mood::Confused);
    assert_eq!(granted(&node, 20).await, 3);
    assert_eq!(stub.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_process_counted_is_given_back_to_it() {
    let (node, _stub) = node(Mood::Failing);
    assert_eq!(granted(&node, 20).await, 3);
    node.refund(&[user(1)], at(0)).await;
    assert_eq!(granted(&node, 20).await, 1);
}

#[tokio::test(start_paused = true)]
async fn the_log_says_once_that_redis_is_gone_and_once_that_it_is_back() {
    let (log, _listening) = Log::listen();
    let (node, stub) = node(Mood::Failing);
    for _ in 0..5 {
        granted(&node, 20).await;
        advance(Duration::from_millis(1_001)).await;
    }
    assert_eq!(log.levels(), ["WARN"]);
    stub.set(Mood::Forgetful);
    granted(&node, 20).await;
    assert_eq!(log.levels(), ["WARN", "INFO"]);
    stub.set(Mood::Silent);
    granted(&node, 20).await;
    assert_eq!(log.levels(), ["WARN", "INFO", "WARN"]);
}

#[tokio::test]
async fn a_full_process_counts_new_ones_together_and_forgets_nobody() {
    let config = LimitsConfig {
        max_keys: 2,
        per_user: "2/1h".parse().unwrap(),
        ..LimitsConfig::default()
    };
    let node = Limits::new(config, None);
    let take = async |claim: Claim, seconds| node.take(&[claim], at(seconds)).await.is_granted();
    assert!(take(user(1), 0).await && take(user(1), 0).await && take(user(2), 0).await);
    assert!(take(user(3), 0).await && take(user(4), 0).await);
    assert!(!take(user(5), 0).await, "the crowd has had its two");
    assert!(!take(user(1), 0).await && take(user(2), 0).await && !take(user(2), 0).await);
    // A limit of another name has room of its own.
    assert!(take(Claim::guess_at([1; 32]), 0).await);
    assert!(take(user(5), 7_200).await && take(user(5), 7_200).await && !take(user(5), 7_200).await);
    // Two new ones in one request, and room for one of them.
    let two = [user(6), user(7)];
    assert!(matches!(node.take(&two, at(7_200)).await, Taken::Granted(_)));
    assert!(take(user(8), 7_200).await && !take(user(9), 7_200).await);
}
