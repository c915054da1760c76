//! `config`, and how a wrong configuration ends any command.

use crate::harness::Place;

#[test]
fn an_unknown_key_ends_with_2_and_the_nearest_name() {
    let place = Place::new()
        .with("KEYWARD__TOKENS__ACESS_TTL", "1h")
        .with("KEYWARD__SESSION__MAX_PER_USER", "0");
    for command in [&["serve"][..], &["config", "check"], &["user", "list"]] {
        let told = place.run(command).refused(2);
        assert!(told.contains("did you mean tokens.access_ttl"), "{told}");
    }
    assert!(!place.data().exists());
}

#[test]
fn every_wrong_value_is_told_at_once() {
    let place = Place::new()
        .with("KEYWARD__SESSION__MAX_PER_USER", "0")
        .with("KEYWARD__TOKENS__LEEWAY", "1d");
    let told = place.run(&["config", "check"]).refused(2);
    assert!(
        told.contains("2 problems")
            && told.contains("session.max_per_user")
            && told.contains("tokens.leeway"),
        "{told}"
    );
}

#[test]
fn a_file_is_read_where_it_usually_lies_or_where_it_is_named() {
    let place = Place::new();
    place.file("config/keyward.toml", "[service]\nname = \"Usual\"\n");
    assert!(place.run(&["config", "show"]).good().contains("name = \"Usual\""));
    let other = place.file("other.toml", "[service]\nname = \"Other\"\n");
    let shown = place.run(&["config", "show", "--config", &other]).good();
    assert!(
        shown.contains("name = \"Other\"") && shown.contains("other.toml line 2"),
        "{shown}"
    );
    let told = place
        .run(&["config", "check", "--config", "missing.toml"])
        .refused(2);
    assert!(told.contains("missing.toml: can't be read"), "{told}");
}

#[test]
fn what_is_in_force_is_shown_with_its_origin_and_without_secrets() {
    let secret = "a shared secret that nobody is to see";
    let place = Place::new()
        .with("KEYWARD__TOKENS__ALGORITHM", "HS256")
        .with("JWT_SECRET", secret)
        .with("DATABASE_URL", "postgres://kw:hunter2@db/kw");
    let text = place.run(&["config", "show"]).good();
    assert!(!text.contains(secret) && !text.contains("hunter2"), "{text}");
    assert!(text.contains("# environment JWT_SECRET") && text.contains("postgres://kw:********@db/kw"));
    let keys = place.run(&["config", "show", "--json"]).json();
    let of = |name: &str| {
        keys.as_array()
            .unwrap()
            .iter()
            .find(|key| key["key"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(of("tokens.secret")["value"], "********");
    assert_eq!(
        of("tokens.algorithm")["origin"],
        "environment KEYWARD__TOKENS__ALGORITHM"
    );
    assert_eq!(of("redis.url")["value"], serde_json::Value::Null);
    assert_eq!(
        place.run(&["config", "check"]).good(),
        "the configuration is right\n"
    );
}

#[test]
fn a_short_master_key_ends_with_2_and_is_not_shown() {
    let place = Place::new().with("KEYWARD_MASTER_KEY", "c2hvcnQgYnV0IHNlY3JldA==");
    let told = place.run(&["serve"]).refused(2);
    assert!(
        told.contains("KEYWARD_MASTER_KEY") && told.contains("openssl rand -base64 32"),
        "{told}"
    );
    assert!(!told.contains("c2hvcnQg"));
}

#[test]
fn a_database_address_of_no_known_kind_ends_with_2() {
    let place = Place::new().with("DATABASE_URL", "mysql://root:hunter2@db/kw");
    let told = place.run(&["serve"]).refused(2);
    assert!(
        told.contains("database.url (environment DATABASE_URL)") && !told.contains("hunter2"),
        "{told}"
    );
}

#[test]
fn wrong_usage_ends_with_2_and_help_with_0() {
    let place = Place::new();
    place.run(&["--help"]).good();
    place.run(&["user", "import", "--help"]).good();
    for wrong in [
        &["sreve"][..],
        &["user", "create"],
        &["serve", "--port", "1"],
        &["session", "end"],
        &[],
    ] {
        place.run(wrong).refused(2);
    }
}

#[test]
fn the_version_the_completions_and_the_api_are_printed() {
    let place = Place::new();
    let version = place.run(&["version", "--json"]).json();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        place.run(&["version"]).good(),
        format!("keyward {}\n", env!("CARGO_PKG_VERSION"))
    );
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            place.run(&["completions", shell]).good().contains("set-password"),
            "{shell}"
        );
    }
    let api = place.run(&["openapi"]).json();
    assert!(api["paths"]["/api/v1/auth/login"]["post"].is_object());
    assert!(!place.data().exists());
}
