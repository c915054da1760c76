//! Finds the port that a process listens on, from the kernel's tables.
//!
//! The rule: the harness measures the server that it started. Another server could have taken a port that was free a moment ago, and would
//! answer as well. So a child picks its port itself (port 0), or the harness checks that the child listens on the given port.

use crate::BenchResult;
use std::{
    collections::HashSet,
    hash::{BuildHasher, Hasher, RandomState},
    net::TcpListener,
    path::Path,
};

/// A free port, for a server that can't pick one itself. It is below the ports of outgoing connections, so that none of these can take it.
/// (The tests have a `free_port` with the same rule. It is not shared, because their crate depends on the whole product.)
#[must_use]
pub fn free_port() -> u16 {
    loop {
        let any = RandomState::new().build_hasher().finish() % 22_000;
        let port = 10_000 + u16::try_from(any).unwrap_or_default();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The port on 127.0.0.1 that a process listens on; `None`: it does not listen yet.
///
/// # Errors
/// If `/proc` can't be read.
pub fn port_of(process: u32) -> BenchResult<Option<u16>> {
    let sockets = sockets_of(process);
    if sockets.is_empty() {
        return Ok(None);
    }
    let table = std::fs::read_to_string("/proc/net/tcp")?;
    Ok(table
        .lines()
        .filter_map(listening)
        .find_map(|(port, socket)| sockets.contains(socket).then_some(port)))
}

/// The inodes of a process's open sockets; none if the process has ended.
fn sockets_of(process: u32) -> HashSet<String> {
    let folder = Path::new("/proc").join(process.to_string()).join("fd");
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .filter_map(|file| {
            let target = std::fs::read_link(file.path()).ok()?;
            let number = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(number.to_owned())
        })
        .collect()
}

/// The port and the socket's inode in a line about a listener on 127.0.0.1 or on all addresses.
fn listening(line: &str) -> Option<(u16, &str)> {
    let mut columns = line.split_whitespace();
    let (address, port) = columns.nth(1)?.split_once(':')?;
    let state = columns.nth(1)?;
    let socket = columns.nth(5)?;
    let ours = matches!(address, "0100007F" | "00000000") && state == "0A";
    ours.then_some((u16::from_str_radix(port, 16).ok()?, socket))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_listener_is_distinguished_from_a_connection() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 43211 1 0 100 0";
        assert_eq!(listening(line), Some((8080, "43211")));
        assert_eq!(listening(&line.replace(" 0A ", " 01 ")), None);
        assert_eq!(
            listening(
                "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
            ),
            None
        );
    }

    #[test]
    fn a_process_that_listens_is_distinguished_from_a_child_that_does_not() {
        let ours = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let (parents, childs) = (port_of(std::process::id()), port_of(child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(parents.unwrap().is_some(), "{ours:?} is there");
        assert_eq!(childs.unwrap(), None);
    }

    #[test]
    fn a_free_port_is_below_those_of_outgoing_connections() {
        assert!((10_000..32_000).contains(&free_port()));
    }
}
