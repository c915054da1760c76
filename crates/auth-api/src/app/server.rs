//! The listening server: sockets, limits and shutdown.
//!
//! The rule of the shutdown: first readiness turns false, then no new connections are accepted, then requests in flight finish,
//! then the server stops. The caller waits for signals.

use crate::{
    app::{
        application,
        routes::{self, Listener},
    },
    http::{config::ServerConfig, connections::Connections, cors, metrics::Metrics, state::HttpState},
    openapi::Document,
    pages::{Pages, PagesState},
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

/// How many connections the kernel queues while the server is busy.
const BACKLOG: u32 = 1_024;
/// How long a client may take to read the rest of its answer when the connection closes.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Why the server can't start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The server can't listen on the address.
    #[error("can't listen on {address} ({key}): {source}; is another server running there?")]
    Bind {
        /// The key in the configuration.
        key: &'static str,
        /// The address.
        address: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The metrics can't be created.
    #[error("can't create the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// The bound addresses of a server that does not listen yet. The port is known, and connections are refused as before the start.
pub struct Sockets {
    key: &'static str,
    address: String,
    taken: Vec<(TcpSocket, SocketAddr)>,
}

impl Sockets {
    /// Binds the addresses that `server.bind` resolves to, as many as can be bound.
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

    /// The address that clients will connect to; with the port that the system chose, if `server.bind` has port 0.
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
    // A restart does not wait until the connections of the previous process are gone. A port that the system chooses must be free.
    socket.set_reuseaddr(cfg!(unix) && address.port() != 0)?;
    socket.bind(address)?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// A server that accepts requests.
pub struct RunningServer {
    http_state: Data<HttpState>,
    listeners: Vec<ListenerServer>,
}

/// The server of a listener.
struct ListenerServer {
    listener: Listener,
    addresses: Vec<SocketAddr>,
    handle: ServerHandle,
    task: JoinHandle<io::Result<()>>,
}

impl ListenerServer {
    fn start(listener: Listener, server: Server, addresses: Vec<SocketAddr>) -> Self {
        Self {
            listener,
            addresses,
            handle: server.handle(),
            task: tokio::spawn(server),
        }
    }
}

/// What the applications of all workers share.
#[derive(Clone)]
struct WorkerState {
    service: Data<Service>,
    http_state: Data<HttpState>,
    document: Data<Document>,
    pages_state: Option<Arc<PagesState>>,
}

/// Listens and serves until the returned server is drained.
pub async fn serve(
    service: Service,
    config: ServerConfig,
    metrics: Metrics,
    pages_state: Option<Arc<PagesState>>,
    sockets: Sockets,
) -> Result<RunningServer, ServeError> {
    let http_state = Data::new(HttpState::new(config, metrics));
    let state = WorkerState {
        document: Data::new(routes::document(&http_state.config)),
        service: Data::new(service),
        http_state: Data::clone(&http_state),
        pages_state,
    };
    let (mut sockets, mut bound) = (Some(sockets), Vec::new());
    for listener in Listener::ALL {
        let server = match listener {
            Listener::Clients => sockets.take().map(|sockets| client_server(&state, sockets)),
            Listener::Operators => {
                let address = http_state.config.admin_bind.as_deref();
                address.map(|address| operator_server(&state, address))
            }
        };
        bound.extend(server.transpose()?.map(|server| (listener, server)));
    }
    let start = |(listener, (server, addresses))| ListenerServer::start(listener, server, addresses);
    let listeners = bound.into_iter().map(start).collect();
    Ok(RunningServer {
        http_state,
        listeners,
    })
}

fn client_server(state: &WorkerState, sockets: Sockets) -> Result<(Server, Vec<SocketAddr>), ServeError> {
    let config = state.http_state.config.clone();
    let workers = match config.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        some => some,
    };
    let connections = Connections::new(config.max_connections_per_client, &config.trusted_proxies);
    let shared = state.clone();
    let mut server = HttpServer::new(move || {
        let config = &shared.http_state.config;
        let (served, pages) = (
            Listener::Clients.served(config),
            shared.pages_state.clone().map(Pages::new),
        );
        application(Data::clone(&shared.http_state), served, pages, cors::of(config))
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

fn operator_server(state: &WorkerState, address: &str) -> Result<(Server, Vec<SocketAddr>), ServeError> {
    let shared = state.clone();
    let server = HttpServer::new(move || {
        let served = Listener::Operators.served(&shared.http_state.config);
        application(Data::clone(&shared.http_state), served, None, cors::none())
            .app_data(Data::clone(&shared.service))
    })
    .workers(1)
    .client_request_timeout(state.http_state.config.header_timeout)
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
    /// The address that clients connect to; with the port that the system chose, if `server.bind` has port 0.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.addrs().first().copied()
    }

    /// Every address that clients can connect to: a host name may resolve to several.
    #[must_use]
    pub fn addrs(&self) -> &[SocketAddr] {
        self.addresses_of(Listener::Clients)
    }

    /// The address that operators connect to.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.addresses_of(Listener::Operators).first().copied()
    }

    fn addresses_of(&self, listener: Listener) -> &[SocketAddr] {
        let part = self.listeners.iter().find(|part| part.listener == listener);
        part.map_or(&[], |part| part.addresses.as_slice())
    }

    /// Shuts down: readiness turns false, `drain_delay` passes, no new connections are accepted, and requests in flight finish
    /// within `shutdown_timeout`. If the future is dropped half-way, the server still stops.
    pub async fn drain(self) {
        self.http_state.start_draining();
        tokio::time::sleep(self.http_state.config.drain_delay).await;
        for ListenerServer { handle, task, .. } in self.listeners {
            handle.stop(true).await;
            // The server's task ends once its workers have ended. A panic in it has been reported by then.
            let _ = task.await;
        }
    }

    /// Stops at once and aborts requests in flight.
    pub async fn stop(self) {
        self.http_state.start_draining();
        for ListenerServer { handle, task, .. } in self.listeners {
            handle.stop(false).await;
            let _ = task.await;
        }
    }
}
