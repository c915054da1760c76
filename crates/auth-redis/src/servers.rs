//! Finds the one server that holds the keys, and connects to it.

use crate::{
    connection::{Connection, role},
    error::{RedisError, classify},
    urls::{RedisUrls, SentinelMaster},
};
use ::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError as LibraryError,
    ServerErrorKind, aio::MultiplexedConnection, cmd,
};
use std::time::Duration;

/// How many redirects of a cluster are followed. More of them mean that the cluster is being resharded.
const MAX_REDIRECTS: usize = 3;
/// How long connecting to one server may take, the handshake included; several servers may be tried in turn.
const SERVER_TIMEOUT: Duration = Duration::from_millis(400);
/// How many commands may be queued for a connection. With the library's default of 50, a few hundred checks at once would wait.
const PIPELINE_BUFFER: usize = 1024;

/// The configured servers, and the key by which the right one is found.
#[derive(Debug, Clone)]
pub struct Servers {
    urls: RedisUrls,
    probe_key: String,
}

impl Servers {
    /// The servers behind the URLs. The right one is the one that holds `probe_key` and so all keys of its slot. Nothing is connected
    /// yet.
    #[must_use]
    pub fn new(urls: &RedisUrls, probe_key: String) -> Self {
        Self {
            urls: urls.clone(),
            probe_key,
        }
    }

    /// A new connection to the server that currently holds the key. It has answered at least once when this returns.
    ///
    /// # Errors
    /// The [`RedisError`] of the last server that was tried. A replica is refused, too.
    pub async fn connect(&self) -> Result<Connection, RedisError> {
        let mut last = RedisError::Lost("no server is configured".to_owned());
        for server in &self.urls.servers {
            let found = match &self.urls.master {
                Some(master) => self.connect_by_sentinel(server, master).await,
                None => self.connect_following_redirects(server.clone()).await,
            };
            match found {
                Ok(found) => return Ok(found),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn connect_by_sentinel(
        &self,
        sentinel: &ConnectionInfo,
        master: &SentinelMaster,
    ) -> Result<Connection, RedisError> {
        let mut connection = open(sentinel.clone().set_redis_settings(master.login.clone()))
            .await
            .map_err(classify)?;
        let command = cmd("SENTINEL")
            .arg("GET-MASTER-ADDR-BY-NAME")
            .arg(&master.name)
            .take();
        let answer: Option<(String, u16)> = command.query_async(&mut connection).await.map_err(classify)?;
        let Some((host, port)) = answer else {
            return Err(RedisError::Refused(format!(
                "the sentinel knows no master {:?}",
                master.name
            )));
        };
        self.connect_following_redirects(with_address(sentinel, host, port))
            .await
    }

    /// Connects, and follows the redirects of a cluster to the server that holds the keys.
    async fn connect_following_redirects(&self, first: ConnectionInfo) -> Result<Connection, RedisError> {
        let mut server = first;
        for _ in 0..=MAX_REDIRECTS {
            let mut connection = open(server.clone()).await.map_err(classify)?;
            if self.urls.master.is_none() && self.urls.servers.len() > 1 {
                check_cluster_mode(&mut connection).await?;
            }
            let found: Result<Option<Vec<u8>>, _> =
                cmd("GET").arg(&self.probe_key).query_async(&mut connection).await;
            match found {
                Ok(_) => return check_role(connection).await,
                Err(error) => server = redirect_target(&server, &error).ok_or_else(|| classify(error))?,
            }
        }
        Err(RedisError::Refused(
            "the cluster redirects from server to server".to_owned(),
        ))
    }
}

/// Refuses a replica: its data may be outdated, and it accepts no writes.
async fn check_role(mut connection: MultiplexedConnection) -> Result<Connection, RedisError> {
    let reports_role = match role(&mut connection).await {
        Ok(role) if role == "master" => true,
        Ok(role) => {
            return Err(RedisError::Refused(format!(
                "the server is a {role}, not the master"
            )));
        }
        // Some hosted servers forbid the command or don't know it. They publish the master's address only.
        Err(error) if !error.is_unrecoverable_error() && !error.is_io_error() => false,
        Err(error) => return Err(classify(error)),
    };
    Ok(Connection::new(connection, reports_role))
}

/// A connection that never retries and never reconnects. It has no timeout of its own for answers: the caller sets one.
async fn open(server: ConnectionInfo) -> Result<MultiplexedConnection, LibraryError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(SERVER_TIMEOUT))
        .set_response_timeout(None)
        .set_pipeline_buffer_size(PIPELINE_BUFFER);
    Client::open(server)?
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

/// Refuses a server that is not in cluster mode. Several independent servers would each hold only a part of the data.
async fn check_cluster_mode(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    let info: String = cmd("INFO")
        .arg("cluster")
        .query_async(connection)
        .await
        .map_err(classify)?;
    if info.lines().any(|line| line.trim() == "cluster_enabled:1") {
        return Ok(());
    }
    Err(RedisError::Refused(
        "several URLs mean a cluster, but the server is not in cluster mode".to_owned(),
    ))
}

/// The server that a `MOVED` error names; `None` for any other error.
fn redirect_target(from: &ConnectionInfo, error: &LibraryError) -> Option<ConnectionInfo> {
    if error.kind() != ErrorKind::Server(ServerErrorKind::Moved) {
        return None;
    }
    let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
    // A server that does not know its own address leaves the host out. It means the host that was asked.
    let host = match (host, from.addr()) {
        ("" | "?", ConnectionAddr::Tcp(same, _) | ConnectionAddr::TcpTls { host: same, .. }) => same.clone(),
        (named, _) => named.to_owned(),
    };
    Some(with_address(from, host, port.parse().ok()?))
}

/// The same connection settings with another host and port.
fn with_address(like: &ConnectionInfo, host: String, port: u16) -> ConnectionInfo {
    let address = match like.addr() {
        ConnectionAddr::TcpTls {
            insecure, tls_params, ..
        } => ConnectionAddr::TcpTls {
            host,
            port,
            insecure: *insecure,
            tls_params: tls_params.clone(),
        },
        _ => ConnectionAddr::Tcp(host, port),
    };
    like.clone().set_addr(address)
}
