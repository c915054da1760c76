//! A server at rest: its start-up time, its memory, the size of the binary, and the libraries that it loads.

use crate::{
    BenchResult,
    http::Http,
    paths,
    results::Start,
    server::{Deployment, Hashing, Server},
    stats::Spread,
};
use std::process::Command;

/// Starts a server `times` times on existing data.
///
/// # Errors
/// If the server does not start.
pub fn measure(deployment: &Deployment, http: &Http, times: u32) -> BenchResult<Start> {
    let (mut ready, mut resident) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let server = Server::start(deployment, Hashing::AsShipped, http)?;
        ready.push(server.ready_after.as_secs_f64() * 1e3);
        http.get(&server.at_root("/.well-known/jwks.json"))?;
        resident.push(server.resident()? as f64 * 1024.0 / 1e6);
        server.stop()?;
    }
    let binary = paths::built("keyward")?;
    Ok(Start {
        ready_ms: Spread::of(&ready).ok_or("no start")?,
        resident_mb: Spread::of(&resident).ok_or("no start")?,
        binary_mb: std::fs::metadata(&binary)?.len() as f64 / 1e6,
        libraries: libraries(&String::from_utf8_lossy(
            &Command::new("ldd").arg(&binary).output()?.stdout,
        )),
    })
}

/// The libraries in the output of `ldd`, without the loader and the kernel's vDSO.
fn libraries(output: &str) -> Vec<String> {
    let names = output.lines().filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| !name.starts_with('/') && !name.starts_with("linux-"))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_distinguished_from_the_loader() {
        let text = "\tlinux-vdso.so.1 (0x1)\n\tlibc.so.6 => /lib/libc.so.6 (0x2)\n\t/lib64/ld-linux-x86-64.so.2 (0x3)\n";
        assert_eq!(libraries(text), ["libc.so.6"]);
    }
}
