//! Scripts run once and are never retried; a lost connection is replaced at the next call.

use crate::{
    adding::{ADD, add, add_until_answered, scripts},
    proxy::Proxy,
    server::Server,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_runs_the_script_once_over_one_connection() {
    let server = Server::start().await;
    let scripts = scripts(&server.url());
    let before: i64 = connections(&server).await;
    for expected in 1..=20 {
        assert_eq!(
            scripts.eval(ADD, &["any:{limits}:c".to_owned()], &[1, 0]).await,
            Ok(vec![expected, 0])
        );
    }
    // `connections` itself makes one.
    assert_eq!(connections(&server).await, before + 2);
    let wrong = scripts
        .eval("return redis.call('NOSUCH')", &[], &[])
        .await
        .unwrap_err()
        .to_string();
    assert!(wrong.contains("refused"), "{wrong}");
    assert!(
        scripts.eval("return {'a'}", &[], &[]).await.is_err(),
        "not a number"
    );
}

async fn connections(server: &Server) -> i64 {
    let info: String = server.run("INFO stats").await;
    let made = info
        .lines()
        .find_map(|line| line.strip_prefix("total_connections_received:"));
    made.unwrap().trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_server_was_killed_a_new_connection_is_made_when_one_is_needed() {
    let mut server = Server::start().await;
    let scripts = scripts(&server.url());
    assert_eq!(add_until_answered(&scripts).await, 1);
    assert_eq!(add_until_answered(&scripts).await, 2);
    server.kill();
    assert!(add(&scripts).await.is_err());
    assert!(add(&scripts).await.is_err());
    server.start_again().await;
    assert_eq!(
        add_until_answered(&scripts).await,
        1,
        "the server lost its data, and nothing was sent twice"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_stops_answering_without_an_error_is_given_up() {
    let server = Server::start().await;
    let proxy = Proxy::in_front_of(server.port()).await;
    let scripts = scripts(&proxy.url());
    let before = add_until_answered(&scripts).await;
    proxy.drop_traffic();
    assert_eq!(
        add_until_answered(&scripts).await,
        before + 1,
        "the dropped command never reached the server"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_refused_and_a_demoted_master_is_given_up() {
    let master = Server::start().await;
    let replica = Server::start_with(&["--replicaof", "127.0.0.1", &master.port().to_string()]).await;
    let refused = scripts(&replica.url()).eval(ADD, &[], &[]).await.unwrap_err();
    let refused = refused.to_string();
    assert!(refused.contains("slave"), "{refused}");
    // A master that becomes a replica is given up.
    let scripts = scripts(&master.url());
    add_until_answered(&scripts).await;
    master.run::<()>("REPLICAOF 127.0.0.1 1").await;
    assert!(add(&scripts).await.is_err());
    master.run::<()>("REPLICAOF NO ONE").await;
    add_until_answered(&scripts).await;
}
