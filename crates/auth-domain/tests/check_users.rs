//! The example `check_users`, which uses only the domain: its report and its exit code.

#![cfg(test)]

#[path = "../examples/check_users.rs"]
mod check_users;

use std::process::ExitCode;

/// The program reads its arguments and calls [`check_users::run`].
const _: fn() -> ExitCode = check_users::main;

/// The exit code and the output for a file in the example's folder and these roles.
fn run(arguments: &[&str]) -> (u8, String) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/users/");
    let mut arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    if let Some(file) = arguments.first_mut() {
        file.insert_str(0, folder);
    }
    let mut out = Vec::new();
    let code = check_users::run(&arguments, &mut out);
    (code, String::from_utf8(out).unwrap().replace(folder, ""))
}

#[test]
fn a_clean_file_is_accepted_in_both_formats() {
    assert_eq!(
        run(&["clean.csv", "support"]),
        (0, "3 of 3 users are accepted\n".to_owned())
    );
    assert_eq!(
        run(&["clean.jsonl"]),
        (0, "2 of 2 users are accepted\n".to_owned())
    );
}

#[test]
fn one_fault_of_each_kind_is_reported_with_its_line_and_without_a_hash() {
    let (code, said) = run(&["faulty.jsonl"]);
    let expected = [
        "line 2: email: An email address needs an @, as in name@example.com.",
        "line 3: email: line 1 has the same mailbox",
        "line 4: name: A name has no control characters and no text-direction marks.",
        "line 5: name: A name has no invisible characters; type it again instead of pasting it.",
        "line 6: password_hash: this is no password hash that can be verified here; Argon2, bcrypt (2a, 2b, 2y), scrypt and \
         PBKDF2 can",
        "line 7: password_hash: the password hash is malformed: a bcrypt hash has 22 characters of salt and 31 of hash",
        "line 8: password_hash: verifying the password hash would cost too much: Argon2 memory is over 512 MiB",
        "line 9: role: no role is called superuser",
        "line 10: role: a role is 1 to 32 characters of a-z, 0-9, _ and -, and starts with a letter",
        "line 11: status: a status is active or disabled",
        "line 12: the line is not a JSON object of texts",
        "line 13: email: Enter an email address.",
        "line 13: name: A name has no control characters and no text-direction marks.",
        "line 13: role: a role is 1 to 32 characters of a-z, 0-9, _ and -, and starts with a letter",
        "1 of 13 users are accepted",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    assert_eq!(code, 1);
}

#[test]
fn a_csv_line_that_does_not_fit_the_header_stops_no_other_line() {
    let (code, said) = run(&["faulty.csv"]);
    let expected = "line 2: the line has more or fewer fields than the header\nline 4: email: line 3 has the same mailbox\n1 of 3 \
                    users are accepted\n";
    assert_eq!((code, said.as_str()), (1, expected));
}

#[test]
fn a_missing_file_or_role_has_another_exit_code() {
    assert_eq!(run(&[]), (2, "usage: check_users FILE [ROLE]...\n".to_owned()));
    let (code, said) = run(&["none.csv"]);
    assert!(code == 2 && said.starts_with("none.csv: "), "{said}");
    assert_eq!(run(&["clean.csv", "Not A Role"]).0, 2);
    assert_eq!(
        run(&["clean.csv"]),
        (
            1,
            "line 3: role: no role is called support\n2 of 3 users are accepted\n".to_owned()
        )
    );
}
