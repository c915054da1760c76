//! The whole API against its OpenAPI document: schemathesis generates requests from `/openapi.json`, valid ones, invalid ones and
//! chains of them along its links, and compares every answer with the document.
//!
//! Each run prints its seed. The same seed gives the same requests, except for the random ids and tokens that the server issued. The
//! environment sets the length and the seed of a run: `KEYWARD_FUZZ_EXAMPLES` (requests per operation and phase) and
//! `KEYWARD_FUZZ_SEED`.

#![expect(
    clippy::print_stdout,
    reason = "a failed test shows its seed and what was found"
)]

use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};
use tests::{Backend, Database, Server, run, service};

/// The length of a run under `make test`.
const EXAMPLES: &str = "8";
const SEED: &str = "20261126";

fn fuzz(backend: Backend, base_path: &str) {
    let database = Database::create(backend);
    let paths = [
        ("KEYWARD__SERVER__BASE_PATH", base_path),
        ("KEYWARD__PAGES__PATH", "/ui"),
    ];
    let mut server = Server::start(&database, &paths);
    let client = run(
        &["client", "create", "fuzzer", "--json"],
        &database.environment(),
        "",
    );
    assert_eq!(client.code, 0, "{}", client.stderr);
    let client: Value = serde_json::from_str(&client.stdout).unwrap();
    let setup = run(&["setup-token"], &database.environment(), "");
    assert_eq!(setup.code, 0, "{}", setup.stderr);

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("api_fuzz");
    let seen = database.folder.path().join("seen.json");
    let setting = |name: &str, usual: &str| std::env::var(name).unwrap_or_else(|_| usual.to_owned());
    let (examples, seed) = (
        setting("KEYWARD_FUZZ_EXAMPLES", EXAMPLES),
        setting("KEYWARD_FUZZ_SEED", SEED),
    );
    println!("{backend:?}: {examples} examples, seed {seed}");
    let fuzzed = Command::new(service("KEYWARD_TEST_SCHEMATHESIS"))
        .arg("--config-file")
        .arg(folder.join("schemathesis.toml"))
        .args(["run", "--no-color"])
        .arg(format!("{}/openapi.json", server.origin()))
        .args(["--max-examples", &examples, "--seed", &seed])
        .current_dir(database.folder.path())
        .env("PYTHONPATH", &folder)
        .env("KEYWARD_FUZZ_ORIGIN", server.origin())
        .env("KEYWARD_FUZZ_BASE_PATH", base_path)
        .env("KEYWARD_FUZZ_CLIENT_ID", client["client_id"].as_str().unwrap())
        .env(
            "KEYWARD_FUZZ_CLIENT_SECRET",
            client["client_secret"].as_str().unwrap(),
        )
        .env("KEYWARD_FUZZ_SETUP_TOKEN", setup.stdout.trim())
        .env("KEYWARD_FUZZ_SEEN", &seen)
        .env("KEYWARD_FUZZ_MAIL", database.folder.path().join("mail"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&fuzzed.stdout);
    let complained = String::from_utf8_lossy(&fuzzed.stderr);
    println!("{said}{complained}");
    assert!(
        fuzzed.status.success(),
        "the API fuzzer found something: see above"
    );

    let document = run(&["openapi"], &database.environment(), "");
    every_operation_succeeded_once(&document.stdout, &fs::read_to_string(seen).unwrap());

    let log = server.log_to_the_end();
    assert!(!log.contains("a bug in Keyward"), "{log}");
}

/// A fuzzer that gets nothing but refusals would find nothing and still pass.
fn every_operation_succeeded_once(document: &str, seen: &str) {
    let (document, seen): (Value, Value) = (
        serde_json::from_str(document).unwrap(),
        serde_json::from_str(seen).unwrap(),
    );
    println!("{seen}");
    let paths = document["paths"].as_object().unwrap().values();
    let operations: Vec<&str> = paths
        .flat_map(|path| path.as_object().unwrap().values())
        .filter_map(|operation| operation["operationId"].as_str())
        // It read the document at the start, and its hooks create the first administrator, which succeeds once.
        .filter(|operation| !["openapi", "setup"].contains(operation))
        .collect();
    assert!(operations.len() >= 48, "{operations:?}");
    for operation in operations {
        let statuses = seen[operation].as_object();
        let went_well = statuses.is_some_and(|all| all.keys().any(|status| status.starts_with('2')));
        assert!(went_well, "{operation} never went well: {}", seen[operation]);
    }
}

#[test]
fn every_answer_is_as_described_on_sqlite() {
    fuzz(Backend::Sqlite, "/api/v1/auth");
}

#[test]
fn every_answer_is_as_described_on_postgres_and_redis_with_the_routes_at_the_root() {
    fuzz(Backend::Fleet, "");
}
