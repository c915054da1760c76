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

/// What happens to the bytes that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// They arrive.
    Open,
    /// They arrive this much later, in both directions.
    Slow(Duration),
    /// They are held back without a reset or an end of the connection. Once the way is open again, they arrive.
    Silent,
    /// Connections are closed, and no new one is made.
    Shut,
}

/// A port that leads to another one. Dropped, it is gone.
pub struct Proxy {
    port: u16,
    way: watch::Sender<Way>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// An open way to a port of this machine.
    ///
    /// # Panics
    /// If it can't listen.
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let way = watch::Sender::new(Way::Open);
        let ways = way.clone();
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, server, ways.subscribe()));
            }
        });
        Self { port, way, task }
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes the way from now on, also for existing connections.
    pub fn becomes(&self, way: Way) {
        self.way.send_replace(way);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.way.send_replace(Way::Shut);
    }
}

async fn carry(near: TcpStream, server: u16, mut way: watch::Receiver<Way>) {
    if *way.borrow() == Way::Shut {
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
    let there = pump(near_in, far_out, way.clone());
    let back = pump(far_in, near_out, way.clone());
    tokio::select! {
        _ = async { tokio::join!(there, back) } => {}
        _ = way.wait_for(|way| *way == Way::Shut) => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut way: watch::Receiver<Way>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length) = from.read(&mut buffer).await {
        let Ok(now) = way.wait_for(|way| *way != Way::Silent).await.map(|way| *way) else {
            return;
        };
        if let Way::Slow(delay) = now {
            tokio::time::sleep(delay).await;
        }
        // At the end `to` is dropped, which closes the connection to the other side.
        if length == 0 || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
