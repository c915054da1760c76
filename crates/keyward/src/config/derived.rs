//! Values that follow from other keys where they are not set: the URL of the embedded database, the public URL, the base of links, and
//! how emails are sent.

use super::{
    DataConfig, PUBLIC_URL,
    document::{Document, Entry},
    problem::{ConfigProblem, Origin},
};
use auth_api::{PagesConfig, ServerConfig};
use auth_mail::{MailConfig, ehlo_name_of};
use toml::Value;

/// Sets the keys that follow from others before the sections are read: `database.url` and `server.public_url`.
pub(super) fn derive(document: &mut Document) -> Result<(), ConfigProblem> {
    let unset = |document: &Document, key| document.get(key).is_some_and(Entry::is_unset);
    let text = |document: &Document, key| {
        let value = document.get(key).and_then(|entry| entry.value.as_str());
        value.unwrap_or_default().to_owned()
    };
    if unset(document, "database.url") {
        let dir = text(document, "data.dir");
        let url = format!("sqlite://{}/keyward.db", dir.trim_end_matches('/'));
        document.set(
            "database.url",
            Value::String(url),
            Origin::Derived("data.dir".to_owned()),
        )?;
    }
    // An invalid address is reported for server.bind itself.
    if unset(document, PUBLIC_URL)
        && let Some(url) = ServerConfig::own_origin(&text(document, "server.bind"))
    {
        document.set(
            PUBLIC_URL,
            Value::String(url),
            Origin::Derived("server.bind".to_owned()),
        )?;
    }
    Ok(())
}

/// The base of links in emails: the pages, unless `mail.link_base` is set.
pub(super) fn link_base(server: &ServerConfig, pages: &PagesConfig, mail: &MailConfig) -> String {
    let own_pages = || format!("{}{}", server.public_url, pages.path);
    let base = mail.link_base.clone().unwrap_or_else(own_pages);
    base.trim_end_matches('/').to_owned()
}

/// Fills in the folder of emails that are written as files, and the name in EHLO: the data folder and the host of the public URL.
pub(super) fn with_defaults(mail: MailConfig, data: &DataConfig, server: &ServerConfig) -> MailConfig {
    let folder = mail.folder.unwrap_or_else(|| data.dir.join("mail"));
    let ehlo_name = mail
        .smtp_ehlo_name
        .unwrap_or_else(|| ehlo_name_of(&server.public_url));
    MailConfig {
        folder: Some(folder),
        smtp_ehlo_name: Some(ehlo_name),
        ..mail
    }
}
