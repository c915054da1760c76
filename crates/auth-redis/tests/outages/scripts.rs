//! Scripts on the server of a slot: run once, never again by themselves, and on a connection that is made anew when it is lost.

use crate::{
    adding::{ADD, add, add_at_last, scripts},
    proxy::Proxy,
    server::Server,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_is_run_once_a_call_over_one_connection() {
    let server = Server::start().await;
    let scripts = scripts(&server.url());
    let before: i64 = connections(&server).await;
    for expected in 1..=20 {
        assert_eq!(
            scripts.eval(ADD, &["any:{limits}:c".to_owned()], &[1, 0]).await,
            Ok(vec![expected, 0])
        );
    }
    // The look itself makes one.
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
    assert_eq!(add_at_last(&scripts).await, 1);
    assert_eq!(add_at_last(&scripts).await, 2);
    server.kill();
    assert!(add(&scripts).await.is_err());
    assert!(add(&scripts).await.is_err());
    server.start_again().await;
    assert_eq!(
        add_at_last(&scripts).await,
        1,
        "it has lost all, and nothing was sent twice"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_was_cut_in_silence_is_given_up() {
    let server = Server::start().await;
    let proxy = Proxy::before(server.port()).await;
    let scripts = scripts(&proxy.url());
    let before = add_at_last(&scripts).await;
    proxy.swallow();
    assert_eq!(
        add_at_last(&scripts).await,
        before + 1,
        "what was swallowed never came"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_not_counted_on() {
    let master = Server::start().await;
    let replica = Server::start_with(&["--replicaof", "127.0.0.1", &master.port().to_string()]).await;
    let refused = scripts(&replica.url()).eval(ADD, &[], &[]).await.unwrap_err();
    let refused = refused.to_string();
    assert!(refused.contains("slave"), "{refused}");
    // And a master that is made one is given up.
    let scripts = scripts(&master.url());
    add_at_last(&scripts).await;
    master.run::<()>("REPLICAOF 127.0.0.1 1").await;
    assert!(add(&scripts).await.is_err());
    master.run::<()>("REPLICAOF NO ONE").await;
    add_at_last(&scripts).await;
}
