//! Clusters, sentinels and replicas: the one server that holds the keys is found, and no other is relied on.

use crate::{
    adding::{add_until_answered, scripts},
    node::{Watch, eventually},
    server::Server,
};
use auth_blacklist::{Blacklist, RedisHealth, redis::RedisConnector, redis_interface::Connector};
use auth_redis::RedisUrls;
use std::time::Duration;

async fn refusal(urls: &str) -> String {
    let servers = RedisConnector::new(&RedisUrls::parse(urls).unwrap(), "keyward");
    servers
        .connect()
        .await
        .map(|_| "connected")
        .unwrap_err()
        .to_string()
}

/// Waits until a server's answer to a command contains this text; fails after thirty seconds.
async fn wait_for_answer(server: &Server, command: &str, text: &str) {
    let begun = std::time::Instant::now();
    while !server.run::<String>(command).await.contains(text) {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{command} never answered {text}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_evicts_is_reported() {
    let server = Server::start_with(&["--maxmemory-policy", "allkeys-lru"]).await;
    let servers = RedisConnector::new(&RedisUrls::parse(&server.url()).unwrap(), "keyward");
    let connection = servers.connect().await.unwrap();
    assert!(
        connection
            .misconfiguration()
            .await
            .unwrap()
            .contains("allkeys-lru")
    );
    server.run::<()>("CONFIG SET maxmemory-policy noeviction").await;
    assert_eq!(connection.misconfiguration().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_refused_and_a_demoted_master_is_given_up() {
    let master = Server::start().await;
    let replica = Server::start_with(&["--replicaof", "127.0.0.1", &master.port().to_string()]).await;
    assert!(refusal(&replica.url()).await.contains("slave"));
    let watch = Watch::over(&master.url()).await;
    // Its new master does not exist: it keeps its data and answers from that.
    master.run::<()>("REPLICAOF 127.0.0.1 1").await;
    let down = |node: &Blacklist| node.health().redis == RedisHealth::Down;
    eventually("the demotion is seen", || watch.nodes.iter().all(down)).await;
    watch.revoke().await;
    master.run::<()>("REPLICAOF NO ONE").await;
    watch.recovers().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_cluster_the_server_of_the_slot_is_found_also_after_the_slot_moved() {
    let cluster = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
    let (low, high) = (
        Server::start_with(&cluster).await,
        Server::start_with(&cluster).await,
    );
    low.run::<()>("CLUSTER ADDSLOTSRANGE 0 8191").await;
    high.run::<()>("CLUSTER ADDSLOTSRANGE 8192 16383").await;
    low.run::<()>(&format!("CLUSTER MEET 127.0.0.1 {}", high.port()))
        .await;
    for server in [&low, &high] {
        wait_for_answer(server, "CLUSTER INFO", "cluster_state:ok").await;
    }
    // One of the two servers has to redirect, in either order.
    for urls in [
        format!("{},{}", low.url(), high.url()),
        format!("{},{}", high.url(), low.url()),
    ] {
        let watch = Watch::over(&urls).await;
        watch.revoke().await;
        add_until_answered(&scripts(&urls)).await;
    }
    let watch = Watch::over(&low.url()).await;
    let slot: u16 = low.run("CLUSTER KEYSLOT any:{blacklist}:sentinel").await;
    let (from, to) = if slot < 8192 { (&low, &high) } else { (&high, &low) };
    let target: String = to.run("CLUSTER MYID").await;
    // The slot moves without its keys: all data in Redis is lost.
    watch.revoke().await;
    from.run::<()>("FLUSHALL").await;
    for server in [to, from] {
        server
            .run::<()>(&format!("CLUSTER SETSLOT {slot} NODE {target}"))
            .await;
    }
    watch.look_for(Duration::from_millis(500)).await;
    watch.recovers().await;
    watch.revoke().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_lead_to_the_master_and_after_a_failover_to_the_next_one() {
    let mut master = Server::start().await;
    let replica = Server::start_with(&["--replicaof", "127.0.0.1", &master.port().to_string()]).await;
    let sentinel = Server::sentinel_of(&master).await;
    wait_for_answer(&sentinel, "INFO sentinel", "slaves=1").await;
    let url = format!("{}?sentinel=main", sentinel.url());
    let watch = Watch::over(&url).await;
    watch.revoke().await;
    let scripts = scripts(&url);
    add_until_answered(&scripts).await;
    assert!(
        refusal(&format!("{}?sentinel=other", sentinel.url()))
            .await
            .contains("knows no master")
    );
    master.kill();
    let begun = std::time::Instant::now();
    // Ask the sentinel, because a promotion drops the replica's clients.
    let current = || sentinel.run::<(String, u16)>("SENTINEL GET-MASTER-ADDR-BY-NAME main");
    while current().await.1 != replica.port() {
        watch.look().await;
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the sentinel does not promote the replica"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    watch.revoke().await;
    watch.recovers().await;
    add_until_answered(&scripts).await;
}
