//! JSON bodies, as the routes parse them: an accepted body is one object with known members, each of them once. A refused body gets a short 400
//! or 422.
//!
//! The first byte of the input selects the route.

use auth_api::{
    api::{
        login::LoginBody, logout::LogoutBody, me::RenameBody, refresh::RefreshBody, register::RegisterBody,
        setup::SetupBody,
    },
    http::{
        json::{self, FromMembers},
        problem::Problem,
    },
};
use serde_json::{Map, Value};

/// Checks the properties of this module for an input.
///
/// # Panics
/// If a property does not hold.
pub fn check(input: &[u8]) {
    let (chosen, body) = crate::choice(input);
    match chosen % 6 {
        0 => of::<RegisterBody>(body, &["email", "password", "name"], &["email", "password"]),
        1 => of::<LoginBody>(body, &["email", "password"], &["email", "password"]),
        2 => of::<RefreshBody>(body, &["refresh_token"], &["refresh_token"]),
        3 => of::<LogoutBody>(body, &["refresh_token"], &[]),
        4 => of::<RenameBody>(body, &["name"], &["name"]),
        _ => of::<SetupBody>(
            body,
            &["token", "email", "password", "name"],
            &["token", "email", "password"],
        ),
    }
}

fn of<T: FromMembers>(body: &[u8], known: &[&str], needed: &[&str]) {
    let refused = match json::parse::<T>(body) {
        Ok(_) => return check_accepted::<T>(body, known, needed),
        Err(refused) => refused,
    };
    check_refusal(&refused, body, known);
}

fn check_accepted<T: FromMembers>(body: &[u8], known: &[&str], needed: &[&str]) {
    let object: Map<String, Value> = serde_json::from_slice(body).expect("what is accepted is an object");
    assert!(
        object.keys().all(|name| known.contains(&name.as_str())),
        "only known members"
    );
    assert!(
        needed.iter().all(|name| object.contains_key(*name)),
        "all required members"
    );
    assert!(object.values().all(|value| value.is_string() || value.is_null()));
    let again = serde_json::to_vec(&object).expect("JSON");
    assert!(
        json::parse::<T>(&again).is_ok(),
        "it is also accepted after a round trip"
    );
    // With one more member it is refused.
    let mut more = object;
    more.insert("admin".to_owned(), Value::Bool(true));
    assert!(
        json::parse::<T>(&serde_json::to_vec(&more).expect("JSON")).is_err(),
        "an unknown member"
    );
}

fn check_refusal(refused: &Problem, body: &[u8], known: &[&str]) {
    let status = refused.code().status();
    let is_json = serde_json::from_slice::<Value>(body).is_ok();
    assert!([400, 422].contains(&status), "{status}");
    assert!(status == 422 || !is_json, "400 means that the body is not JSON");
    assert_eq!(
        status == 422,
        !refused.errors().is_empty(),
        "422 names the member"
    );
    assert!(refused.errors().len() <= 32, "a short answer");
    for error in refused.errors() {
        let ours = known.contains(&error.field.as_str()) || error.field.is_empty();
        let copied = ["unknown_field", "duplicate_field"].contains(&&*error.code);
        assert!(ours || copied, "{} is not a member of the body", error.field);
    }
}
