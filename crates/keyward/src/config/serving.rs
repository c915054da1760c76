//! What a server needs beside valid values, as far as it can be checked without a connection: the master key, and the files and folders
//! that the keys name. The rule: `serve` does not start without them, and `config check` and `doctor` report them beforehand.

use super::{Config, ConfigProblem, DataConfig, MASTER_KEY};
use crate::master_key::{self, NoMasterKey};
use auth_api::PagesConfig;
use auth_domain::settings::{Complaint, Section as _};
use auth_mail::{MailConfig, Transport};
use auth_storage::DatabaseConfig;
use std::path::{Path, absolute};

/// What a configuration is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A command, which needs valid values only.
    Command,
    /// The server.
    Serve,
}

/// Everything that is missing or can't be used, without what is in `known` already.
pub(super) fn missing(config: &Config, known: &[ConfigProblem]) -> Vec<ConfigProblem> {
    let mut missing = Vec::new();
    let mut take = |section: &str, complaints: Vec<Complaint>| {
        for Complaint { key, what } in complaints {
            let key = format!("{section}.{key}");
            let origin = config.origin(&key);
            missing.push(ConfigProblem::new(key, &origin, what, ""));
        }
    };
    if config.pages.are_served(&config.server) == Ok(true) {
        take(PagesConfig::NAME, config.pages.validate_files());
    }
    take(MailConfig::NAME, config.mail.validate_files());
    let database = config.database.validate_files(&config.data.dir);
    take(DatabaseConfig::NAME, database.into_iter().collect());
    let [data, mail] = blocked_folders(config);
    take(DataConfig::NAME, data.into_iter().collect());
    take(MailConfig::NAME, mail.into_iter().collect());
    let is_known = |key: &str| known.iter().any(|problem| problem.key == key);
    if !is_known(MASTER_KEY) {
        missing.extend(no_master_key(config));
    }
    missing.retain(|problem| !is_known(&problem.key));
    missing
}

/// The folders that a server creates, `data.dir` and `mail.folder`, if a file is in the way.
fn blocked_folders(config: &Config) -> [Option<Complaint>; 2] {
    let to_files = Some(&config.mail).filter(|mail| mail.transport == Transport::Files);
    let is_used = config.is_embedded() || to_files.is_some_and(|mail| mail.folder.is_none());
    let data = is_used.then_some(config.data.dir.as_path());
    let mail = to_files.and_then(|mail| mail.folder.as_deref());
    let blocked = |key, folder: Option<&Path>| Some(Complaint::new(key, in_the_way(folder?)?));
    [blocked("dir", data), blocked("folder", mail)]
}

/// Why there is no master key. The key of an embedded database is created by the first start.
fn no_master_key(config: &Config) -> Option<ConfigProblem> {
    let reason = master_key::find(config).err()?;
    let key = "data.master_key_file";
    match (&config.data.master_key_file, &reason) {
        (None, NoMasterKey::NoFile(_)) => None,
        (None, _) => Some(ConfigProblem::about(MASTER_KEY, reason.to_string(), "")),
        (Some(_), _) => Some(ConfigProblem::new(
            key,
            &config.origin(key),
            reason.to_string(),
            "",
        )),
    }
}

/// A file in the place of the folder, or of a folder above it, so that it can't be created.
fn in_the_way(folder: &Path) -> Option<String> {
    let whole = absolute(folder).ok()?;
    let nearest = whole.ancestors().find(|above| above.exists())?;
    (!nearest.is_dir()).then(|| format!("{} is not a folder: name another folder", nearest.display()))
}
