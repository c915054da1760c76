//! What a table of routes answers, and that there is no way around it.

use super::*;
use crate::http::problem::Problem;
use actix_web::{
    App, HttpResponse,
    test::{TestRequest, call_service, init_service},
    web::ServiceConfig,
};
use std::{fs, path::Path};

async fn done() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

async fn tried() -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().finish())
}

fn thing() -> [Route; 3] {
    [
        delete("/things/{id}")
            .undocumented()
            .anonymous()
            .gives_nothing(204)
            .to(done),
        get("/things/{id}")
            .undocumented()
            .anonymous()
            .with(Parameter::query("shape", "What it looks like.", schema::text))
            .gives_nothing(200)
            .to(tried),
        patch("/things/{id}")
            .undocumented()
            .anonymous()
            .ignores_unknown_parameters()
            .gives_nothing(200)
            .to(tried),
    ]
}

#[actix_web::test]
async fn a_path_takes_the_methods_and_parameters_that_its_routes_declare() {
    let table = |app: &mut ServiceConfig| Table::new().below("/base", thing()).register(app);
    let app = init_service(App::new().configure(table)).await;
    for (method, uri, expected) in [
        (Method::GET, "/base/things/1", 200),
        (Method::HEAD, "/base/things/1", 200),
        (Method::DELETE, "/base/things/1", 204),
        (Method::GET, "/base/things/1?shape=round", 200),
        (Method::GET, "/base/things/1?form=round", 422),
        (Method::DELETE, "/base/things/1?shape=round", 422),
        (Method::PATCH, "/base/things/1?form=round", 200),
        (Method::POST, "/base/things/1", 405),
        (Method::GET, "/things/1", 404),
        (Method::GET, "/base/things", 404),
    ] {
        let request = TestRequest::default()
            .method(method.clone())
            .uri(uri)
            .to_request();
        let answer = call_service(&app, request).await;
        assert_eq!(answer.status(), expected, "{method} {uri}");
        let allow = answer.headers().get("allow").map(|value| value.to_str().unwrap());
        let expected = (expected == 405).then_some("GET, HEAD, PATCH, DELETE");
        assert_eq!(allow, expected, "{method} {uri}");
    }
}

#[test]
fn a_route_says_how_it_fails_by_the_type_of_its_handler() {
    let operations = Table::new().below("", thing()).operations();
    let never = operations
        .iter()
        .map(|operation| matches!(operation.error_format, ErrorFormat::NoErrors));
    assert_eq!(never.collect::<Vec<_>>(), [true, false, false]);
}

/// The ways of the framework to make something reachable. Clippy refuses the calls that they all end in (clippy.toml); this test needs
/// no clippy.
const WAYS: [&str; 12] = [
    "web::resource(",
    "web::scope(",
    "web::route(",
    "web::method(",
    "web::get(",
    "web::post(",
    "web::patch(",
    "web::delete(",
    "Resource::new(",
    "Scope::new(",
    "#[get(",
    "#[post(",
];

/// The files that may name them.
const OWN: [&str; 2] = ["http/route/table.rs", "http/route/tests.rs"];

fn registers_by_itself(text: &str) -> bool {
    WAYS.iter().any(|way| text.contains(way))
}

#[test]
fn an_undeclared_route_is_seen() {
    for undeclared in [
        "table.service(web::resource(\"/hidden\").route(web::get().to(hidden)))",
        "App::new().route(\"/hidden\", web::post().to(hidden))",
        "#[get(\"/hidden\")]\nasync fn hidden() -> HttpResponse {",
    ] {
        assert!(registers_by_itself(undeclared), "{undeclared}");
    }
    assert!(!registers_by_itself("get(\"/open\").id(\"open\")"));
}

#[test]
fn no_file_but_the_table_makes_anything_reachable() {
    let mut seen = 0;
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_of_routes = OWN.iter().any(|own| path.ends_with(own));
            if path.is_dir() {
                folders.push(path);
            } else if !is_of_routes {
                seen += 1;
                let text = fs::read_to_string(&path).unwrap_or_default();
                assert!(
                    !registers_by_itself(&text),
                    "{}: declare the route",
                    path.display()
                );
            }
        }
    }
    assert!(seen > 80, "{seen}");
}
