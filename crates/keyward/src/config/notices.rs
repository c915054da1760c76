//! Warnings about a configuration that is valid.

use super::{Config, Sources, is_sqlite, layers::OLDER_SECRET};
use auth_domain::keys::Algorithm;
use auth_mail::Transport;

/// All warnings.
pub(super) fn of(sources: &Sources, config: &Config) -> Vec<String> {
    let Config {
        server,
        pages,
        service,
        redis,
        database,
        mail,
        document,
        ..
    } = config;
    let mut notices = Vec::new();
    if service.issuer_follows_bind && !server.is_bound_to_loopback() {
        notices.push(
            "server.public_url is not set, and server.bind is not a loopback address: tokens and links contain \
             127.0.0.1, which other machines cannot reach; set it to the URL that clients use"
                .to_owned(),
        );
    }
    if let Err(why) = pages.are_served(server) {
        notices.push(why.to_owned());
    }
    if sources.has_secret(OLDER_SECRET) && service.tokens.algorithm != Algorithm::HS256 {
        notices.push(
            "JWT_SECRET is set and not used: it is for HS256 only; set KEYWARD__TOKENS__ALGORITHM=HS256, or unset it"
                .to_owned(),
        );
    }
    for (name, meant) in sources.almost_known() {
        notices.push(format!(
            "{name} is set and not read; if it is for Keyward, rename it to {meant}"
        ));
    }
    let of_kubernetes = sources.of_kubernetes(document);
    if !of_kubernetes.is_empty() {
        notices.push(format!(
            "Kubernetes set {} for a service; Keyward does not read them (enableServiceLinks: false prevents them)",
            of_kubernetes.join(", ")
        ));
    }
    if redis.url.is_some() && is_sqlite(database) {
        notices.push(
            "redis.url is set and not used: the embedded database is served by one process, whose memory is enough".to_owned(),
        );
    }
    if mail.transport == Transport::Files && !is_sqlite(database) {
        notices.push(
            "mail.transport is files: emails are written to files on this node and not sent; set mail.transport = \"smtp\""
                .to_owned(),
        );
    }
    if service.print_links {
        notices.push(
            "mail.print_links is on: everyone who can read the log can use the links in emails; use it for development only"
                .to_owned(),
        );
    }
    notices
}
