//! Common and guessable passwords (docs/rules.md §4), and the bounded cost of the estimate.

use auth_domain::password::PasswordPolicy;

use super::password::{CONTEXT, STRONG, codes, codes_by, lengths_only};

#[test]
fn common_passwords_are_refused_in_any_case() {
    for password in [
        "password",
        "Password",
        "PASSWORD",
        "qwertyuiop",
        "1qaz2wsx",
        "trustno1",
        "sunshine",
        "pAsSwOrD",
    ] {
        assert_eq!(codes(password), ["common"], "{password}");
    }
}

#[test]
fn a_common_password_is_refused_even_if_any_score_is_allowed() {
    assert_eq!(codes_by(&lengths_only(), "password"), ["common"]);
    assert_eq!(codes_by(&lengths_only(), "password, but longer"), [""; 0]);
}

#[test]
fn a_known_word_with_scattered_capitals_is_still_a_known_word() {
    assert_eq!(codes("cOnStItUtIoNaLlY"), ["common"]);
}

#[test]
fn guessable_passwords_are_refused_with_the_reason() {
    let cases = [
        ("p4ssw0rd", "common password"),
        ("aaaaaaaaaaaa", "repeated"),
        ("abcabcabcabc", "repeated"),
        ("efghijklmno", "sequences"),
        ("qwsxcvfrewq", "patterns of keys"),
        ("12/03/1984", "dates"),
        ("antarctica", "word by itself"),
        ("montgomery", "names"),
    ];
    for (password, advice) in cases {
        let violations = PasswordPolicy::default()
            .accept(password.to_owned(), &CONTEXT)
            .map(|_| ())
            .unwrap_err();
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert_eq!(violations[0].code, "guessable", "{password}");
        assert!(
            violations[0].message.to_lowercase().contains(advice),
            "{password}: {}",
            violations[0].message
        );
        assert!(
            violations[0].message.contains("Add another word or two"),
            "{}",
            violations[0].message
        );
    }
}

#[test]
fn the_address_the_name_and_the_service_are_refused_as_passwords() {
    for password in [
        "ana.lima@example.com",
        "ANA.LIMA@EXAMPLE.COM",
        "Ana.Lima",
        "ana maria lima",
        "AnaMariaLima",
        "ａｎａ．ｌｉｍａ",
    ] {
        assert_eq!(codes(password), ["contains_personal_data"], "{password}");
    }
    assert_eq!(codes("keyward"), ["too_short", "contains_personal_data"]);
}

#[test]
fn the_local_part_counts_where_only_the_address_was_given() {
    let policy = PasswordPolicy {
        min_score: 0,
        ..PasswordPolicy::default()
    };
    let refused = policy
        .accept("zwinglihaus".to_owned(), &["zwinglihaus@example.com"])
        .map(|_| ())
        .unwrap_err();
    assert_eq!(refused[0].code, "contains_personal_data");
    assert!(policy.accept("zwinglihaus".to_owned(), &["", "  ", "@"]).is_ok());
}

#[test]
fn a_password_built_from_the_address_is_guessable() {
    for password in ["ana.lima1", "limaexample", "keyward123"] {
        assert_eq!(codes(password), ["guessable"], "{password}");
    }
    let stranger = PasswordPolicy::default().accept("zwinglihaus".to_owned(), &[]);
    assert!(stranger.is_ok(), "a stranger may have it");
    let owner = PasswordPolicy::default().accept("zwinglihaus7".to_owned(), &["zwinglihaus@example.com"]);
    assert_eq!(owner.map(|_| ()).unwrap_err()[0].code, "guessable");
}

#[test]
fn a_context_of_any_size_is_bounded() {
    let huge = "Ab9@".repeat(200_000);
    let many = vec!["aNaLiMaAnAlImA"; 500];
    let context: Vec<&str> = std::iter::once(huge.as_str()).chain(many).collect();
    assert!(
        PasswordPolicy::default()
            .accept(STRONG.to_owned(), &context)
            .is_ok()
    );
}

#[test]
fn only_the_first_hundred_characters_count_for_guessing() {
    assert_eq!(codes(&format!("{}{STRONG}", "a".repeat(100))), ["guessable"]);
    assert_eq!(codes(&format!("{STRONG}{}", "a".repeat(100))), [""; 0]);
}

#[test]
fn many_look_alike_symbols_do_not_make_the_estimate_slow() {
    // Without a bound, each of these takes about a second in a release build. They are 128 characters of all twenty symbols.
    let symbols = "4@8({[<3691!|70$5+%2";
    let many: String = symbols.chars().cycle().take(128).collect();
    assert_eq!(codes(&many), [""; 0]);
}

#[test]
fn a_long_context_word_in_scattered_capitals_overflows_nothing() {
    // zxcvbn multiplies the ways to capitalise a match. From 64 letters on the product no longer fits in 64 bits.
    let word: String = "abzdefghijklmnopqrstuvwxyc".chars().cycle().take(90).collect();
    let scattered: String = word
        .char_indices()
        .map(|(at, c)| if at % 2 == 0 { c.to_ascii_uppercase() } else { c })
        .collect();
    let policy = PasswordPolicy::default();
    assert!(policy.accept(format!("{scattered}!"), &[&word]).is_ok());
    assert_eq!(
        policy.accept(scattered, &[&word]).map(|_| ()).unwrap_err()[0].code,
        "contains_personal_data"
    );
}
