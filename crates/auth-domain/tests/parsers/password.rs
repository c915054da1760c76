//! The policy for new passwords (docs/rules.md §4; OWASP ASVS 5.0 §6.2; NIST SP 800-63B-4 §3.1.1.2).

use auth_domain::password::{
    MAX_PASSWORD_BYTES, NewPassword, PasswordPolicy, PasswordTooLong, PresentedPassword,
};
use auth_domain::settings::Section as _;
use proptest::prelude::*;

pub(super) const CONTEXT: [&str; 4] = ["Ana.Lima@example.com", "Ana.Lima", "Ana Maria Lima", "Keyward"];

/// A passphrase that zxcvbn accepts, for tests of other rules.
pub(super) const STRONG: &str = "four grey herons waiting";

pub(super) fn codes_by(policy: &PasswordPolicy, password: &str) -> Vec<&'static str> {
    match policy.accept(password.to_owned(), &CONTEXT) {
        Ok(_) => Vec::new(),
        Err(violations) => violations.iter().map(|violation| violation.code).collect(),
    }
}

pub(super) fn codes(password: &str) -> Vec<&'static str> {
    codes_by(&PasswordPolicy::default(), password)
}

fn accepted(password: &str) -> Option<NewPassword> {
    PasswordPolicy::default()
        .accept(password.to_owned(), &CONTEXT)
        .ok()
}

/// A policy that checks only lengths.
pub(super) fn lengths_only() -> PasswordPolicy {
    PasswordPolicy {
        min_score: 0,
        ..PasswordPolicy::default()
    }
}

#[test]
fn seven_code_points_are_too_few_and_eight_are_enough() {
    assert_eq!(codes_by(&lengths_only(), "zq7#Wv!"), ["too_short"]);
    assert_eq!(codes_by(&lengths_only(), "zq7#Wv!9"), [""; 0]);
    assert_eq!(codes_by(&lengths_only(), "水晶の夜明け前"), ["too_short"]);
    assert_eq!(codes_by(&lengths_only(), "水晶の夜明け前に"), [""; 0]);
    // zxcvbn counts ten guesses for each random character, so eight of them are 10^8: just enough.
    assert_eq!(codes("zq7#Wv!9"), [""; 0]);
    assert_eq!(codes(""), ["too_short", "guessable"]);
}

#[test]
fn sixty_four_and_128_characters_are_accepted_and_129_are_not() {
    let long: String = format!("{STRONG} and a small brown bear, ").repeat(4);
    for length in [64, 100, 101, 128] {
        assert_eq!(
            codes(&long.chars().take(length).collect::<String>()),
            [""; 0],
            "{length}"
        );
    }
    assert_eq!(
        codes(
            &long
                .chars()
                .chain("abcdefghi jklmnopq".chars())
                .take(129)
                .collect::<String>()
        ),
        ["too_long"]
    );
}

#[test]
fn length_is_counted_after_nfkc() {
    // Composed, these are eight letters; U+FB01 is two letters.
    assert_eq!(codes_by(&lengths_only(), &"e\u{301}".repeat(7)), ["too_short"]);
    assert_eq!(codes_by(&lengths_only(), &"e\u{301}".repeat(8)), [""; 0]);
    assert_eq!(
        codes_by(&lengths_only(), "\u{FB01}\u{FB01}\u{FB01}\u{FB01}"),
        [""; 0]
    );
    assert_eq!(
        codes_by(&lengths_only(), &"\u{FDFA}".repeat(8)),
        ["too_long"],
        "144 code points"
    );
}

#[test]
fn five_hundred_and_twelve_bytes_are_accepted_and_513_are_not() {
    let four_bytes_each = "𝕏😀".replace('𝕏', "😀").repeat(64);
    assert_eq!(four_bytes_each.len(), MAX_PASSWORD_BYTES);
    assert_eq!(codes_by(&lengths_only(), &four_bytes_each), [""; 0]);
    assert_eq!(
        codes_by(&lengths_only(), &format!("{four_bytes_each}a")),
        ["too_long"]
    );
    assert!(PresentedPassword::new("a".repeat(512)).is_ok());
    assert_eq!(
        PresentedPassword::new("a".repeat(513)).map(|_| ()),
        Err(PasswordTooLong)
    );
}

#[test]
fn the_bytes_are_counted_as_typed_so_that_every_registered_password_signs_in() {
    // Fifty-seven Korean syllables in parts: 513 bytes, though only 57 code points after NFKC.
    let in_parts = "\u{1112}\u{1161}\u{11AB}".repeat(57);
    assert_eq!(codes_by(&lengths_only(), &in_parts), ["too_long"]);
    assert_eq!(PresentedPassword::new(in_parts).map(|_| ()), Err(PasswordTooLong));
}

#[test]
fn an_over_long_password_is_refused_before_any_other_check() {
    let huge = "aB3$".repeat(5_000_000);
    let violations = PasswordPolicy::default().cheap_violations(&huge);
    assert_eq!(
        violations
            .iter()
            .map(|violation| violation.code)
            .collect::<Vec<_>>(),
        ["too_long"]
    );
    assert_eq!(codes(&huge), ["too_long"]);
    let over_in_code_points = "password".repeat(17);
    assert_eq!(
        codes(&over_in_code_points),
        ["too_long"],
        "weak too, but not estimated"
    );
}

#[test]
fn no_kinds_of_characters_are_required() {
    for password in [
        STRONG,
        "correctvioletumbrellas",
        "🦒🪗🧊🥝🛶🧲🪐🎻🧵",
        "сиреневый трактор поёт",
        "  two   far  hills  ",
        "83150276948",
    ] {
        assert_eq!(codes(password), [""; 0], "{password}");
    }
}

#[test]
fn an_emoji_of_several_code_points_is_accepted() {
    let family = "👩‍👩‍👧‍👦 picnic on the glacier";
    assert_eq!(
        accepted(family).map(|password| password.as_bytes().to_vec()),
        Some(family.as_bytes().to_vec())
    );
}

#[test]
fn control_characters_in_a_new_password_are_refused() {
    for control in ['\0', '\t', '\n', '\r', '\u{1B}', '\u{7F}', '\u{9B}'] {
        assert_eq!(
            codes(&format!("{STRONG}{control}")),
            ["control_character"],
            "{control:?}"
        );
        assert_eq!(
            codes(&format!("{control}{STRONG}")),
            ["control_character"],
            "{control:?}"
        );
    }
}

#[test]
fn every_byte_of_a_presented_password_counts() {
    for raw in ["\0x", "a\0b", "", " padded ", "tab\tand\r\nbreak", "é"] {
        let presented = PresentedPassword::new(raw.to_owned()).unwrap();
        assert_eq!(presented.as_typed(), raw.as_bytes());
        assert_eq!(presented.normalised().as_slice(), raw.as_bytes());
    }
}

#[test]
fn spaces_around_a_password_are_kept() {
    let typed = "  four grey herons ";
    assert_eq!(
        accepted(typed).map(|password| password.as_bytes().to_vec()),
        Some(typed.as_bytes().to_vec())
    );
    let trimmed = PresentedPassword::new(typed.trim().to_owned()).unwrap();
    assert_ne!(trimmed.normalised().as_slice(), typed.as_bytes());
}

#[test]
fn composed_and_decomposed_letters_are_the_same_password() {
    let registered = accepted("vingt-deux he\u{301}rons gris").unwrap();
    let presented = PresentedPassword::new("vingt-deux h\u{E9}rons gris".to_owned()).unwrap();
    assert_eq!(registered.as_bytes(), presented.normalised().as_slice());
    let decomposed = PresentedPassword::new("vingt-deux he\u{301}rons gris".to_owned()).unwrap();
    assert_eq!(decomposed.normalised().as_slice(), registered.as_bytes());
    assert_ne!(
        decomposed.as_typed(),
        presented.as_typed(),
        "foreign hashes see what was typed"
    );
}

#[test]
fn kinds_of_characters_can_be_required_and_every_missing_one_is_named() {
    let strict = PasswordPolicy {
        require_lowercase: true,
        require_uppercase: true,
        require_digit: true,
        require_symbol: true,
        ..lengths_only()
    };
    assert_eq!(
        codes_by(&strict, "水晶の夜"),
        [
            "too_short",
            "missing_lowercase",
            "missing_uppercase",
            "missing_digit",
            "missing_symbol"
        ]
    );
    assert_eq!(
        codes_by(&strict, "mauvezeppelin"),
        ["missing_uppercase", "missing_digit", "missing_symbol"]
    );
    assert_eq!(
        codes_by(&strict, "Mauve zeppelin 7"),
        [""; 0],
        "a space is a symbol"
    );
    assert_eq!(codes_by(&strict, "Жёлтый дирижабль ٣"), [""; 0], "in any script");
}

#[test]
fn every_broken_rule_is_named_at_once_with_its_fix() {
    let strict = PasswordPolicy {
        min_length: 12,
        require_digit: true,
        ..PasswordPolicy::default()
    };
    let violations = strict
        .accept("pass\tword".to_owned(), &CONTEXT)
        .map(|_| ())
        .unwrap_err();
    let found: Vec<_> = violations.iter().map(|violation| violation.code).collect();
    assert_eq!(
        found,
        ["too_short", "control_character", "missing_digit", "guessable"]
    );
    for violation in &violations {
        assert!(
            !violation.message.contains("pass\t") && violation.message.ends_with('.'),
            "{violation:?}"
        );
    }
    assert!(violations[0].message.contains("at least 12 characters"));
    assert_eq!(
        serde_json::to_value(&violations[2]).unwrap(),
        serde_json::json!({"code": "missing_digit", "message": "The password has no digit. Add one."})
    );
}

#[test]
fn the_cheap_check_has_the_same_rules() {
    let policy = PasswordPolicy {
        require_digit: true,
        ..PasswordPolicy::default()
    };
    let cheap: Vec<_> = policy
        .cheap_violations("pass\t")
        .iter()
        .map(|violation| violation.code)
        .collect();
    assert_eq!(cheap, ["too_short", "control_character", "missing_digit"]);
    assert!(
        PasswordPolicy::default().cheap_violations("password").is_empty(),
        "guessing is not among them"
    );
}

#[test]
fn a_policy_is_read_from_a_configuration_and_refuses_unknown_keys() {
    let policy: PasswordPolicy = serde_json::from_str(r#"{"min_length": 12}"#).unwrap();
    assert_eq!(
        policy,
        PasswordPolicy {
            min_length: 12,
            ..PasswordPolicy::default()
        }
    );
    assert!(serde_json::from_str::<PasswordPolicy>(r#"{"min_lenght": 12}"#).is_err());
}

#[test]
fn an_impossible_policy_names_all_its_faults() {
    let keys = |policy: &PasswordPolicy| -> Vec<&str> {
        policy
            .validate()
            .into_iter()
            .map(|complaint| complaint.key)
            .collect()
    };
    assert_eq!(keys(&PasswordPolicy::default()), [""; 0]);
    let absurd = PasswordPolicy {
        min_length: 0,
        max_length: 4_096,
        min_score: 9,
        ..PasswordPolicy::default()
    };
    assert_eq!(keys(&absurd), ["min_length", "max_length", "min_score"]);
    let crossed = PasswordPolicy {
        min_length: 40,
        max_length: 20,
        ..PasswordPolicy::default()
    };
    assert_eq!(keys(&crossed), ["max_length"]);
}

#[test]
fn no_debug_output_shows_a_password() {
    assert_eq!(format!("{:?}", accepted(STRONG)), "Some(NewPassword(…))");
    assert_eq!(
        format!("{:?}", PresentedPassword::new(STRONG.to_owned())),
        "Ok(PresentedPassword(…))"
    );
    assert_eq!(
        PasswordTooLong.to_string(),
        "The password is longer than 512 bytes."
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_policy_is_total_and_takes_nothing_out_of_its_bounds(raw in any::<String>()) {
        if let Ok(password) = PasswordPolicy::default().accept(raw.clone(), &CONTEXT) {
            let text = std::str::from_utf8(password.as_bytes()).unwrap();
            prop_assert!((8..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control));
            // A user who registered with it can sign in with it.
            let presented = PresentedPassword::new(raw).unwrap().normalised();
            prop_assert_eq!(presented.as_slice(), password.as_bytes());
        }
    }

    #[test]
    fn a_refusal_never_repeats_the_password(raw in "[a-z]{4,11}Q") {
        for violation in PasswordPolicy::default().accept(raw.clone(), &[]).map(|_| ()).err().unwrap_or_default() {
            prop_assert!(!violation.message.contains(&raw));
        }
    }

    #[test]
    fn normalising_twice_changes_nothing(raw in "\\PC{0,40}") {
        let once = PresentedPassword::new(raw).unwrap().normalised();
        let text = String::from_utf8(once.to_vec()).unwrap();
        if let Ok(again) = PresentedPassword::new(text) {
            prop_assert_eq!(again.normalised(), once);
        }
    }
}
