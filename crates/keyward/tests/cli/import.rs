//! `user import`: users of other services, whose passwords stay valid.

use crate::harness::Place;
use serde_json::{Value, json};

/// The word `password`, hashed by other programs: glibc's crypt, Python's hashlib, Argon2's reference implementation.
const HASHES: [(&str, &str); 5] = [
    (
        "bcrypt",
        "$2y$10$abcdefghijklmnopqrstuu5Lo0g67CiD3M4RpN1BmBb4Crp5w7dbK",
    ),
    (
        "scrypt",
        "$scrypt$ln=10,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$BVMRKqdiVYikKAaPR1wucsKUKvw4TuPLkdEYtoSHas4",
    ),
    (
        "pbkdf2",
        "$pbkdf2-sha256$i=2000,l=32$c2FsdHNhbHRzYWx0c2FsdA$eTkYRrRW50jh5lp8w+UMzjIw83+DWb2TunmA8jyzxq0",
    ),
    (
        "django",
        "pbkdf2_sha256$2000$saltsalt$CQx1OQiHI9h0tXUdTDIOorPzyUqcl/iSXPL/bx+cMg8=",
    ),
    (
        "argon2",
        "$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG",
    ),
];

fn csv() -> String {
    let line = |(name, hash): &(&str, &str)| {
        format!("{name}@example.com,{name},\"{hash}\",user,active,true,2021-03-04T05:06:07Z\n")
    };
    let lines: String = HASHES.iter().map(line).collect();
    format!("email,name,password_hash,role,status,email_verified,created_at\n{lines}")
}

fn users(place: &Place) -> Vec<Value> {
    place
        .run(&["user", "list", "--json"])
        .json()
        .as_array()
        .unwrap()
        .clone()
}

#[tokio::test]
async fn users_with_hashes_of_every_kind_sign_in_with_their_old_password_twice() {
    let place = Place::new();
    let file = place.file("users.csv", &csv());
    assert_eq!(
        place.run(&["user", "import", &file]).good(),
        "imported 5 of 5 lines; refused 0\n"
    );
    let server = place.serve(&[]);
    let http = reqwest::Client::new();
    // The second sign-in is against the hash that the first one wrote.
    for (name, _) in HASHES.iter().chain(&HASHES) {
        let body = |password: &str| json!({ "email": format!("{name}@example.com"), "password": password });
        let wrong = http
            .post(server.url("/login"))
            .json(&body("Password"))
            .send()
            .await
            .unwrap();
        assert_eq!(wrong.status(), 401, "{name}");
        let right = http
            .post(server.url("/login"))
            .json(&body("password"))
            .send()
            .await
            .unwrap();
        assert_eq!(right.status(), 200, "{name}");
        let answer: Value = right.json().await.unwrap();
        assert_eq!(
            answer["user"]["created_at"].as_str().unwrap().get(..19),
            Some("2021-03-04T05:06:07")
        );
        assert_eq!(answer["user"]["email_verified"], true);
    }
}

#[test]
fn a_dry_run_reports_the_same_and_changes_nothing() {
    let place = Place::new();
    place.user("bcrypt@example.com", "user");
    let file = place.file("users.csv", &csv());
    let dry = place.run(&["user", "import", &file, "--dry-run", "--json"]);
    assert_eq!(
        (dry.code, dry.err.as_str()),
        (1, "line 2: email: a user with this address already exists\n")
    );
    let summary: Value = serde_json::from_str(&dry.out).unwrap();
    assert_eq!(
        summary,
        json!({ "dry_run": true, "lines": 5, "imported": 4, "refused": 1 })
    );
    assert_eq!(users(&place).len(), 1);
    let real = place.run(&["user", "import", &file, "--json"]);
    assert_eq!(
        (real.code, real.err.as_str()),
        (1, "line 2: email: a user with this address already exists\n")
    );
    assert_eq!(users(&place).len(), 5);
}

#[test]
fn invalid_lines_are_reported_without_their_hash_and_do_not_stop_the_valid_ones() {
    let place = Place::new();
    let lines = [
        json!({ "email": "good@example.com", "password_hash": HASHES[0].1, "role": "viewer", "status": "disabled" }),
        json!({ "email": "nobody" }),
        json!({ "email": "GOOD@example.com" }),
        json!({ "email": "a@example.com", "password_hash": "$2b$10$hunter2hunter2" }),
        json!({ "email": "b@example.com", "password_hash": "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$k5kVWxGFhTqFnVsFqHnVoZBNrGoc0Zh0LpBQJ1p4n1k" }),
        json!({ "email": "c@example.com", "role": "root" }),
        json!({ "email": "d@example.com", "status": "gone", "created_at": "yesterday" }),
        json!({ "email": "e@example.com", "passwd": "hunter2" }),
        json!({ "email": "f@example.com", "name": 7 }),
        json!({ "email": "last@example.com", "name": null, "email_verified": false }),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let file = place.file("users.jsonl", &format!("{text}not json hunter2\n"));
    let report = place.path("report.txt").display().to_string();
    let ended = place.run(&["user", "import", &file, "--report", &report]);
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (1, "imported 2 of 11 lines; refused 9\n")
    );
    assert_eq!(ended.err, "");
    let report = std::fs::read_to_string(report).unwrap();
    let expected = [
        "line 2: email:",
        "line 3: email: the same address is on line 1",
        "line 4: password_hash:",
        "line 5: password_hash: verifying the password hash would cost too much",
        "line 6: role: no role is called root",
        "line 7: status: a status is active or disabled; created_at:",
        "line 8: has an unknown field: passwd; did you mean password_hash?",
        "line 9: name must be a string",
        "line 11: is not valid JSON",
    ];
    // A taken address is found when its batch is stored, the others at once.
    assert_eq!(report.lines().count(), expected.len(), "{report}");
    for (line, start) in report.lines().zip(expected) {
        assert!(line.starts_with(start), "{line}");
    }
    assert!(!report.contains("hunter2"));
    let found = users(&place);
    assert_eq!(found.len(), 2);
    let good = found
        .iter()
        .find(|user| user["email"] == "good@example.com")
        .unwrap();
    assert_eq!(
        (good["role"].as_str(), good["status"].as_str()),
        (Some("viewer"), Some("disabled"))
    );
}

#[test]
fn a_file_is_read_from_standard_input_if_its_format_is_given() {
    let place = Place::new();
    place
        .run_with(&["user", "import", "-"], "email\na@example.com\n")
        .refused(2);
    let out = place
        .run_with(
            &["user", "import", "-", "--format", "csv"],
            "email\na@example.com\n",
        )
        .good();
    assert_eq!(out, "imported 1 of 1 lines; refused 0\n");
}

#[test]
fn a_file_that_is_not_a_list_of_users_is_refused_as_a_whole() {
    let place = Place::new();
    let header = place.file("users.csv", "email,pasword_hash\na@example.com,x\n");
    assert!(
        place
            .run(&["user", "import", &header])
            .refused(1)
            .contains("did you mean password_hash?")
    );
    assert!(
        place
            .run(&["user", "import", "missing.csv"])
            .refused(1)
            .contains("missing.csv can't be read")
    );
    let unwritable = ["user", "import", header.as_str(), "--report", "/proc/no/report"];
    assert!(place.run(&unwritable).refused(1).contains("can't be created"));
    assert_eq!(users(&place).len(), 0);
}

#[test]
fn thousands_of_lines_are_stored_in_batches_beside_a_running_server() {
    let place = Place::new();
    let server = place.serve(&[]);
    let lines: String = (0..2_345)
        .map(|number| format!("user{number}@example.com,{}\n", HASHES[2].1))
        .collect();
    let quoted = lines.replace(",$", ",\"$").replace("\n", "\"\n");
    let file = place.file("users.csv", &format!("email,password_hash\n{quoted}"));
    assert_eq!(
        place.run(&["user", "import", &file]).good(),
        "imported 2345 of 2345 lines; refused 0\n"
    );
    let again = place.run(&["user", "import", &file, "--json"]);
    assert_eq!(again.code, 1);
    assert_eq!(
        serde_json::from_str::<Value>(&again.out).unwrap()["refused"],
        2_345
    );
    assert_eq!(users(&place).len(), 2_345);
    assert!(server.origin.starts_with("http://127.0.0.1:"));
}

#[test]
fn an_unclosed_quote_is_reported_with_the_lines_that_it_joined_and_the_totals_match_the_file() {
    let place = Place::new();
    let lines: Vec<String> = (2..=1_000)
        .map(|line| match line {
            501 => "user501@example.com,\"Ada".to_owned(),
            _ => format!("user{line}@example.com,Ada"),
        })
        .collect();
    let file = place.file("users.csv", &format!("email,name\n{}\n", lines.join("\n")));
    let ended = place.run(&["user", "import", &file]);
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (1, "imported 499 of 999 lines; refused 500\n")
    );
    let expected =
        "lines 501-1000: a quotation mark is opened on line 501 and never closed; 499 lines after it";
    assert!(ended.err.starts_with(expected), "{}", ended.err);
    assert_eq!(ended.err.lines().count(), 1);
    assert_eq!(users(&place).len(), 499);
    let dry = place.run(&["user", "import", &file, "--dry-run", "--json"]);
    let summary: Value = serde_json::from_str(&dry.out).unwrap();
    assert_eq!(
        summary,
        json!({ "dry_run": true, "lines": 999, "imported": 0, "refused": 999 })
    );
}

#[test]
fn a_record_of_several_lines_is_named_by_its_first_and_last_line() {
    let place = Place::new();
    let text = "email,name\na@example.com,\"Ada\nb@example.com,Bob\nc@example.com,\"\"\"Cy\"\"\"\nd@example.com,\"\"\n\
                e@example.com,\"E\n\nf\"\ng@example.com,5\" pipe\n";
    let file = place.file("users.csv", text);
    let ended = place.run(&["user", "import", &file]);
    // The quote of line 2 is closed by the first one of line 4.
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (1, "imported 2 of 8 lines; refused 6\n"),
        "{}",
        ended.err
    );
    let starts = [
        "lines 2-4: a quoted field that begins on line 2 ends on line 4",
        "lines 6-8: a quoted field that begins on line 6 ends on line 8",
    ];
    for (line, start) in ended.err.lines().zip(starts) {
        assert!(line.starts_with(start), "{line}");
    }
    assert_eq!(ended.err.lines().count(), starts.len());
}

#[test]
fn a_header_with_other_delimiters_is_refused_because_columns_are_separated_by_commas() {
    let place = Place::new();
    for (header, named) in [
        ("email;name", "';'"),
        ("email\tname", "tabs"),
        ("email|name", "'|'"),
    ] {
        let file = place.file("users.csv", &format!("{header}\na@example.com\n"));
        let output = place.run(&["user", "import", &file]).refused(1);
        assert!(output.contains(named) && output.contains("commas"), "{output}");
        assert!(!output.contains("did you mean"), "{output}");
    }
}

#[test]
fn the_times_that_psql_prints_are_accepted() {
    let place = Place::new();
    let text = "email,created_at\na@example.com,2024-02-29 12:00:00+00\nb@example.com,2024-02-29 17:30:00.25+05:30\n\
                c@example.com,2024-02-29 12:00:00\nd@example.com,2024-02-29\n";
    let file = place.file("users.csv", text);
    assert_eq!(
        place.run(&["user", "import", &file]).good(),
        "imported 4 of 4 lines; refused 0\n"
    );
    let show = |email: &str| place.run(&["user", "show", email, "--json"]).json();
    for (email, at) in [
        ("a@example.com", "2024-02-29T12:00:00Z"),
        ("b@example.com", "2024-02-29T12:00:00.250Z"),
        ("c@example.com", "2024-02-29T12:00:00Z"),
        ("d@example.com", "2024-02-29T00:00:00Z"),
    ] {
        assert_eq!(show(email)["created_at"], at, "{email}");
    }
}
