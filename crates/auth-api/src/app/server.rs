//! The listening server: sockets, limits and the way down.
//!
//! The rule of the way down: first not ready, then no new connections, then the answers in flight, then the end. Signals are the
//! caller's to wait for.

use crate::{
    app::{application, routes},
    http::{config::ServerConfig, connections::Connections, cors, edge::Edge, metrics::Metrics},
    openapi::Document,
    pages::{Pages, Site},
};
use actix_web::{
    HttpServer,
    dev::{Server, ServerHandle},
    web::Data,
};
use auth_service::Service;
use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpSocket, task::JoinHandle};

/// How many connections the system keeps for us while we are busy.
const BACKLOG: u32 = 1_024;
/// How long a client has to take the rest of its answer when the connection closes.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Why the server can't start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address can't be listened on.
    #[error("can't listen on {address} ({key}): {source}; is another server running there?")]
    Bind {
        /// The key of the configuration.
        key: &'static str,
        /// What it says.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The counters can't be made.
    #[error("the metrics can't be made: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// The addresses of a server that does not listen yet: its port is known, and callers are refused, as before the start.
pub struct Sockets {
    key: &'static str,
    address: String,
    taken: Vec<(TcpSocket, SocketAddr)>,
}

impl Sockets {
    /// Takes the addresses that `server.bind` stands for; those that can be taken.
    ///
    /// # Errors
    /// [`ServeError::Bind`], if none can.
    pub fn take(config: &ServerConfig) -> Result<Self, ServeError> {
        let mut sockets = Self {
            key: "server.bind",
            address: config.bind.clone(),
            taken: Vec::new(),
        };
        let found = config
            .bind
            .to_socket_addrs()
            .map_err(|error| sockets.failed(error))?;
        let mut reason = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in found {
            match take(address) {
                Ok(taken) => sockets.taken.push(taken),
                Err(error) => reason = error,
            }
        }
        if sockets.taken.is_empty() {
            Err(sockets.failed(reason))
        } else {
            Ok(sockets)
        }
    }

    /// Where clients will reach it; the port that was picked, if it was to pick one.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.taken.first().map(|(_, address)| *address)
    }

    fn failed(&self, source: io::Error) -> ServeError {
        ServeError::Bind {
            key: self.key,
            address: self.address.clone(),
            source,
        }
    }
}

fn take(address: SocketAddr) -> io::Result<(TcpSocket, SocketAddr)> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A restart does not wait for the connections of the server before. A port to be picked must be free.
    socket.set_reuseaddr(cfg!(unix) && address.port() != 0)?;
    socket.bind(address)?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// A server that accepts requests.
pub struct RunningServer {
    edge: Data<Edge>,
    addresses: Vec<SocketAddr>,
    admin_address: Option<SocketAddr>,
    parts: Vec<Part>,
}

struct Part {
    handle: ServerHandle,
    task: JoinHandle<io::Result<()>>,
}

impl Part {
    fn start(server: Server) -> Self {
        Self {
            handle: server.handle(),
            task: tokio::spawn(server),
        }
    }
}

/// What every worker's application shares.
#[derive(Clone)]
struct State {
    service: Data<Service>,
    edge: Data<Edge>,
    document: Data<Document>,
    site: Option<Arc<Site>>,
}

/// Listens and serves until the returned server is drained.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(
    service: Service,
    config: ServerConfig,
    metrics: Metrics,
    site: Option<Arc<Site>>,
    sockets: Sockets,
) -> Result<RunningServer, ServeError> {
    let edge = Data::new(Edge::new(config, metrics));
    let state = State {
        document: Data::new(routes::document(&edge.config)),
        service: Data::new(service),
        edge: Data::clone(&edge),
        site,
    };
    let (public, addresses) = public_server(&state, sockets)?;
    let admin = edge
        .config
        .admin_bind
        .as_deref()
        .map(|address| admin_server(&state, address))
        .transpose()?;
    let (admin, admin_addresses) = admin.unzip();
    let parts = [Some(public), admin]
        .into_iter()
        .flatten()
        .map(Part::start)
        .collect();
    let admin_address = admin_addresses.and_then(|found: Vec<SocketAddr>| found.first().copied());
    Ok(RunningServer {
        edge,
        addresses,
        admin_address,
        parts,
    })
}

fn public_server(state: &State, sockets: Sockets) -> Result<(Server, Vec<SocketAddr>), ServeError> {
    let config = state.edge.config.clone();
    let workers = match config.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        some => some,
    };
    let connections = Connections::new(config.max_connections_per_client, &config.trusted_proxies);
    let shared = state.clone();
    let mut server = HttpServer::new(move || {
        let config = &shared.edge.config;
        let (table, pages) = (routes::of_clients(config), shared.site.clone().map(Pages::new));
        application(Data::clone(&shared.edge), table, pages, cors::of(config))
            .app_data(Data::clone(&shared.service))
            .app_data(Data::clone(&shared.document))
    })
    .workers(workers)
    .max_connections(config.max_connections.div_ceil(workers))
    .keep_alive(config.keep_alive)
    .client_request_timeout(config.header_timeout)
    .client_disconnect_timeout(DISCONNECT_TIMEOUT)
    .shutdown_timeout(config.shutdown_timeout.as_secs())
    .disable_signals()
    .on_connect(move |connection, kept| connections.admit(connection, kept));
    let Sockets { key, address, taken } = sockets;
    for (socket, _) in taken {
        let listening = socket
            .listen(BACKLOG)
            .and_then(|listener| server.listen(listener.into_std()?));
        server = listening.map_err(|source| ServeError::Bind {
            key,
            address: address.clone(),
            source,
        })?;
    }
    let addresses = server.addrs();
    Ok((server.run(), addresses))
}

fn admin_server(state: &State, address: &str) -> Result<(Server, Vec<SocketAddr>), ServeError> {
    let shared = state.clone();
    let server = HttpServer::new(move || {
        application(
            Data::clone(&shared.edge),
            routes::of_operators(),
            None,
            cors::none(),
        )
        .app_data(Data::clone(&shared.service))
    })
    .workers(1)
    .client_request_timeout(state.edge.config.header_timeout)
    .client_disconnect_timeout(DISCONNECT_TIMEOUT)
    .shutdown_timeout(1)
    .disable_signals()
    .bind(address)
    .map_err(|source| ServeError::Bind {
        key: "server.admin_bind",
        address: address.to_owned(),
        source,
    })?;
    let addresses = server.addrs();
    Ok((server.run(), addresses))
}

impl RunningServer {
    /// Where clients reach it; the port that was picked, if it was to pick one.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.addresses.first().copied()
    }

    /// Every address that clients reach it on: a name may stand for several.
    #[must_use]
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where operators reach it.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Stops: readiness turns false, `drain_delay` passes, no more connections are accepted, requests in flight finish within
    /// `shutdown_timeout`. Dropping the future half-way leaves the server stopping.
    pub async fn drain(self) {
        self.edge.start_draining();
        tokio::time::sleep(self.edge.config.drain_delay).await;
        for Part { handle, task } in self.parts {
            handle.stop(true).await;
            // The server's task ends once its workers have; a panic in it has been reported by then.
            let _ = task.await;
        }
    }

    /// Stops at once: requests in flight are cut off.
    pub async fn stop(self) {
        self.edge.start_draining();
        for Part { handle, task } in self.parts {
            handle.stop(false).await;
            let _ = task.await;
        }
    }
}
