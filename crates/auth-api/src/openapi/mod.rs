//! The description of the API (OpenAPI 3.1), for people, generated clients and fuzzers: what it says must be true.
//!
//! It is written from the declarations of the routes ([`crate::http::route`]). Only the writer is here; nothing here is about one route.

mod operation;
mod schemas;

use crate::http::{
    config::ServerConfig,
    problem::Code,
    route::{Operation, Tag},
};
use std::sync::OnceLock;
use utoipa::openapi::{
    InfoBuilder, LicenseBuilder, OpenApiBuilder, Paths, ServerBuilder,
    security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    tag::TagBuilder,
};

/// The name of the security scheme of access tokens.
const BEARER: &str = "bearer";
/// The name of the security scheme of machine clients.
const CLIENT: &str = "client";

/// The document, as text. It is written at the first request for it: that takes some milliseconds once, and a server that is never asked
/// for it stays some megabytes smaller.
#[derive(Debug)]
pub struct Document {
    config: ServerConfig,
    operations: fn(&ServerConfig) -> Vec<Operation>,
    text: OnceLock<String>,
}

impl Document {
    /// The document of a server of this configuration, which has these operations.
    #[must_use]
    pub fn of(config: &ServerConfig, operations: fn(&ServerConfig) -> Vec<Operation>) -> Self {
        Self {
            config: config.clone(),
            operations,
            text: OnceLock::new(),
        }
    }

    fn write(operations: &[Operation]) -> String {
        let mut paths = Paths::new();
        let documented = || {
            let named = operations.iter();
            named.filter_map(|operation| Some((operation, operation.entry.as_ref()?)))
        };
        for (operation, entry) in documented() {
            operation::add(operation, entry, &mut paths);
        }
        let access = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "An access token (RFC 9068), as sign-in gives it; on `/me`, `/verify` and the admin routes also an API key (`kw_…`).",
            ));
        let client = HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some(
            "A machine client's id and secret, form-encoded (RFC 6749 §2.3.1).",
        ));
        let components = schemas::components(documented().map(|(operation, _)| operation))
            .security_scheme(BEARER, SecurityScheme::Http(access.build()))
            .security_scheme(CLIENT, SecurityScheme::Http(client.build()));
        let info = InfoBuilder::new()
            .title("Keyward")
            .version(env!("CARGO_PKG_VERSION"))
            .description(Some(introduction()))
            .license(Some(
                LicenseBuilder::new()
                    .name(env!("CARGO_PKG_LICENSE"))
                    .identifier(Some(env!("CARGO_PKG_LICENSE")))
                    .build(),
            ));
        let tags = Tag::ALL.map(|tag| {
            let (name, description) = (tag.as_str(), tag.description());
            TagBuilder::new()
                .name(name)
                .description(Some(description))
                .build()
        });
        let document = OpenApiBuilder::new()
            .info(info.build())
            .servers(Some([ServerBuilder::new().url("/").build()]))
            .paths(paths)
            .components(Some(components.build()))
            .tags(Some(tags))
            .build();
        // A tree of strings and numbers always has a JSON form.
        document.to_pretty_json().unwrap_or_default()
    }

    /// The JSON.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text
            .get_or_init(|| Self::write(&(self.operations)(&self.config)))
    }
}

fn introduction() -> String {
    let mut text = String::from(
        "Registers users, signs them in, rotates their tokens, signs them out, and recovers their accounts.\n\n\
         Errors are RFC 9457 problems; a program reads `code`. `/token`, `/revoke` and `/introspect` answer in the form of \
         RFC 6749 §5.2. Every answer carries `X-Request-Id`, taken from the request if it is a valid one.\n\n\
         | code | status | meaning |\n| --- | --- | --- |\n",
    );
    for code in Code::ALL {
        text.push_str(&format!(
            "| `{}` | {} | {} |\n",
            code.as_str(),
            code.status(),
            code.detail()
        ));
    }
    text
}
