//! Checks whether a database can be opened, as far as its URL and the files of this machine show it. The rule: no connection is opened,
//! and no file is created.

use crate::{address::Address, error::OpenError};
use auth_domain::connection_url::ConnectionUrl;
use diesel::{Connection, PgConnection};
use std::path::{Path, PathBuf, absolute};

/// libpq checks every option of a URL before it connects, and this option last. With an impossible value it never connects, and the
/// URL is valid if this value is the only thing that libpq complains about.
const LAST_OPTION: &str = "max_protocol_version";
/// The impossible value.
const IMPOSSIBLE: &str = "keyward-checks-the-address";

/// The options that are whole numbers. libpq checks them only when it connects.
const NUMBERS: [&str; 6] = [
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
];

/// Checks a URL by itself. The error says why no database can be opened with it.
pub(crate) fn of_address(url: &str) -> Result<(), OpenError> {
    let Address::Postgres(url_with_parameters) = Address::parse(url)? else {
        return Ok(());
    };
    let parts = ConnectionUrl::parse(url).ok_or(OpenError::MalformedAddress)?;
    let parameters = || parts.parameters();
    let in_parameters = parameters().filter(|(name, _)| *name == "port");
    let mut ports = parts
        .server()
        .split(',')
        .filter_map(port)
        .chain(in_parameters.flat_map(|(_, all)| all.split(',')));
    if !ports.all(|port| port.is_empty() || port.parse::<u16>().is_ok_and(|port| port > 0)) {
        return Err(OpenError::UnfitAddress("a port must be 1 to 65535".to_owned()));
    }
    if let Some((name, _)) =
        parameters().find(|(name, value)| NUMBERS.contains(name) && value.trim().parse::<i32>().is_err())
    {
        return Err(OpenError::UnfitAddress(format!("{name} must be a whole number")));
    }
    let last = parameters().filter(|(name, _)| *name == LAST_OPTION).last();
    if !last.is_none_or(|(_, value)| matches!(value, "3.0" | "3.2" | "latest")) {
        return Err(OpenError::UnfitAddress(format!(
            "{LAST_OPTION} must be 3.0, 3.2 or latest"
        )));
    }
    let message = PgConnection::establish(&format!("{url_with_parameters}&{LAST_OPTION}={IMPOSSIBLE}")).err();
    let message = message.map_or_else(String::new, |error| error.to_string());
    if message.contains(&format!("\"{IMPOSSIBLE}\"")) {
        Ok(())
    } else {
        Err(unfit(&message, &parts))
    }
}

/// The port after a host, which may be an IPv6 address in brackets.
fn port(server: &str) -> Option<&str> {
    let behind = server.rsplit_once(']').map_or(server, |(_, behind)| behind);
    behind.split_once(':').map(|(_, port)| port)
}

/// libpq's message up to the first quotation, which may be a part of a password. The name of a parameter is no secret and stays.
fn unfit(message: &str, parts: &ConnectionUrl<'_>) -> OpenError {
    let mut around = message.split(['"', '»', '«', '„', '“']);
    let words = around.next().unwrap_or_default().trim().trim_end_matches(':');
    let quoted = around.next().unwrap_or_default();
    let is_name = |name: &str| {
        parts.parameters().any(|(given, _)| given == name)
            && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
    };
    if words.is_empty() {
        OpenError::MalformedAddress
    } else if is_name(quoted) {
        OpenError::UnfitAddress(format!("{words} {quoted}"))
    } else {
        OpenError::UnfitAddress(words.to_owned())
    }
}

/// Checks the files that a URL names: the folder of a SQLite file, or the certificate authorities that verify a PostgreSQL server. The
/// server creates the folder `created` and no other one. The error says why the database can't be opened.
pub(crate) fn of_files(url: &str, created: &Path) -> Result<(), OpenError> {
    match Address::parse(url)? {
        Address::Sqlite(file) => of_place(file, created),
        Address::Postgres(_) => ConnectionUrl::parse(url).map_or(Ok(()), |parts| of_authorities(&parts)),
    }
}

/// Without the file, libpq refuses every server whose certificate it has to verify. A percent-encoded name is left to libpq.
fn of_authorities(parts: &ConnectionUrl<'_>) -> Result<(), OpenError> {
    let last = |name: &str| {
        let given = parts.parameters().filter(|(given, _)| *given == name);
        given.map(|(_, value)| value).last()
    };
    let is_verified = matches!(last("sslmode"), Some("verify-ca" | "verify-full"));
    match last("sslrootcert") {
        Some(file)
            if is_verified && file != "system" && !file.contains('%') && !Path::new(file).is_file() =>
        {
            Err(OpenError::UnfitAddress("sslrootcert names no file".to_owned()))
        }
        _ => Ok(()),
    }
}

fn of_place(file: PathBuf, created: &Path) -> Result<(), OpenError> {
    if file.is_dir() {
        return Err(OpenError::NotADatabase(file));
    }
    let (Ok(absolute_path), Ok(created)) = (absolute(&file), absolute(created)) else {
        return Ok(());
    };
    match absolute_path.parent() {
        Some(folder) if !folder.is_dir() && !created.starts_with(folder) => {
            Err(OpenError::NoSuchFolder(folder.to_owned()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_libpq_would_refuse_is_refused_without_a_connection() {
        let good = [
            "postgres://kw:hunter2@db/kw",
            "postgres://kw:a@hunter2@db:5432/kw",
            "postgres://one:5432,[::1]:5433,three/kw?sslmode=verify-full&connect_timeout=9",
            "postgres:///kw?host=/run/postgresql&port=5433",
            "postgres://db/kw?max_protocol_version=latest&target_session_attrs=primary",
            "sqlite://data/keyward.db",
        ];
        for url in good {
            assert!(of_address(url).is_ok(), "{url}: {:?}", of_address(url));
        }
        let bad = [
            ("postgres://kw:hunter2%zz@db/kw", "percent"),
            ("postgres://db:99999/kw", "a port must be 1 to 65535"),
            ("postgres://[::1]:0/kw", "a port must be 1 to 65535"),
            ("postgres://db/kw?port=hunter2", "a port must be 1 to 65535"),
            ("postgres://kw:hunter2@db/kw?sslmode=verfy-full", "sslmode"),
            ("postgres://kw@db/kw?passwordd=hunter2", "passwordd"),
            ("postgres://kw@db/kw?connect_timeout=soon", "connect_timeout"),
            (
                "postgres://kw@db/kw?target_session_attrs=hunter2",
                "target_session_attrs",
            ),
            (
                "postgres://kw@db/kw?max_protocol_version=hunter2",
                "max_protocol_version",
            ),
            ("postgres://kw:\"hunter2%zz@db/kw", "percent"),
            ("sqlite::memory:", "memory"),
        ];
        for (url, named) in bad {
            let message = of_address(url).unwrap_err().to_string();
            assert!(
                message.contains(named) && !message.contains("hunter2"),
                "{url}: {message}"
            );
        }
    }

    #[test]
    fn the_certificate_authorities_of_a_verified_connection_have_to_exist() {
        let created = Path::new("data");
        let with = |parameters: &str| of_files(&format!("postgres://db/kw?{parameters}"), created).is_ok();
        for good in [
            "sslmode=verify-full",
            "sslmode=verify-full&sslrootcert=system",
            "sslmode=verify-ca&sslrootcert=Cargo.toml",
            "sslmode=require&sslrootcert=/no/such.pem",
            "sslmode=verify-full&sslrootcert=/no%20such.pem",
        ] {
            assert!(with(good), "{good}");
        }
        assert!(!with("sslmode=verify-full&sslrootcert=/no/such.pem"));
        assert!(!with("sslrootcert=/no/such.pem&sslmode=verify-ca"));
    }

    #[test]
    fn a_sqlite_file_needs_a_folder_that_exists_or_is_created() {
        let home = tempfile::tempdir().unwrap();
        let at = |place: &str| format!("sqlite://{}/{place}", home.path().display());
        let created = home.path().join("data/kept");
        assert!(of_files(&at("keyward.db"), &created).is_ok());
        assert!(of_files(&at("data/kept/keyward.db"), &created).is_ok());
        assert!(of_files(&at("data/keyward.db"), &created).is_ok());
        assert!(of_files(&at("other/keyward.db"), &created).is_err());
        assert!(of_files(&format!("sqlite://{}", home.path().display()), &created).is_err());
        assert!(of_files("postgres://db/kw", &created).is_ok());
    }
}
