//! Where templates are read: an operator's folder, `<language>/<file>`, and the built-in English.
//!
//! Nothing in the folder is passed over in silence but hidden files: what no mail would use is a mistake, and is named.

use crate::{config::is_language, embedded, error::MailError};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// A template, and where it was read.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) text: String,
    pub(crate) place: String,
}

/// The files of one language, by name.
pub(crate) type Files = BTreeMap<String, Source>;

/// The English that is compiled in.
pub(crate) fn built_in() -> Files {
    embedded::FILES
        .iter()
        .map(|(name, text)| {
            let source = Source {
                text: (*text).to_owned(),
                place: format!("{}/{name} (built in)", embedded::LANGUAGE),
            };
            ((*name).to_owned(), source)
        })
        .collect()
}

/// The files of every language in the folder.
pub(crate) fn read(folder: &Path) -> Result<BTreeMap<String, Files>, MailError> {
    let mut languages = BTreeMap::new();
    for (name, path) in entries(folder)? {
        if !path.is_dir() {
            return Err(refuse(
                &path,
                "templates are in folders, one a language, such as en",
            ));
        }
        if !is_language(&name) {
            return Err(refuse(&path, "a language is 2 to 8 of a-z and -"));
        }
        languages.insert(name, read_language(&path)?);
    }
    Ok(languages)
}

fn read_language(folder: &Path) -> Result<Files, MailError> {
    let mut files = Files::new();
    for (name, path) in entries(folder)? {
        if !embedded::FILES.iter().any(|(known, _)| *known == name) {
            return Err(refuse(&path, "no mail uses a file of this name"));
        }
        let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
        let place = path.display().to_string();
        files.insert(name, Source { text, place });
    }
    Ok(files)
}

/// What is in a folder, but for hidden files: editors, file managers and mounted volumes leave those.
fn entries(folder: &Path) -> Result<BTreeMap<String, PathBuf>, MailError> {
    let mut entries = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
        let entry = entry.map_err(unreadable(folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            entries.insert(name, entry.path());
        }
    }
    Ok(entries)
}

fn refuse(path: &Path, what: &str) -> MailError {
    MailError::Template {
        file: path.display().to_string(),
        what: what.to_owned(),
    }
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> MailError {
    let path = path.to_owned();
    move |source| MailError::Unreadable {
        key: "templates",
        path,
        source,
    }
}
