//! `user` and `session`.

use crate::harness::{PASSWORD, Place, mode};

#[test]
fn a_user_is_created_from_standard_input_and_found_again() {
    let place = Place::new();
    let arguments = [
        "user",
        "create",
        "Ada@Example.com",
        "--name",
        "Ada",
        "--role",
        "admin",
        "--password-stdin",
        "--email-verified",
        "--json",
    ];
    let made = place
        .run_with(&arguments, &format!("{PASSWORD}\nnot this\n"))
        .json();
    assert_eq!(
        (made["email"].as_str(), made["role"].as_str()),
        (Some("Ada@example.com"), Some("admin"))
    );
    assert_eq!(
        (made["status"].as_str(), made["email_verified"].as_bool()),
        (Some("active"), Some(true))
    );
    let id = made["id"].as_str().unwrap();
    for who in [id, "ada@example.com"] {
        let mut shown = place.run(&["user", "show", who, "--json"]).json();
        let password = shown.as_object_mut().unwrap().remove("password");
        assert_eq!((password, &shown), (Some(serde_json::json!("argon2id")), &made));
    }
    assert!(
        place
            .run(&["user", "show", id])
            .good()
            .contains("last sign-in    never")
    );
    assert_eq!(
        place.run(&["user", "list", "--json"]).json(),
        serde_json::json!([made])
    );
    assert_eq!(
        (
            mode(&place.data()),
            mode(&place.data().join("keyward.db")) & 0o077
        ),
        (0o700, 0)
    );
}

#[test]
fn an_operator_sees_how_the_password_of_a_user_is_kept() {
    let place = Place::new();
    place.user("ada@example.com", "user");
    place
        .run(&["user", "create", "bob@example.com", "--no-password"])
        .good();
    let csv =
        "email,password_hash\neve@example.com,$2y$10$abcdefghijklmnopqrstuu5Lo0g67CiD3M4RpN1BmBb4Crp5w7dbK\n";
    let file = place.file("users.csv", csv);
    place.run(&["user", "import", &file]).good();
    let kept = |who: &str| {
        let shown = place.run(&["user", "show", who]).good();
        let line = shown.lines().find(|line| line.starts_with("password ")).unwrap();
        line["password ".len()..].trim().to_owned()
    };
    let all = ["ada", "bob", "eve"].map(|name| kept(&format!("{name}@example.com")));
    assert_eq!(all, ["argon2id", "none", "imported (bcrypt)"]);
    place.run(&["user", "lock-out", "ada@example.com"]).good();
    assert_eq!(kept("ada@example.com"), "none (locked out)");
}

#[test]
fn an_invalid_user_is_refused_with_the_reason() {
    let place = Place::new();
    let create = |email: &str, input: &str, more: &[&str]| {
        place.run_with(
            &[&["user", "create", email, "--password-stdin"], more].concat(),
            input,
        )
    };
    let output = create("ada@example.com", "short\n", &[]).refused(1);
    assert!(
        output.contains("the password is refused") && !output.contains("short\n"),
        "{output}"
    );
    assert!(create("nobody", PASSWORD, &[]).refused(1).contains('@'));
    assert!(
        create("ada@example.com", "", &[])
            .refused(2)
            .contains("standard input")
    );
    assert!(
        create("ada@example.com", PASSWORD, &["--role", "root"])
            .refused(2)
            .contains("user, viewer, admin and those of [roles]")
    );
    create("ada@example.com", PASSWORD, &[]).good();
    assert!(
        create("ADA@example.com", PASSWORD, &[])
            .refused(1)
            .contains("taken")
    );
    // There is no terminal to prompt at.
    let output = place.run(&["user", "create", "eve@example.com"]).refused(2);
    assert!(output.contains("--password-stdin"), "{output}");
}

#[test]
fn a_list_is_filtered_and_paged_without_losing_a_user() {
    let place = Place::new();
    let lines: String = (0..250)
        .map(|number| format!("user{number}@example.com\n"))
        .collect();
    let file = place.file("users.csv", &format!("email\n{lines}"));
    place.run(&["user", "import", &file]).good();
    place.user("root@example.com", "admin");
    let list = |more: &[&str]| {
        let found = place.run(&[&["user", "list", "--json"], more].concat()).json();
        found.as_array().unwrap().len()
    };
    assert_eq!(list(&[]), 251);
    assert_eq!(list(&["--limit", "120"]), 120);
    assert_eq!(list(&["--limit", "0"]), 0);
    assert_eq!(list(&["--role", "admin"]), 1);
    assert_eq!(list(&["--query", "user24"]), 11);
    assert_eq!(list(&["--status", "disabled"]), 0);
    place.run(&["user", "list", "--status", "gone"]).refused(2);
    assert_eq!(
        place
            .run(&["user", "list", "--limit", "3"])
            .good()
            .lines()
            .count(),
        4
    );
}

#[test]
fn a_user_is_changed_and_deleted_and_the_last_administrator_is_kept() {
    let place = Place::new();
    place.user("root@example.com", "admin");
    place.user("ada@example.com", "user");
    for last in [
        &["user", "delete", "root@example.com"][..],
        &["user", "disable", "root@example.com"],
        &["user", "set-role", "root@example.com", "viewer"],
    ] {
        let output = place.run(last).refused(1);
        assert!(
            output.contains("root@example.com (") && output.contains("is the last administrator"),
            "{output}"
        );
    }
    place
        .run(&["user", "set-role", "ada@example.com", "admin"])
        .good();
    place.run(&["user", "disable", "root@example.com"]).good();
    let root = place.run(&["user", "show", "root@example.com", "--json"]).json();
    assert_eq!(root["status"], "disabled");
    place.run(&["user", "enable", "root@example.com"]).good();
    place.run(&["user", "delete", "ada@example.com", "--yes"]).good();
    assert!(
        place
            .run(&["user", "show", "ada@example.com"])
            .refused(1)
            .contains("there is no user with the address ada@example.com")
    );
    place
        .run(&["user", "set-role", "root@example.com", "emperor"])
        .refused(2);
    place.run(&["user", "show", "who?"]).refused(2);
}

#[tokio::test]
async fn a_change_by_the_operator_takes_effect_on_a_running_server_within_a_second() {
    let place = Place::new();
    place.user("ada@example.com", "user");
    let server = place.serve(&[]);
    let http = reqwest::Client::new();
    let login = |password: &'static str| {
        let body = serde_json::json!({ "email": "ada@example.com", "password": password });
        http.post(server.url("/login")).json(&body).send()
    };
    let tokens: serde_json::Value = login(PASSWORD).await.unwrap().json().await.unwrap();
    let access = tokens["access_token"].as_str().unwrap().to_owned();
    let status = || async {
        http.get(server.url("/me"))
            .bearer_auth(&access)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(status().await, 200);

    let sessions = place
        .run(&["session", "list", "ada@example.com", "--json"])
        .json();
    assert_eq!(
        (sessions.as_array().unwrap().len(), sessions[0]["live"].as_bool()),
        (1, Some(true))
    );
    let id = sessions[0]["id"].as_str().unwrap();
    place.run(&["session", "end", id]).good();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(2);
    while status().await != 401 {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the ended session lives on"
        );
    }
    let ended = place
        .run(&[
            "session",
            "list",
            "ada@example.com",
            "--status",
            "ended",
            "--json",
        ])
        .json();
    assert_eq!(ended[0]["end_reason"], "ended_by_admin");
    assert!(
        place
            .run(&["session", "list", "ada@example.com", "--status", "all"])
            .good()
            .contains("ended_by_admin")
    );

    let new = "an entirely different battery";
    place
        .run_with(
            &["user", "set-password", "ada@example.com", "--password-stdin"],
            new,
        )
        .good();
    assert_eq!(login(PASSWORD).await.unwrap().status(), 401);
    assert_eq!(login(new).await.unwrap().status(), 200);
    let output = place
        .run(&["session", "end", "--all-of", "ada@example.com"])
        .good();
    assert_eq!(output, "ended 1 session of ada@example.com\n");
    place.run(&["session", "end", "no-id"]).refused(2);
    place.run(&["session", "end", id]).good();
}

#[test]
fn what_is_missing_taken_or_malformed_is_named() {
    let place = Place::new();
    place.user("root@example.com", "admin");
    let root = place.run(&["user", "show", "root@example.com", "--json"]).json();
    let id = root["id"].as_str().unwrap();
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (arguments, code, expected) in [
        (
            &["user", "show", unknown][..],
            1,
            format!("there is no user {unknown}"),
        ),
        (
            &["session", "list", "eve@example.com"],
            1,
            "there is no user with the address eve@example.com".to_owned(),
        ),
        (
            &["api-key", "list", "eve@example.com"],
            1,
            "there is no user with the address eve@example.com".to_owned(),
        ),
        (
            &["audit", "list", "--user", "eve@example.com"],
            1,
            "there is no user with the address eve@example.com".to_owned(),
        ),
        (
            &["session", "end", "--all-of", unknown],
            1,
            format!("there is no user {unknown}"),
        ),
        (
            &["session", "end", unknown],
            1,
            format!("there is no session {unknown}"),
        ),
        (
            &["session", "end", "7"],
            2,
            "\"7\" is not the ID of a session".to_owned(),
        ),
        (
            &["api-key", "revoke", "root@example.com", unknown],
            1,
            format!("there is no API key {unknown} of root@example.com"),
        ),
        (
            &["client", "delete", "billing"],
            1,
            "there is no client \"billing\"".to_owned(),
        ),
        (
            &["user", "create", "ROOT@example.com", "--no-password"],
            1,
            format!("the address root@example.com is already taken by the user {id}"),
        ),
        (
            &["user", "create", "nowhere", "--no-password"],
            1,
            "\"nowhere\" is not a valid email address".to_owned(),
        ),
        (
            &["user", "set-role", "root@example.com", "king"],
            2,
            "there is no role \"king\"".to_owned(),
        ),
        (
            &["user", "list", "--role", "king"],
            2,
            "there is no role \"king\"".to_owned(),
        ),
    ] {
        let output = place.run(arguments).refused(code);
        assert!(output.contains(&expected), "{arguments:?}: {output}");
    }
    let help = place.run(&["user", "list", "--help"]).good();
    assert!(help.contains("begins with"), "{help}");
}
