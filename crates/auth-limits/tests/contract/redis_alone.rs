//! What applies to the counters in Redis only: their names, their expiry, that they decide as the process does, and that a server
//! may be killed and restarted.

use crate::{
    at,
    fleet::{Fleet, redis},
    server::Server,
    user,
};
use auth_limits::{LimitsConfig, Permit};
use std::time::{Duration, Instant};

fn with_time(prefix: &str) -> LimitsConfig {
    LimitsConfig {
        redis_prefix: prefix.to_owned(),
        timeout: Duration::from_secs(5),
        per_user: "3/1h".parse().unwrap(),
        ..LimitsConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_have_the_documented_names_and_expire_with_their_window() {
    let server = Server::start().await;
    let config = with_time("keyward");
    let node = redis::node(&server.url(), &config);
    let permits = [user(7), Permit::on_service()];
    assert!(node.take(&permits, at(0)).await.is_granted());
    let of_user = "keyward:{limits}:per_user:00000000-0000-0000-0000-000000000007";
    let mut keys: Vec<String> = server.run("KEYS *").await;
    keys.sort();
    assert_eq!(keys, [of_user, "keyward:{limits}:service:all"]);
    let left: i64 = server.run(&format!("PTTL {of_user}")).await;
    assert!((1_100_000..=1_200_000).contains(&left), "{left}");
    let tat: i64 = server.run(&format!("GET {of_user}")).await;
    assert_eq!(tat, at(1_200).timestamp_micros());

    // A refusal writes nothing, not even an expiry.
    assert!(node.take(&[user(7), user(7)], at(0)).await.is_granted());
    server.run::<()>(&format!("PEXPIRE {of_user} 90000")).await;
    assert!(
        !node
            .take(&[user(7), user(8), Permit::on_service()], at(0))
            .await
            .is_granted()
    );
    assert!(server.run::<i64>(&format!("PTTL {of_user}")).await <= 90_000);
    assert_eq!(server.run::<i64>("DBSIZE").await, 2);

    for _ in 0..3 {
        node.refund(&permits, at(0)).await;
    }
    assert_eq!(server.run::<Vec<String>>("KEYS *").await, Vec::<String>::new());
}

/// The next pseudo-random number; the same sequence every time (Knuth, TAOCP volume 2, §3.3.4).
fn next(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_and_the_process_make_the_same_decisions() {
    let config = LimitsConfig {
        per_user: "7/1h".parse().unwrap(),
        service: "13/1h".parse().unwrap(),
        guesses_per_account: "3/1d".parse().unwrap(),
        ..LimitsConfig::default()
    };
    let (in_redis, in_process) = (
        Fleet::sharing_redis(config.clone()),
        Fleet::of_one_process(config),
    );
    let (mut random, mut now) = (1, 0);
    for step in 0..1_500 {
        let permits: Vec<Permit> = (0..=next(&mut random) % 3)
            .map(|_| match next(&mut random) % 4 {
                0 => user(u128::from(next(&mut random) % 3)),
                1 => Permit::on_service(),
                2 => Permit::on_service_above_reserve(),
                _ => Permit::guess_at([u8::from(next(&mut random).is_multiple_of(2)); 32]),
            })
            .collect();
        if next(&mut random).is_multiple_of(8) {
            in_redis.nodes[0].refund(&permits, at(now)).await;
            in_process.nodes[0].refund(&permits, at(now)).await;
        } else {
            let taken = in_redis.take(&permits, at(now)).await;
            assert_eq!(taken, in_process.take(&permits, at(now)).await, "step {step}");
        }
        now += i64::try_from(next(&mut random) % 400).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_and_restarted_is_used_again() {
    let mut server = Server::start().await;
    let config = with_time("keyward");
    let node = redis::node(&server.url(), &config);
    let take = async || node.take(&[user(1)], at(0)).await.is_granted();
    assert!(take().await && take().await && take().await && !take().await);
    server.kill();
    assert!(
        take().await && take().await && take().await && !take().await,
        "now the process counts"
    );
    server.start_again().await;
    let begun = Instant::now();
    while !take().await {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "Redis was not asked again"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(
        take().await && take().await && !take().await,
        "the server lost its data and counts from zero"
    );
}
