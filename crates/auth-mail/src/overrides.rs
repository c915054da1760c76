//! Reads templates from the operator's folder (`<language>/<file>`) and from the built-in English ones.
//!
//! Only hidden files are ignored. Any other file that no mail would use is an error, which names the file.

use crate::{config::is_language, embedded, error::MailError};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// A template and its origin, for error messages.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) text: String,
    pub(crate) origin: String,
}

/// The files of one language, by name.
pub(crate) type Files = BTreeMap<String, Source>;

/// The built-in English templates.
pub(crate) fn built_in() -> Files {
    embedded::FILES
        .iter()
        .map(|(name, text)| {
            let source = Source {
                text: (*text).to_owned(),
                origin: format!("{}/{name} (built in)", embedded::LANGUAGE),
            };
            ((*name).to_owned(), source)
        })
        .collect()
}

/// The files of each language in the folder.
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
        let origin = path.display().to_string();
        files.insert(name, Source { text, origin });
    }
    Ok(files)
}

/// The entries of a folder except hidden ones, which editors, file managers and mounted volumes create.
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
