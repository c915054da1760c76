//! A server that is not the master of the keys is refused, with the reason.

use crate::server::Server;
use auth_redis::{RedisUrls, Servers};

async fn refusal(urls: &str) -> String {
    let servers = Servers::new(&RedisUrls::parse(urls).unwrap(), "any:{one}:probe".to_owned());
    servers
        .connect()
        .await
        .map(|_| "connected")
        .unwrap_err()
        .to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn independent_servers_are_not_accepted_as_a_cluster() {
    let (one, other) = (Server::start().await, Server::start().await);
    assert!(
        refusal(&format!("{},{}", one.url(), other.url()))
            .await
            .contains("not in cluster mode")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_refused_and_so_is_a_sentinel_whose_url_lacks_the_parameter() {
    let master = Server::start().await;
    let replica = Server::start_with(&["--replicaof", "127.0.0.1", &master.port().to_string()]).await;
    assert!(refusal(&replica.url()).await.contains("slave"));
    let sentinel = Server::sentinel_of(&master).await;
    assert!(refusal(&sentinel.url()).await.contains("refused"));
    assert!(
        refusal(&format!("{}?sentinel=other", sentinel.url()))
            .await
            .contains("knows no master")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_keys_are_read_in_order_and_an_existing_key_keeps_its_value() {
    let server = Server::start().await;
    let servers = Servers::new(&RedisUrls::parse(&server.url()).unwrap(), "a".to_owned());
    let connection = servers.connect().await.unwrap();
    connection.set_if_absent("b", b"first").await.unwrap();
    connection.set_if_absent("b", b"second").await.unwrap();
    let keys = ["a", "b"].map(str::to_owned);
    let values = connection.get_all(&keys).await.unwrap();
    assert_eq!(values, [None, Some(b"first".to_vec())]);
    assert_eq!(connection.get("b").await, Ok(Some(b"first".to_vec())));
    assert_eq!(connection.check_master().await, Ok(()));
    assert_eq!(connection.memory_policy().await.as_deref(), Some("noeviction"));
}
