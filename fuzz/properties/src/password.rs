//! Passwords: an accepted new password is NFKC and meets the policy, in whatever form it was typed. A presented password is not changed.
//!
//! The first byte of the input selects the policy.

use auth_domain::{
    password::{MAX_PASSWORD_BYTES, PasswordPolicy, PresentedPassword},
    settings::Section as _,
};
use unicode_normalization::UnicodeNormalization;

const CODES: [&str; 10] = [
    "too_short",
    "too_long",
    "control_character",
    "missing_lowercase",
    "missing_uppercase",
    "missing_digit",
    "missing_symbol",
    "contains_personal_data",
    "common",
    "guessable",
];

/// Checks the properties of this module for an input.
///
/// # Panics
/// If a property does not hold.
pub fn check(input: &[u8]) {
    let (chosen, rest) = crate::choice(input);
    let raw = crate::text(rest);
    check_presented(raw);
    let set = |bit: u8| chosen & (1 << bit) != 0;
    let policy = PasswordPolicy {
        min_score: if set(0) { 0 } else { 3 },
        require_lowercase: set(1),
        require_uppercase: set(2),
        require_digit: set(3),
        require_symbol: set(4),
        ..PasswordPolicy::default()
    };
    assert!(policy.validate().is_empty());
    let cheap: Vec<&str> = policy
        .cheap_violations(raw)
        .iter()
        .map(|broken| broken.code)
        .collect();
    match policy.accept(raw.to_owned(), &["ada@example.com", "Ada Lovelace", "Keyward"]) {
        Ok(accepted) => {
            assert!(
                cheap.is_empty(),
                "the cheap checks refused an accepted password: {cheap:?}"
            );
            let kept = std::str::from_utf8(accepted.as_bytes()).expect("UTF-8");
            assert_eq!(kept, raw.nfkc().collect::<String>(), "what is hashed is NFKC");
            assert!((8..=128).contains(&kept.chars().count()), "8 to 128 characters");
            assert!(!kept.chars().any(char::is_control), "no control characters");
            let presented = PresentedPassword::new(raw.to_owned()).expect("it can be signed in with");
            assert_eq!(
                presented.normalised().as_slice(),
                accepted.as_bytes(),
                "and has the same bytes then"
            );
        }
        Err(broken) => {
            let codes: Vec<&str> = broken.iter().map(|rule| rule.code).collect();
            assert!(
                !codes.is_empty() && codes.iter().all(|code| CODES.contains(code)),
                "{codes:?}"
            );
            assert!(
                cheap.iter().all(|code| codes.contains(code)),
                "{cheap:?} and not in {codes:?}"
            );
            let mut once = codes.clone();
            once.dedup();
            assert_eq!(once, codes, "each rule is named once");
        }
    }
}

fn check_presented(raw: &str) {
    match PresentedPassword::new(raw.to_owned()) {
        Ok(presented) => {
            assert!(raw.len() <= MAX_PASSWORD_BYTES);
            assert_eq!(presented.as_typed(), raw.as_bytes(), "every byte counts");
            assert!(
                presented.normalised().len() <= 11 * raw.len(),
                "what is hashed is bounded, too"
            );
            assert_eq!(format!("{presented:?}"), "PresentedPassword(…)");
        }
        Err(_) => assert!(raw.len() > MAX_PASSWORD_BYTES),
    }
}
