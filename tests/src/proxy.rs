//! A TCP proxy in front of a server that can be slow, silent or closed, as a network can.

use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// The state of the link: what happens to the bytes that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// They arrive.
    Open,
    /// They arrive this much later, in both directions.
    Slow(Duration),
    /// They are held back without a reset or an end of the connection. Once the link is open again, they arrive.
    Silent,
    /// Connections are closed, and no new one is made.
    Shut,
}

/// A port that forwards to another one until it is dropped.
pub struct Proxy {
    port: u16,
    state: watch::Sender<LinkState>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Opens a proxy to a port of this machine.
    ///
    /// # Panics
    /// If it can't listen.
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = watch::Sender::new(LinkState::Open);
        let states = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, server, states.subscribe()));
            }
        });
        Self { port, state, task }
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes the state of the link, also for existing connections.
    pub fn set_state(&self, state: LinkState) {
        self.state.send_replace(state);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.state.send_replace(LinkState::Shut);
    }
}

async fn carry(near: TcpStream, server: u16, mut state: watch::Receiver<LinkState>) {
    if *state.borrow() == LinkState::Shut {
        return;
    }
    // Nothing listens there: the caller's connection closes, as it would without a proxy.
    let Ok(far) = TcpStream::connect(("127.0.0.1", server)).await else {
        return;
    };
    let small_and_at_once = near.set_nodelay(true).and(far.set_nodelay(true));
    if small_and_at_once.is_err() {
        return;
    }
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let there = pump(near_in, far_out, state.clone());
    let back = pump(far_in, near_out, state.clone());
    tokio::select! {
        _ = async { tokio::join!(there, back) } => {}
        _ = state.wait_for(|state| *state == LinkState::Shut) => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<LinkState>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length) = from.read(&mut buffer).await {
        let Ok(now) = state
            .wait_for(|state| *state != LinkState::Silent)
            .await
            .map(|state| *state)
        else {
            return;
        };
        if let LinkState::Slow(delay) = now {
            tokio::time::sleep(delay).await;
        }
        // At the end `to` is dropped, which closes the connection to the other side.
        if length == 0 || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
