//! The guarantee with real Redis servers that are flushed, killed, frozen, restarted from a snapshot, or failed over. No revoked token is
//! accepted, no valid token is refused, and an unresponsive Redis costs its timeout once.
//!
//! Needs `redis-server` (feature `services`). Every test runs servers of its own.

#![cfg(test)]
#![cfg(feature = "services")]

#[path = "../../../auth-redis/tests/outages/adding.rs"]
mod adding;
#[path = "../common/mod.rs"]
mod common;
mod node;
#[path = "../../../auth-redis/tests/outages/proxy.rs"]
mod proxy;
#[path = "../../../auth-redis/tests/outages/server/mod.rs"]
mod server;
mod topologies;

use auth_blacklist::{RedisHealth, Unavailable, redis::RedisConnector, redis_interface::Connector};
use auth_domain::{
    revocation::{Revoked, Verdict},
    time::Span,
    user::Generation,
};
use auth_redis::RedisUrls;
use common::{Ledger, new_token, revocation, revocation_for};
use node::{Watch, eventually, start};
use proxy::Proxy;
use server::Server;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_be_flushed_at_any_time() {
    let server = Server::start().await;
    let watch = Watch::over(&server.url()).await;
    for _ in 0..8 {
        watch.revoke().await;
        server.run::<()>("FLUSHALL").await;
        watch.look_for(Duration::from_millis(300)).await;
    }
    watch.recovers().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_be_killed_and_restarted_empty() {
    let mut server = Server::start().await;
    let watch = Watch::over(&server.url()).await;
    for _ in 0..4 {
        watch.revoke().await;
        server.kill();
        watch.look_for(Duration::from_millis(100)).await;
        server.start_again().await;
        watch.look_for(Duration::from_millis(400)).await;
    }
    watch.recovers().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_be_restarted_from_an_earlier_snapshot() {
    let mut server = Server::start().await;
    let watch = Watch::over(&server.url()).await;
    for _ in 0..4 {
        server.run::<()>("SAVE").await;
        watch.revoke().await;
        server.kill();
        // The snapshot has the sentinel and not the revocation: only the new connection shows the loss.
        server.start_again().await;
        watch.look_for(Duration::from_millis(400)).await;
    }
    watch.recovers().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_redis_costs_one_timeout_and_then_nothing() {
    let server = Server::start().await;
    let watch = Watch::over(&server.url()).await;
    watch.revoke().await;
    server.freeze();
    let begun = Instant::now();
    watch.look().await;
    let first = begun.elapsed();
    let begun = Instant::now();
    for _ in 0..50 {
        watch.look().await;
    }
    let rest = begun.elapsed();
    // `look` makes four checks, on two nodes: each node's first check takes 50 ms. At that rate the rest would take ten seconds.
    assert!(first < Duration::from_millis(500), "{first:?}");
    assert!(rest < Duration::from_secs(1), "200 checks took {rest:?}");
    let begun = Instant::now();
    watch.revoke().await;
    assert!(
        begun.elapsed() >= Duration::from_secs(2),
        "answered before every node can know"
    );
    watch.look().await;
    server.thaw();
    watch.recovers().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_for_a_moment_keeps_its_connection_and_is_used_again() {
    let server = Server::start().await;
    let watch = Watch::over(&server.url()).await;
    server.freeze();
    watch.look_for(Duration::from_millis(300)).await;
    server.thaw();
    watch.recovers().await;
    let clients: String = server.run("INFO stats").await;
    let connections = clients
        .lines()
        .find_map(|line| line.strip_prefix("total_connections_received:"))
        .unwrap();
    // Two nodes, and this test's own connections: one or two to wait for the start, and one for `INFO`.
    assert!(connections.trim().parse::<u32>().unwrap() <= 5, "{connections}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_starts_without_redis_and_finds_it_later() {
    let mut server = Server::not_yet_started(&[]);
    let ledger = Ledger::new();
    let node = start(&ledger, &server.url(), "late").await;
    let token = new_token();
    assert_eq!(node.check(token, chrono::Utc::now()).await, Ok(Verdict::Valid));
    assert_eq!(node.health().redis, RedisHealth::Down);
    server.start_again().await;
    eventually("Redis is found", || node.health().redis == RedisHealth::Up).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_checks_succeed_while_memory_is_fresh_and_no_longer() {
    let server = Server::start().await;
    let watch = Watch::over(&server.url()).await;
    watch.revoke().await;
    watch.ledger.set_unavailable(true);
    let begun = Instant::now();
    let valid = new_token();
    let mut last_accepted = Duration::ZERO;
    loop {
        let at = begun.elapsed();
        match watch.nodes[1].check(valid, chrono::Utc::now()).await {
            Ok(verdict) => {
                assert_eq!(verdict, Verdict::Valid);
                assert!(at < Duration::from_millis(2_100), "the copy is too old");
                last_accepted = at;
            }
            Err(Unavailable) if at > Duration::from_millis(2_100) => break,
            Err(Unavailable) => tokio::task::yield_now().await,
        }
    }
    // The last read began up to 500 ms before.
    assert!(last_accepted > Duration::from_millis(1_000), "{last_accepted:?}");
    watch.ledger.set_unavailable(false);
    watch.recovers().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_in_redis_contain_ids_only_and_expire_with_the_tokens() {
    let server = Server::start().await;
    let watch = Watch::over(&server.url()).await;
    let token = new_token();
    let ends = revocation(Revoked::Session(token.session));
    watch.ledger.revoke(&watch.nodes[0], &[ends]).await;
    let key = format!("{}:{{blacklist}}:session:{}", watch.prefix, token.session);
    assert_eq!(server.run::<String>(&format!("GET {key}")).await, "1");
    let until: i64 = server.run(&format!("PEXPIRETIME {key}")).await;
    assert!(
        (0..=2).contains(&(until - ends.until.timestamp_millis())),
        "{until}"
    );
    let all: Vec<String> = server.run("KEYS *").await;
    assert!(
        all.iter()
            .all(|key| key.starts_with(&format!("{}:{{blacklist}}:", watch.prefix))),
        "{all:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_redis_that_refuses_writes_delays_the_answer_and_still_answers_checks() {
    let server = Server::start().await;
    let watch = Watch::over(&server.url()).await;
    server.run::<()>("CONFIG SET maxmemory 1").await;
    let begun = Instant::now();
    watch.revoke().await;
    assert!(begun.elapsed() >= Duration::from_secs(2));
    // Checks still use Redis and memory.
    watch.recovers().await;
    server.run::<()>("CONFIG SET maxmemory 0").await;
    let begun = Instant::now();
    watch.revoke().await;
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_the_wrong_type_is_overwritten() {
    let server = Server::start().await;
    let watch = Watch::over(&server.url()).await;
    let token = new_token();
    let key = format!("{}:{{blacklist}}:user:{}", watch.prefix, token.user);
    server.run::<()>(&format!("RPUSH {key} nonsense")).await;
    let cut = revocation(Revoked::User(token.user, token.generation.raised()));
    let begun = Instant::now();
    Arc::clone(&watch.ledger).revoke(&watch.nodes[0], &[cut]).await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(
        watch.nodes[1].check(token, chrono::Utc::now()).await,
        Ok(Verdict::AllSessionsRevoked)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_stops_answering_without_an_error_is_replaced() {
    let server = Server::start().await;
    let proxy = Proxy::in_front_of(server.port()).await;
    let watch = Watch::over(&proxy.url()).await;
    for _ in 0..2 {
        watch.revoke().await;
        proxy.drop_traffic();
        watch.look_for(Duration::from_millis(300)).await;
        watch.recovers().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merging_never_lowers_a_generation_or_shortens_an_expiry() {
    let server = Server::start().await;
    let servers = RedisConnector::new(&RedisUrls::parse(&server.url()).unwrap(), "grows");
    let connection = servers.connect().await.unwrap();
    let token = new_token();
    let key = format!("grows:{{blacklist}}:user:{}", token.user);
    // Compared as text, 9 is more than 10, and 2^63 - 1 is more than Lua's numbers can represent.
    let most = Generation::from_number(i64::MAX - 1).unwrap();
    let mut least = Generation::FIRST;
    for (number, hours) in [
        (9, 3),
        (10, 2),
        (9, 1),
        (i64::MAX - 1, 1),
        (i64::MAX - 2, 4),
        (10, 1),
    ] {
        let generation = Generation::from_number(number).unwrap();
        least = least.max(generation);
        let cut = revocation_for(Revoked::User(token.user, generation), Span::hours(hours));
        connection.merge(&[cut], chrono::Utc::now()).await.unwrap();
        assert_eq!(connection.look_up(token).await.unwrap().facts.least, Some(least));
    }
    assert_eq!(least, most);
    let left: i64 = server.run(&format!("PTTL {key}")).await;
    let wanted = Span::hours(4).num_milliseconds();
    assert!((wanted - 60_000..=wanted + 2).contains(&left), "{left}");
}
