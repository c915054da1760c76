//! The configuration of the use cases: their own sections, and what they need of the others.

use super::{NameConfig, derived::link_base, problem::ConfigErrors, reader::Reader, roles};
use auth_api::{PagesConfig, ServerConfig};
use auth_mail::MailConfig;
use auth_service::ServiceConfig;

/// Reads the sections. The issuer of tokens is the public URL, which may follow the address that the server listens on.
pub(super) fn read(
    reader: &mut Reader<'_>,
    server: &ServerConfig,
    pages: &PagesConfig,
    mail: &MailConfig,
) -> Result<ServiceConfig, ConfigErrors> {
    Ok(ServiceConfig {
        issuer: server.public_url.clone(),
        issuer_follows_bind: reader.document().follows_bind(),
        link_base: link_base(server, pages, mail),
        print_links: mail.print_links,
        tokens: reader.section()?,
        session: reader.section()?,
        rotation: reader.section()?,
        password: reader.section()?,
        argon2: reader.section()?,
        hashing: reader.section()?,
        registration: reader.section()?,
        oauth: reader.section()?,
        audit: reader.section()?,
        roles: roles::read(reader),
        service_name: reader.section::<NameConfig>()?.name,
    })
}
