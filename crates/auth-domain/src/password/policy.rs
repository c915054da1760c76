//! The rules for new passwords. A refused password comes back with every rule that it breaks, each with advice for its user.
//!
//! The defaults require a length and resistance to guessing, and no kinds of characters (SP 800-63B-4 §3.1.1.2 forbids such
//! rules). Operators who must follow such rules can switch them on.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::strength::{self, Strength};
use super::{MAX_PASSWORD_BYTES, NewPassword, into_bytes, nfkc};
use crate::settings::{Complaint, Complaints, Section};

/// A rule that a password breaks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PasswordViolation {
    /// A stable word for programs: `too_short`, `too_long`, `control_character`, `missing_lowercase`, `missing_uppercase`,
    /// `missing_digit`, `missing_symbol`, `contains_personal_data`, `common` or `guessable`.
    pub code: &'static str,
    /// What is wrong and how to fix it, for the user. It never repeats the password.
    pub message: String,
}

impl PasswordViolation {
    /// The password is one that many people have.
    #[must_use]
    pub fn common() -> Self {
        violation(
            "common",
            "The password is on the lists of common passwords that attackers try first. \
             Choose one that no other person would, such as a few unrelated words.",
        )
    }
}

/// The rules for new passwords: a part of the section `[password]`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordPolicy {
    /// Code points after NFKC, at least.
    pub min_length: usize,
    /// Code points after NFKC, at most. [`MAX_PASSWORD_BYTES`] bounds the bytes besides.
    pub max_length: usize,
    /// The lowest accepted zxcvbn score, 0 (anything) to 4. 3 means 10^8 guesses.
    pub min_score: u8,
    /// Ask for a lower-case letter.
    pub require_lowercase: bool,
    /// Ask for an upper-case letter.
    pub require_uppercase: bool,
    /// Ask for a digit.
    pub require_digit: bool,
    /// Ask for a character that is neither letter nor digit.
    pub require_symbol: bool,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            min_length: 8,
            max_length: 128,
            min_score: 3,
            require_lowercase: false,
            require_uppercase: false,
            require_digit: false,
            require_symbol: false,
        }
    }
}

impl Section for PasswordPolicy {
    const NAME: &'static str = "password";

    fn validate(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        complaints.unless(
            (8..=64).contains(&self.min_length),
            "min_length",
            "must be 8 to 64 (NIST SP 800-63B §3.1.1.2)",
        );
        // Upwards it is bounded by the longest password that is read at all.
        complaints.unless(
            (64..=MAX_PASSWORD_BYTES).contains(&self.max_length),
            "max_length",
            format!("must be 64 to {MAX_PASSWORD_BYTES} (NIST SP 800-63B §3.1.1.2)"),
        );
        complaints.unless(self.min_score <= 4, "min_score", "must be 0 to 4");
        complaints.into_vec()
    }
}

impl PasswordPolicy {
    /// Accepts a new password, or returns every rule that it breaks. `context` is what an attacker would try first: the e-mail
    /// address, its local part, the user's name, the service's name.
    ///
    /// It takes some milliseconds. [`cheap_violations`](Self::cheap_violations) can be checked first.
    ///
    /// ```
    /// use auth_domain::password::PasswordPolicy;
    ///
    /// let policy = PasswordPolicy::default();
    /// let context = ["ana@example.com", "ana", "Ana Lima", "Keyward"];
    /// assert!(policy.accept("four grey herons waiting".to_owned(), &context).is_ok());
    /// let violations = policy.accept("keyward".to_owned(), &context).unwrap_err();
    /// let codes: Vec<_> = violations.iter().map(|violation| violation.code).collect();
    /// assert_eq!(codes, ["too_short", "contains_personal_data"]);
    /// ```
    pub fn accept(&self, raw: String, context: &[&str]) -> Result<NewPassword, Vec<PasswordViolation>> {
        let raw = Zeroizing::new(raw);
        let Some(password) = bounded_nfkc(&raw) else {
            return Err(vec![self.too_long()]);
        };
        let mut violations = self.rule_violations(&password);
        // The estimate gets slower with length: what is refused for its length never gets there.
        if password.chars().count() <= self.max_length {
            violations.extend(self.guessing_violations(&password, context));
        }
        if violations.is_empty() {
            Ok(NewPassword(into_bytes(password)))
        } else {
            Err(violations)
        }
    }

    /// The rules that cost microseconds: length, control characters and kinds of characters. An over-long password is
    /// refused by its length alone, before anything reads it.
    #[must_use]
    pub fn cheap_violations(&self, raw: &str) -> Vec<PasswordViolation> {
        bounded_nfkc(raw).map_or_else(
            || vec![self.too_long()],
            |password| self.rule_violations(&password),
        )
    }

    fn rule_violations(&self, password: &str) -> Vec<PasswordViolation> {
        let length = password.chars().count();
        let lacks = |found: fn(char) -> bool| !password.chars().any(found);
        let mut violations = Vec::new();
        if length < self.min_length {
            violations.push(violation(
                "too_short",
                format!(
                    "The password is too short. Use at least {} characters; a few unrelated words are easy to remember.",
                    self.min_length
                ),
            ));
        }
        if length > self.max_length {
            violations.push(self.too_long());
        }
        if !lacks(char::is_control) {
            violations.push(violation(
                "control_character",
                "The password contains a control character, such as a tab or a line break. \
                 Remove it: many keyboards and forms can't enter it again.",
            ));
        }
        if self.require_lowercase && lacks(char::is_lowercase) {
            violations.push(violation(
                "missing_lowercase",
                "The password has no lower-case letter. Add one.",
            ));
        }
        if self.require_uppercase && lacks(char::is_uppercase) {
            violations.push(violation(
                "missing_uppercase",
                "The password has no upper-case letter. Add one.",
            ));
        }
        if self.require_digit && lacks(char::is_numeric) {
            violations.push(violation("missing_digit", "The password has no digit. Add one."));
        }
        if self.require_symbol && lacks(|c| !c.is_alphanumeric() && !c.is_control()) {
            violations.push(violation(
                "missing_symbol",
                "The password has only letters and digits. Add a symbol or a space.",
            ));
        }
        violations
    }

    fn guessing_violations(&self, password: &str, context: &[&str]) -> Vec<PasswordViolation> {
        let mut violations = Vec::new();
        let is_personal = names_of(context).any(|name| folded(&name) == folded(password));
        if is_personal {
            violations.push(violation(
                "contains_personal_data",
                "The password is your address, your name or the name of this service. \
                 Choose one that has nothing to do with you or with this service.",
            ));
        }
        let Strength {
            score,
            is_common,
            advice,
        } = strength::estimate(password, context);
        if is_common {
            violations.push(PasswordViolation::common());
        } else if score < self.min_score && !is_personal {
            violations.push(violation(
                "guessable",
                format!(
                    "The password is easy to guess. {advice}Add another word or two; uncommon words are better."
                ),
            ));
        }
        violations
    }

    fn too_long(&self) -> PasswordViolation {
        violation(
            "too_long",
            format!(
                "The password is too long. Use at most {} characters ({MAX_PASSWORD_BYTES} bytes).",
                self.max_length
            ),
        )
    }
}

fn violation(code: &'static str, message: impl Into<String>) -> PasswordViolation {
    PasswordViolation {
        code,
        message: message.into(),
    }
}

/// The NFKC form, unless the password is over [`MAX_PASSWORD_BYTES`] as typed: then not a byte of it is read.
fn bounded_nfkc(raw: &str) -> Option<Zeroizing<String>> {
    (raw.len() <= MAX_PASSWORD_BYTES).then(|| nfkc(raw))
}

/// The context, and the local part of every address in it, should the caller have left it out.
fn names_of<'a>(context: &'a [&'a str]) -> impl Iterator<Item = Cow<'a, str>> {
    context
        .iter()
        .flat_map(|name| [Some(*name), name.split_once('@').map(|(local, _)| local)])
        .flatten()
        .map(strength::bounded)
        .filter(|name| !name.trim().is_empty())
}

/// Case and spaces set aside, for comparing with what anybody could know.
fn folded(text: &str) -> Zeroizing<String> {
    Zeroizing::new(
        text.nfkc()
            .filter(|c| !c.is_whitespace())
            .flat_map(char::to_lowercase)
            .collect(),
    )
}
