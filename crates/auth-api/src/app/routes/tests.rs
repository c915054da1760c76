use super::*;
use crate::{
    http::{problem::Code, route::Operation},
    oauth::error::OauthCode,
};
use actix_web::{
    App,
    http::Method,
    test::{TestRequest, call_service, init_service},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

fn config(base_path: &str) -> ServerConfig {
    ServerConfig {
        base_path: base_path.to_owned(),
        ..ServerConfig::default()
    }
}

fn written(base_path: &str) -> Value {
    serde_json::from_str(document(&config(base_path)).text()).unwrap()
}

fn operations_of(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        let methods = item.as_object().unwrap().iter();
        methods
            .map(|(method, operation)| (path.clone(), method.clone(), operation.clone()))
            .collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

#[test]
fn the_document_leaves_out_only_the_routes_of_operators_and_the_parts_of_the_viewer() {
    let config = config("/api/v1/auth");
    let all: Vec<Operation> = Listener::ALL
        .into_iter()
        .flat_map(|listener| listener.routes(&config).operations())
        .collect();
    let left_out: Vec<&str> = all
        .iter()
        .filter(|operation| operation.id().is_none())
        .map(Operation::path)
        .collect();
    assert_eq!(left_out, ["/docs/{file}", "/metrics", "/version"]);
}

#[test]
fn every_operation_says_what_it_may_answer() {
    let mut names = BTreeSet::new();
    for (path, method, operation) in operations_of(&written("/api/v1/auth")) {
        let responses = operation["responses"].as_object().unwrap();
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{method} {path}"
        );
        assert!(operation["summary"].is_string(), "{method} {path}");
        assert!(
            operation["security"].is_array(),
            "{method} {path}: public operations say so"
        );
        assert!(
            names.insert(operation["operationId"].as_str().unwrap().to_owned()),
            "{method} {path}"
        );
        let is_secured = operation["security"]
            .as_array()
            .is_some_and(|all| !all.is_empty() && all.iter().all(|one| one != &serde_json::json!({})));
        assert!(!is_secured || responses.contains_key("401"), "{method} {path}");
        if operation["requestBody"]["content"]
            .get("application/json")
            .is_some()
        {
            for status in ["400", "408", "413", "415", "422"] {
                assert!(responses.contains_key(status), "{method} {path} {status}");
            }
        }
    }
    assert!(names.len() >= 50, "{}", names.len());
}

#[test]
fn every_route_that_signs_a_user_in_may_answer_that_another_proof_is_needed() {
    let document = written("");
    for (path, status) in [
        ("/login", "403"),
        ("/register", "403"),
        ("/setup", "403"),
        ("/token", "400"),
    ] {
        let says = &document["paths"][path]["post"]["responses"][status]["description"];
        assert!(
            says.as_str().unwrap().contains("`mfa_required`"),
            "{path}: {says}"
        );
    }
    let members = &document["components"]["schemas"]["Problem"]["properties"];
    assert_eq!(members["methods"]["type"], "array");
}

#[test]
fn every_error_of_oauth_is_named_by_the_document() {
    let document = written("");
    let answers = document["paths"]["/token"]["post"]["responses"].to_string();
    for code in OauthCode::ALL {
        let word = format!("`{}`", code.as_str());
        assert!(answers.contains(&word), "{word}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = written("");
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"").skip(1) {
        let name = reference
            .split('"')
            .next()
            .unwrap()
            .strip_prefix("#/components/schemas/")
            .unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
    }
}

#[test]
fn bodies_say_exactly_what_is_read() {
    let schemas = &written("")["components"]["schemas"];
    for (name, required) in [
        ("RegisterBody", vec!["email", "password"]),
        ("LoginBody", vec!["email", "password"]),
        ("RefreshBody", vec!["refresh_token"]),
        ("RenameBody", vec!["name"]),
        ("SetupBody", vec!["token", "email", "password"]),
        ("ForgotBody", vec!["email"]),
        ("ResetBody", vec!["token", "new_password"]),
        ("ChangePasswordBody", vec!["current_password", "new_password"]),
        ("ChangeEmailBody", vec!["new_email", "current_password"]),
        ("MailedTokenBody", vec!["token"]),
        ("VerifyEmailBody", vec!["token"]),
        ("DeleteMeBody", vec!["password"]),
        ("ApiKeyBody", vec!["name"]),
        ("CreateUserBody", vec!["email"]),
    ] {
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
        assert_eq!(schemas[name]["required"], serde_json::json!(required), "{name}");
    }
    for name in ["LogoutBody", "SendVerificationBody"] {
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
    }
    assert_eq!(
        schemas["RenameBody"]["properties"]["name"]["type"],
        serde_json::json!(["string", "null"])
    );
    assert_eq!(schemas["UserJson"]["required"].as_array().unwrap().len(), 8);
    assert_eq!(schemas["SessionJson"]["required"].as_array().unwrap().len(), 10);
    let codes = schemas["Problem"]["properties"]["code"]["enum"]
        .as_array()
        .unwrap();
    assert_eq!(codes.len(), Code::ALL.len());
}

#[test]
fn every_link_leads_to_an_operation_and_to_what_it_takes() {
    let document = written("");
    let operations = operations_of(&document);
    let mut linked = BTreeSet::new();
    for (path, method, operation) in &operations {
        for answer in operation["responses"].as_object().unwrap().values() {
            for (name, link) in answer["links"].as_object().into_iter().flatten() {
                let target = operations
                    .iter()
                    .find(|(_, _, other)| other["operationId"] == link["operationId"]);
                let (_, _, target) = target.unwrap_or_else(|| panic!("{method} {path}: {name}"));
                linked.insert(target["operationId"].as_str().unwrap());
                for parameter in link["parameters"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name)
                {
                    let (place, parameter) = parameter.split_once('.').unwrap();
                    let known = target["parameters"].as_array().into_iter().flatten();
                    let is_known = known
                        .into_iter()
                        .any(|one| one["in"] == place && one["name"] == parameter);
                    let is_secured = target["security"].as_array().is_some_and(|all| !all.is_empty());
                    let is_token = parameter == "Authorization" && is_secured;
                    assert!(is_known || is_token, "{method} {path}: {name}: {parameter}");
                }
                assert_eq!(
                    link["requestBody"].is_string(),
                    link["parameters"].is_null(),
                    "{name}"
                );
                assert!(
                    link["requestBody"].is_null() || target["requestBody"].is_object(),
                    "{name}"
                );
            }
        }
    }
    for reached in [
        "me",
        "refresh",
        "logout",
        "logoutAll",
        "listSessions",
        "showSession",
        "endSession",
        "login",
    ] {
        assert!(linked.contains(reached), "{reached}");
    }
}

/// Handlers fail here because there is no service, but a wrong address or method would still show.
#[actix_web::test]
async fn the_document_and_the_routes_agree() {
    for base_path in ["/api/v1/auth", ""] {
        let config = config(base_path);
        let app =
            App::new().configure(|app: &mut ServiceConfig| Listener::Clients.routes(&config).register(app));
        let app = init_service(app).await;
        let mut documented = BTreeMap::<String, BTreeSet<String>>::new();
        for (path, method, _) in operations_of(&written(base_path)) {
            documented.entry(path).or_default().insert(method.to_uppercase());
        }
        for (path, mut methods) in documented {
            let uri = ["{id}", "{session}", "{key}"].iter().fold(path, |path, name| {
                path.replace(name, "018f3f5e-7c1a-7a30-8d2e-0123456789ab")
            });
            let odd = TestRequest::default()
                .method(Method::TRACE)
                .uri(&uri)
                .to_request();
            let refused = call_service(&app, odd).await;
            assert_eq!(refused.status(), 405, "{uri}");
            let allow = refused.headers().get("allow").unwrap().to_str().unwrap();
            let allowed: BTreeSet<String> = allow.split(", ").map(ToOwned::to_owned).collect();
            if methods.contains("GET") {
                methods.insert("HEAD".to_owned());
            }
            assert_eq!(allowed, methods, "{uri}");
            for method in allowed {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let known = TestRequest::default().method(method).uri(&uri).to_request();
                assert_ne!(call_service(&app, known).await.status(), 405, "{uri}");
            }
        }
        for unknown in [
            "/nothing",
            "/api/v1/auth/login/",
            "/api/v1/auth//login",
            "/api/v1/auth/LOGIN",
            "/login;x",
            "/metrics",
            "/version",
        ] {
            let request = TestRequest::get().uri(unknown).to_request();
            assert_eq!(call_service(&app, request).await.status(), 404, "{unknown}");
        }
    }
}
