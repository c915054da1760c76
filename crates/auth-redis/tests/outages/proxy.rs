//! A proxy in front of Redis that can drop all traffic silently, as a broken network does: no reset and no end of the stream.

use std::sync::Arc;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Notify,
};

pub(crate) struct Proxy {
    port: u16,
    cut: Arc<Notify>,
}

impl Proxy {
    pub(crate) async fn in_front_of(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(Notify::new());
        let cuts = Arc::clone(&cut);
        tokio::spawn(async move {
            let mut kept = Vec::new();
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let mut far = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                let cut = Arc::clone(&cuts);
                kept.push(tokio::spawn(async move {
                    tokio::select! {
                        // It does not matter here how either side ends.
                        _ended = copy_bidirectional(&mut near, &mut far) => {}
                        () = cut.notified() => std::future::pending().await,
                    }
                }));
            }
        });
        Self { port, cut }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// From now on the open connections drop all traffic; new ones work.
    pub(crate) fn drop_traffic(&self) {
        self.cut.notify_waiters();
    }
}
