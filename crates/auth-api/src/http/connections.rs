//! The limit on the connections of one client. Without it, one client with many idle connections keeps all others out.
//!
//! actix can't refuse a connection by its peer, so a connection over the limit is shut down as soon as actix hands it over.

use crate::http::client_address::is_trusted;
use actix_web::{dev::Extensions, rt::net::TcpStream};
use ipnet::IpNet;
use std::{
    any::Any,
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, Shutdown},
    os::fd::AsFd,
    sync::{Arc, Mutex, PoisonError},
};

type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// The client of an address. An IPv6 client has a whole /64, which counts as one.
fn client_of(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// Counts the open connections of each address.
#[derive(Clone)]
pub struct Connections {
    counts: Counts,
    most: usize,
    trusted: Arc<[IpNet]>,
}

/// One open connection. It is dropped when the connection closes.
struct Open {
    counts: Counts,
    peer: IpAddr,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = counts.get_mut(&self.peer) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                counts.remove(&self.peer);
            }
        }
    }
}

impl Connections {
    /// At most this many for each client; 0 is no limit. Trusted proxies carry many clients and are not counted.
    #[must_use]
    pub fn new(most: usize, trusted: &[IpNet]) -> Self {
        Self {
            counts: Counts::default(),
            most,
            trusted: trusted.into(),
        }
    }

    /// Counts a new connection, or shuts it down.
    pub fn admit(&self, connection: &dyn Any, kept: &mut Extensions) {
        let Some(stream) = connection.downcast_ref::<TcpStream>() else {
            return;
        };
        let Ok(peer) = stream.peer_addr() else { return };
        match self.open(peer.ip().to_canonical()) {
            Some(Some(open)) => {
                kept.insert(open);
            }
            Some(None) => {}
            // A copy of the descriptor ends the connection for both.
            None => {
                if let Ok(copy) = stream.as_fd().try_clone_to_owned() {
                    let _ = std::net::TcpStream::from(copy).shutdown(Shutdown::Both);
                }
            }
        }
    }

    /// `None`: over the limit. `Some(None)`: not counted.
    fn open(&self, peer: IpAddr) -> Option<Option<Open>> {
        if self.most == 0 || is_trusted(peer, &self.trusted) {
            return Some(None);
        }
        let peer = client_of(peer);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let open = counts.entry(peer).or_default();
        if *open >= self.most {
            return None;
        }
        *open += 1;
        Some(Some(Open {
            counts: Arc::clone(&self.counts),
            peer,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_is_refused_until_another_closes() {
        let connections = Connections::new(2, &["10.0.0.0/8".parse().unwrap()]);
        let peer: IpAddr = "192.0.2.1".parse().unwrap();
        let first = connections.open(peer).unwrap().unwrap();
        let _second = connections.open(peer).unwrap().unwrap();
        assert!(connections.open(peer).is_none());
        assert!(connections.open("192.0.2.2".parse().unwrap()).unwrap().is_some());
        drop(first);
        assert!(connections.open(peer).unwrap().is_some());
    }

    #[test]
    fn an_ipv6_client_is_its_whole_network() {
        let connections = Connections::new(1, &[]);
        let _open = connections.open("2001:db8::1".parse().unwrap()).unwrap();
        assert!(connections.open("2001:db8::ffff:2".parse().unwrap()).is_none());
        assert!(connections.open("2001:db8:0:1::1".parse().unwrap()).is_some());
    }

    #[test]
    fn an_address_without_connections_costs_no_memory() {
        let connections = Connections::new(2, &[]);
        drop(connections.open("192.0.2.1".parse().unwrap()));
        assert!(connections.counts.lock().unwrap().is_empty());
    }

    #[test]
    fn proxies_are_not_counted() {
        let connections = Connections::new(1, &["10.0.0.0/8".parse().unwrap()]);
        for _ in 0..10 {
            assert!(connections.open("10.1.2.3".parse().unwrap()).unwrap().is_none());
        }
        assert!(
            Connections::new(0, &[])
                .open("192.0.2.1".parse().unwrap())
                .unwrap()
                .is_none()
        );
    }
}
