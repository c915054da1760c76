//! `/openapi.json` and `/docs`: the description of the API, and a viewer that works offline. Both are off with
//! `server.docs = false`.
//!
//! The page is our own and has no inline script, so the policy can forbid inline scripts. The viewer's files are stored compressed,
//! at a quarter of their size, and are always sent so: every browser accepts gzip.

use crate::{
    http::{
        problem::{Code, Problem},
        route::{Route, Tag, get, schema},
    },
    openapi::Document,
};
use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    web::{Data, Path},
};
use std::sync::Arc;
use utoipa_swagger_ui::Config;

/// The routes of the description and its viewer, at the root.
pub(crate) fn at_root() -> [Route; 3] {
    [
        get("/openapi.json")
            .id("openapi")
            .summary(Tag::Operation, "This document")
            .anonymous()
            .gives_media("The document", "application/json", schema::object)
            .to(document),
        get("/docs")
            .id("docs")
            .summary(Tag::Operation, "A viewer for this document")
            .anonymous()
            .ignores_unknown_parameters()
            .gives_media("A page", "text/html", schema::text)
            .to(page),
        get("/docs/{file}")
            .undocumented()
            .anonymous()
            .ignores_unknown_parameters()
            .gives_media("A part of the page", "*/*", schema::text)
            .to(file),
    ]
}

/// What the page may load: its own scripts and styles, the icons inside its style sheet, and answers of this server.
const CSP_VIEWER: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="UTF-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Keyward API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png" sizes="32x32">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
"#;

/// `validatorUrl: null`: without it the viewer would send the document to a server on the Internet.
const START: &str = r##"window.addEventListener("load", function () {
  SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    validatorUrl: null
  });
});
"##;

/// The files of the viewer that the page needs.
const VENDORED: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

async fn document(document: Data<Document>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(document.text().to_owned())
}

async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, CSP_VIEWER))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(PAGE)
}

/// A file of the viewer; 404 for any other name.
async fn file(name: Path<String>) -> Result<HttpResponse, Problem> {
    if name.as_str() == "start.js" {
        return Ok(cacheable("text/javascript; charset=utf-8").body(START));
    }
    if !VENDORED.contains(&name.as_str()) {
        return Err(Code::NotFound.into());
    }
    let found = utoipa_swagger_ui::serve(&name, Arc::new(Config::default()));
    match found.map_err(|error| Problem::internal(error.to_string()))? {
        Some(file) => {
            let mut answer = cacheable(&file.content_type);
            if file.gzpipped {
                answer.insert_header((CONTENT_ENCODING, "gzip"));
            }
            Ok(answer.body(file.bytes.into_owned()))
        }
        None => Err(Code::NotFound.into()),
    }
}

/// An answer that a browser may cache for an hour.
fn cacheable(content_type: &str) -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((CONTENT_TYPE, content_type))
        .insert_header((CACHE_CONTROL, "public, max-age=3600"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body;

    #[test]
    fn the_page_needs_nothing_that_its_policy_forbids() {
        assert!(!CSP_VIEWER.contains("unsafe"));
        for inline in ["<script>", "onload=", "style=", "<style", "http://", "https://"] {
            assert!(!PAGE.contains(inline), "{inline}");
        }
    }

    #[actix_web::test]
    async fn every_file_that_the_page_names_is_served() {
        for name in [
            "start.js",
            "swagger-ui.css",
            "swagger-ui-bundle.js",
            "favicon-32x32.png",
        ] {
            assert!(PAGE.contains(&format!("\"/docs/{name}\"")), "{name}");
            let answer = file(Path::from(name.to_owned())).await.unwrap();
            assert_eq!(answer.status(), 200, "{name}");
            let says_gzip = answer
                .headers()
                .get(CONTENT_ENCODING)
                .is_some_and(|value| value == "gzip");
            let body = body::to_bytes(answer.into_body()).await.unwrap();
            assert_eq!(body.starts_with(&[0x1f, 0x8b]), says_gzip, "{name}");
        }
        for other in ["index.html", "swagger-initializer.js", "..", "nothing"] {
            assert!(file(Path::from(other.to_owned())).await.is_err(), "{other}");
        }
    }
}
