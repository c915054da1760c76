//! What a server needs beside right values, as far as it is known without a connection: the master key, and the files and folders
//! that the keys name. `serve` refuses to start without them, and `config check` and `doctor` name them beforehand.

use super::{DataConfig, Document, MASTER_KEY, Problem, is_sqlite};
use crate::master_key::{self, NoMasterKey};
use auth_api::{PagesConfig, ServerConfig};
use auth_mail::{MailConfig, Transport};
use auth_service::MasterKey;
use auth_storage::DatabaseConfig;
use std::path::{Path, absolute};

/// What a configuration is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A command beside the server, for which right values are enough.
    Command,
    /// The server.
    Serve,
}

/// The sections that name what a server needs; `None` for one that could not be read.
pub(super) struct Needs<'a> {
    pub(super) server: Option<&'a ServerConfig>,
    pub(super) pages: Option<&'a PagesConfig>,
    pub(super) mail: Option<&'a MailConfig>,
    pub(super) data: Option<&'a DataConfig>,
    pub(super) database: Option<&'a DatabaseConfig>,
    /// The key of the environment; `None` for one that is malformed.
    pub(super) master_key: Option<Option<&'a MasterKey>>,
}

impl Needs<'_> {
    /// Everything that is missing or can't be used.
    pub(super) fn problems(&self, document: &Document) -> Vec<Problem> {
        let named = |section: &'static str| {
            move |(key, what): (&'static str, String)| (format!("{section}.{key}"), what)
        };
        let mut missing = Vec::new();
        if let (Some(pages), Some(server)) = (self.pages, self.server)
            && pages.are_served(server) == Ok(true)
        {
            missing.extend(pages.validate_files());
        }
        if let Some(mail) = self.mail {
            missing.extend(mail.validate_files().into_iter().map(named("mail")));
        }
        if let (Some(data), Some(database)) = (self.data, self.database) {
            missing.extend(
                database
                    .validate_files(&data.dir)
                    .into_iter()
                    .map(named("database")),
            );
        }
        missing.extend(self.blocked_folders().map(|(key, what)| (key.to_owned(), what)));
        missing
            .into_iter()
            .map(|(key, what)| Problem::new(&key, &document.origin(&key), what, ""))
            .chain(self.no_master_key(document))
            .collect()
    }

    /// The folders that a server makes, where something else is in the way.
    fn blocked_folders(&self) -> impl Iterator<Item = (&'static str, String)> {
        let to_files = self.mail.filter(|mail| mail.transport == Transport::Files);
        let own_folder = to_files.and_then(|mail| mail.folder.as_deref());
        let is_used =
            self.database.is_some_and(is_sqlite) || to_files.is_some_and(|mail| mail.folder.is_none());
        let data = self.data.filter(|_| is_used).map(|data| data.dir.as_path());
        [("data.dir", data), ("mail.folder", own_folder)]
            .into_iter()
            .filter_map(|(key, folder)| Some((key, in_the_way(folder?)?)))
    }

    /// Why there is no master key. The embedded database's own is made by the first start.
    fn no_master_key(&self, document: &Document) -> Option<Problem> {
        let (data, database, given) = (self.data?, self.database?, self.master_key?);
        let reason = master_key::find_for(given, data, is_sqlite(database)).err()?;
        let key = "data.master_key_file";
        match (&data.master_key_file, &reason) {
            (None, NoMasterKey::NoFile(_)) => None,
            (None, _) => Some(Problem::about(MASTER_KEY, reason.to_string(), "")),
            (Some(_), _) => Some(Problem::new(key, &document.origin(key), reason.to_string(), "")),
        }
    }
}

/// What keeps a folder from being made: a file where it or a folder above it would be.
fn in_the_way(folder: &Path) -> Option<String> {
    let whole = absolute(folder).ok()?;
    let nearest = whole.ancestors().find(|above| above.exists())?;
    (!nearest.is_dir()).then(|| format!("{} is no folder: name another folder", nearest.display()))
}
