//! What a server takes at rest: the time to be ready, memory, the size of the binary, and what it loads.

use crate::{
    Outcome,
    http::Http,
    paths,
    results::Start,
    server::{Hashing, Place, Server},
    stats::Spread,
};
use std::process::Command;

/// Starts it over and over on data that is there.
///
/// # Errors
/// If it does not start.
pub fn measure(place: &Place, http: &Http, times: u32) -> Outcome<Start> {
    let (mut ready, mut resident) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let server = Server::start(place, Hashing::AsShipped, http)?;
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

/// The libraries that `ldd` names; the loader and the kernel's page are not files that could be missing.
fn libraries(said: &str) -> Vec<String> {
    let names = said.lines().filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| !name.starts_with('/') && !name.starts_with("linux-"))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_told_from_the_loader() {
        let said = "\tlinux-vdso.so.1 (0x1)\n\tlibc.so.6 => /lib/libc.so.6 (0x2)\n\t/lib64/ld-linux-x86-64.so.2 (0x3)\n";
        assert_eq!(libraries(said), ["libc.so.6"]);
    }
}
