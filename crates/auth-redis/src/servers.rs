//! Finding and reaching the one server that holds the keys.

use crate::{
    connection::{Connection, role},
    error::{RedisError, meaning},
    urls::{MasterName, RedisUrls},
};
use ::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError as LibraryError,
    ServerErrorKind, aio::MultiplexedConnection, cmd,
};
use std::time::Duration;

/// How often a cluster may send us on before we take it for one that is being rearranged.
const REDIRECTS: usize = 3;
/// How long one server may take to be reached and to greet; several may be tried in turn.
const GREETING: Duration = Duration::from_millis(400);
/// How many commands wait in line for the connection. The default of 50 makes a few hundred checks at once wait for room.
const LINE: usize = 1024;

/// The servers of the configuration, and the key by which the right one among them is found.
#[derive(Debug, Clone)]
pub struct Servers {
    urls: RedisUrls,
    probe_key: String,
}

impl Servers {
    /// Of the servers behind the URLs, the one that holds this key and all others of its slot. Nothing is connected yet.
    #[must_use]
    pub fn new(urls: &RedisUrls, probe_key: String) -> Self {
        Self {
            urls: urls.clone(),
            probe_key,
        }
    }

    /// A new connection to the server that holds the key at the moment. It took its first answer when this returns.
    ///
    /// # Errors
    /// [`RedisError`], also where the server found is a replica. The last server that was tried is the one that it is about.
    pub async fn connect(&self) -> Result<Connection, RedisError> {
        let mut last = RedisError::Lost("no server is named".to_owned());
        for server in &self.urls.servers {
            let found = match &self.urls.master {
                Some(master) => self.by_sentinel(server, master).await,
                None => self.follow(server.clone()).await,
            };
            match found {
                Ok(found) => return Ok(found),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn by_sentinel(
        &self,
        sentinel: &ConnectionInfo,
        master: &MasterName,
    ) -> Result<Connection, RedisError> {
        let mut asked = open(sentinel.clone().set_redis_settings(master.login.clone()))
            .await
            .map_err(meaning)?;
        let command = cmd("SENTINEL")
            .arg("GET-MASTER-ADDR-BY-NAME")
            .arg(&master.name)
            .take();
        let answer: Option<(String, u16)> = command.query_async(&mut asked).await.map_err(meaning)?;
        let Some((host, port)) = answer else {
            return Err(RedisError::Refused(format!(
                "the sentinel knows no master {:?}",
                master.name
            )));
        };
        self.follow(elsewhere(sentinel, host, port)).await
    }

    /// Connects, and goes where the cluster says the keys are.
    async fn follow(&self, first: ConnectionInfo) -> Result<Connection, RedisError> {
        let mut server = first;
        for _ in 0..=REDIRECTS {
            let mut connection = open(server.clone()).await.map_err(meaning)?;
            if self.urls.master.is_none() && self.urls.servers.len() > 1 {
                in_cluster(&mut connection).await?;
            }
            let found: Result<Option<Vec<u8>>, _> =
                cmd("GET").arg(&self.probe_key).query_async(&mut connection).await;
            match found {
                Ok(_) => return greet(connection).await,
                Err(error) => server = moved(&server, &error).ok_or_else(|| meaning(error))?,
            }
        }
        Err(RedisError::Refused(
            "the cluster sends us from server to server".to_owned(),
        ))
    }
}

/// A replica is no server of ours: it tells what was, and takes nothing in.
async fn greet(mut connection: MultiplexedConnection) -> Result<Connection, RedisError> {
    let tells_role = match role(&mut connection).await {
        Ok(role) if role == "master" => true,
        Ok(role) => {
            return Err(RedisError::Refused(format!(
                "the server is a {role}, not the master"
            )));
        }
        // Forbidden or unknown on some hosted servers, which hand out the master's address alone.
        Err(error) if !error.is_unrecoverable_error() && !error.is_io_error() => false,
        Err(error) => return Err(meaning(error)),
    };
    Ok(Connection::new(connection, tells_role))
}

/// A connection that never retries and never reconnects. How long an answer may take is for the asker to say.
async fn open(server: ConnectionInfo) -> Result<MultiplexedConnection, LibraryError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(GREETING))
        .set_response_timeout(None)
        .set_pipeline_buffer_size(LINE);
    Client::open(server)?
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

/// Several servers that know nothing of each other would each hold a part of what was revoked.
async fn in_cluster(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    let info: String = cmd("INFO")
        .arg("cluster")
        .query_async(connection)
        .await
        .map_err(meaning)?;
    if info.lines().any(|line| line.trim() == "cluster_enabled:1") {
        return Ok(());
    }
    Err(RedisError::Refused(
        "several URLs name a cluster, but the server is not in cluster mode".to_owned(),
    ))
}

fn moved(from: &ConnectionInfo, error: &LibraryError) -> Option<ConnectionInfo> {
    if error.kind() != ErrorKind::Server(ServerErrorKind::Moved) {
        return None;
    }
    let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
    // A server that doesn't know its own name leaves it out: it means the host that was asked.
    let host = match (host, from.addr()) {
        ("" | "?", ConnectionAddr::Tcp(same, _) | ConnectionAddr::TcpTls { host: same, .. }) => same.clone(),
        (named, _) => named.to_owned(),
    };
    Some(elsewhere(from, host, port.parse().ok()?))
}

/// Another server, reached and signed in to in the same way.
fn elsewhere(like: &ConnectionInfo, host: String, port: u16) -> ConnectionInfo {
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
