//! What holds of the counters in Redis alone: their names, their ends, that they decide as those of the process do, and that a
//! server may go and come back.

use crate::{
    at,
    fleet::{Fleet, redis},
    server::Server,
    user,
};
use auth_limits::{Claim, LimitsConfig};
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
async fn counters_are_named_as_in_the_design_and_end_with_what_they_count() {
    let server = Server::start().await;
    let config = with_time("keyward");
    let node = redis::node(&server.url(), &config);
    let claims = [user(7), Claim::on_service()];
    assert!(node.take(&claims, at(0)).await.is_granted());
    let of_user = "keyward:{limits}:per_user:00000000-0000-0000-0000-000000000007";
    let mut keys: Vec<String> = server.run("KEYS *").await;
    keys.sort();
    assert_eq!(keys, [of_user, "keyward:{limits}:service:all"]);
    let left: i64 = server.run(&format!("PTTL {of_user}")).await;
    assert!((1_100_000..=1_200_000).contains(&left), "{left}");
    let tat: i64 = server.run(&format!("GET {of_user}")).await;
    assert_eq!(tat, at(1_200).timestamp_micros());

    // A refusal writes nothing, not even an end.
    assert!(node.take(&[user(7), user(7)], at(0)).await.is_granted());
    server.run::<()>(&format!("PEXPIRE {of_user} 90000")).await;
    assert!(
        !node
            .take(&[user(7), user(8), Claim::on_service()], at(0))
            .await
            .is_granted()
    );
    assert!(server.run::<i64>(&format!("PTTL {of_user}")).await <= 90_000);
    assert_eq!(server.run::<i64>("DBSIZE").await, 2);

    for _ in 0..3 {
        node.refund(&claims, at(0)).await;
    }
    assert_eq!(server.run::<Vec<String>>("KEYS *").await, Vec::<String>::new());
}

/// What comes next in a sequence that is the same every time (Knuth, TAOCP volume 2, §3.3.4).
fn next(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_and_the_process_decide_alike() {
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
    let (mut chance, mut now) = (1, 0);
    for step in 0..1_500 {
        let claims: Vec<Claim> = (0..=next(&mut chance) % 3)
            .map(|_| match next(&mut chance) % 4 {
                0 => user(u128::from(next(&mut chance) % 3)),
                1 => Claim::on_service(),
                2 => Claim::on_service_above_reserve(),
                _ => Claim::guess_at([u8::from(next(&mut chance).is_multiple_of(2)); 32]),
            })
            .collect();
        if next(&mut chance).is_multiple_of(8) {
            in_redis.nodes[0].refund(&claims, at(now)).await;
            in_process.nodes[0].refund(&claims, at(now)).await;
        } else {
            let taken = in_redis.take(&claims, at(now)).await;
            assert_eq!(taken, in_process.take(&claims, at(now)).await, "step {step}");
        }
        now += i64::try_from(next(&mut chance) % 400).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_and_started_again_is_found_again() {
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
        "it has lost all, and counts from the start"
    );
}
