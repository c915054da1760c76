//! The checks, one for each part of an installation.

use super::finding::Findings;
use crate::{commands::operator::seconds, config::Config, master_key, schema::backend_name};
use auth_blacklist::{redis::RedisConnector, redis_interface::Connector};
use auth_domain::time::{Span, Timestamp};
use auth_mail::Transport;
use auth_service::{Clock, KeyAdmin, SystemClock, SystemEntropy, time_argon2};
use auth_storage::Storage;
use secrecy::ExposeSecret;
use std::{net::ToSocketAddrs, path::PathBuf, sync::Arc, time::Duration};
use tokio::time::timeout;

/// How far the clock may be off before a node stops being ready (docs/rules.md §1).
const CLOCK_TOLERANCE: Span = Span::seconds(2);
/// How long the doctor waits for an answer of Redis.
const REDIS_TIMEOUT: Duration = Duration::from_secs(2);

/// The file of the embedded database.
pub(super) fn database_file(config: &Config) -> Option<PathBuf> {
    let path = config.database.url.expose_secret().strip_prefix("sqlite:")?;
    Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
}

/// Checks that only their owner can read the files that hold secrets.
pub(super) fn files(config: &Config, findings: &mut Findings) {
    match master_key::find(config) {
        Ok(_) => findings.ok("master key", master_key::source_of(config)),
        Err(master_key::NoMasterKey::NoFile(_)) if config.data.master_key_file.is_none() => {
            findings.warn(
                "master key",
                "there is none yet",
                "the first `keyward serve` creates it",
            );
        }
        // The check of the configuration says why the key can't be used.
        Err(_) => {}
    }
    if config.is_embedded() {
        for file in [Some(config.data.dir.clone()), database_file(config)]
            .into_iter()
            .flatten()
        {
            private(&file, findings);
        }
    }
}

#[cfg(unix)]
fn private(file: &std::path::Path, findings: &mut Findings) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(found) = std::fs::metadata(file) else {
        return;
    };
    let mode = found.permissions().mode() & 0o7777;
    // A folder that only its owner can enter protects the files in it.
    let covered = file.parent().and_then(|folder| std::fs::metadata(folder).ok());
    let covered = covered.is_some_and(|folder| folder.permissions().mode() & 0o077 == 0);
    if mode & 0o077 == 0 || covered {
        findings.ok("files", format!("only its owner can read {}", file.display()));
    } else {
        let wanted = if found.is_dir() { "700" } else { "600" };
        let what = format!("other users can read {} (mode {mode:04o})", file.display());
        findings.warn("files", what, format!("chmod {wanted} {}", file.display()));
    }
}

#[cfg(not(unix))]
fn private(_: &std::path::Path, _: &mut Findings) {}

/// Checks that the database is reachable, has the right schema, clock and master key, and has an administrator.
pub(super) async fn database(config: &Config, storage: &Storage, findings: &mut Findings) {
    let clock = SystemClock::default();
    match storage.ping().await {
        Ok(database_now) => {
            findings.ok(
                "database",
                format!(
                    "{} answers ({})",
                    backend_name(storage.backend()),
                    config.shown_database()
                ),
            );
            clock_offset(database_now, clock.now(), findings);
        }
        Err(error) => {
            return findings.fail("database", error.to_string(), "look into the log of the database");
        }
    }
    match storage.schema().await {
        Ok(schema) if schema.refused_for().is_some() => {
            return findings.fail(
                "migrations",
                "the schema is newer than this version can serve",
                "run the newer version",
            );
        }
        Ok(schema) if schema.missing().next().is_some() => {
            let fix = "`keyward migrate up`; an embedded database is migrated by the next `keyward serve`";
            return findings.fail("migrations", "the schema is older than this version", fix);
        }
        Ok(schema) => {
            let applied = schema.migrations.iter().filter(|one| one.applied).count();
            findings.ok("migrations", format!("all {applied} are applied"));
        }
        Err(error) => return findings.fail("migrations", error.to_string(), ""),
    }
    known_master_key(config, storage, findings).await;
    unread_signing_keys(storage, findings).await;
    match storage
        .administrator_exists(config.service.roles.administrators())
        .await
    {
        Ok(true) => findings.ok("administrator", "there is one"),
        Ok(false) => {
            let fix = format!(
                "`keyward user create EMAIL --role admin`, or `keyward setup-token` and POST {}/setup",
                config.server.base_path
            );
            findings.warn("administrator", "there is none", fix);
        }
        Err(error) => findings.fail("administrator", error.to_string(), ""),
    }
}

fn clock_offset(database_now: Timestamp, now: Timestamp, findings: &mut Findings) {
    let off = (database_now - now).abs();
    if off <= CLOCK_TOLERANCE {
        findings.ok("clock", format!("{} off the database's", seconds(off)));
    } else {
        let what = format!(
            "{} off the database's: servers on this machine are not ready",
            seconds(off)
        );
        findings.fail("clock", what, "synchronise the clocks of both machines (NTP)");
    }
}

async fn known_master_key(config: &Config, storage: &Storage, findings: &mut Findings) {
    let Ok(key) = master_key::find(config) else { return };
    let keys = KeyAdmin::new(
        storage.clone(),
        key,
        config.service.clone(),
        Arc::new(SystemEntropy),
    );
    match keys.has_known_master_key().await {
        Ok(Some(true)) => findings.ok("master key", "it is the key that the database was created with"),
        Ok(None) => findings.ok(
            "master key",
            "the database has none yet; the first `keyward serve` stores its check value",
        ),
        Ok(Some(false)) => {
            let fix = "set the right one in KEYWARD_MASTER_KEY, or restore its file from a backup";
            findings.fail(
                "master key",
                "it is not the key that the database was created with",
                fix,
            );
        }
        Err(error) => findings.fail("master key", error.to_string(), ""),
    }
}

/// Reports rows of signing keys that this version can't read.
async fn unread_signing_keys(storage: &Storage, findings: &mut Findings) {
    let table = match storage.keys().await {
        Ok(table) => table,
        Err(error) => return findings.fail("signing keys", error.to_string(), ""),
    };
    for row in table.set_aside {
        let what = format!(
            "the row {} has no {} that this version knows: it neither signs nor verifies here",
            row.kid, row.column
        );
        let fix = "a newer version wrote it, or it is damaged; `keyward keys rotate --compromised` retires it with the active key";
        findings.warn("signing keys", what, fix);
    }
}

/// Checks that Redis is reachable and does not evict keys.
pub(super) async fn redis(config: &Config, findings: &mut Findings) {
    let urls = match config.redis.urls() {
        Ok(Some(urls)) if !config.is_embedded() => urls,
        Ok(None) if !config.is_embedded() => {
            let what = "none: a revocation takes effect on other nodes within blacklist.max_staleness";
            return findings.ok("redis", what);
        }
        _ => return,
    };
    let fix = "start it or fix redis.url; meanwhile the servers query the database";
    let connector = RedisConnector::new(&urls, &config.blacklist.redis_prefix);
    match timeout(REDIS_TIMEOUT, connector.connect()).await {
        Ok(Ok(connection)) => match connection.misconfiguration().await {
            None => findings.ok("redis", format!("{urls} answers")),
            Some(warning) => findings.warn("redis", warning, "CONFIG SET maxmemory-policy noeviction"),
        },
        Ok(Err(error)) => findings.fail("redis", format!("{urls}: {error}"), fix),
        Err(_) => findings.fail("redis", format!("{urls} does not answer"), fix),
    }
}

/// Reports where emails go. Nothing is sent, and no connection is opened.
pub(super) fn mail(config: &Config, findings: &mut Findings) {
    let mail = &config.mail;
    let files = mail.transport == Transport::Files;
    let folder = mail.folder.clone().unwrap_or_default();
    match (files, config.is_embedded()) {
        (true, true) => findings.ok(
            "mail",
            format!("is written to files in {} and not sent", folder.display()),
        ),
        (true, false) => findings.warn(
            "mail",
            "is written to files on each node and not sent",
            "set mail.transport = \"smtp\" and mail.smtp_host",
        ),
        (false, _) => {
            let host = mail.smtp_host.as_deref().unwrap_or_default();
            let name = mail.smtp_ehlo_name.as_deref().unwrap_or_default();
            findings.ok(
                "mail",
                format!("goes through {host}:{} as {name} (not tried)", mail.smtp_port),
            );
        }
    }
}

/// Reports the rate limits.
pub(super) fn limits(config: &Config, findings: &mut Findings) {
    if config.limits.enabled {
        let (address, account) = (
            config.limits.sign_in_per_address,
            config.limits.guesses_per_account,
        );
        let what = format!("sign-ins {address} per IP address, wrong passwords {account} per account");
        findings.ok("limits", what);
    } else {
        findings.warn(
            "limits",
            "rate limits are off: passwords can be guessed as fast as the server hashes",
            "set limits.enabled = true",
        );
    }
}

/// Checks the addresses that clients and browsers use.
pub(super) fn addresses(config: &Config, findings: &mut Findings) {
    let server = &config.server;
    let public = server.public_url.as_str();
    let here_only = server.is_bound_to_loopback();
    if public.starts_with("https://") {
        findings.ok("public_url", public);
    } else if here_only {
        findings.ok(
            "public_url",
            format!("{public} (reachable from this machine only)"),
        );
    } else if !config.follows_bind() {
        // Without a public address, the notice of the configuration says more.
        let fix =
            "terminate TLS in a proxy in front of the server, and set server.public_url to its https:// URL";
        findings.warn(
            "public_url",
            format!("{public}, without TLS: passwords and tokens cross the network unencrypted"),
            fix,
        );
    }
    if let Some(admin) = server.admin_bind.as_deref().filter(|admin| !is_loopback(admin)) {
        let what = format!("{admin} shows metrics and the version to everyone who can reach it");
        findings.warn("admin_bind", what, "bind it to loopback or to a private network");
    }
}

fn is_loopback(address: &str) -> bool {
    address
        .to_socket_addrs()
        .is_ok_and(|mut all| all.all(|one| one.ip().is_loopback()))
}

/// Measures a password hash. A sign-in costs one: a cheap hash is unsafe, an expensive one makes users wait.
pub(super) fn hashing(config: &Config, findings: &mut Findings) {
    let params = config.service.argon2;
    let took = match time_argon2(&params) {
        Ok(took) => took,
        Err(error) => return findings.fail("hashing", error.to_string(), ""),
    };
    let what = format!("a password takes {:.1} ms", took.as_secs_f64() * 1_000.0);
    let calibrate = "`keyward hash calibrate` proposes parameters for this machine";
    if params.memory_kib < 19_456 || params.iterations < 2 {
        findings.warn(
            "hashing",
            format!("{what}, with less than OWASP's minimum (19 MiB, 2 passes)"),
            calibrate,
        );
    } else if took > Duration::from_secs(1) {
        findings.warn("hashing", what, calibrate);
    } else {
        findings.ok("hashing", what);
    }
}
