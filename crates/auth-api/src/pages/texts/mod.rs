//! The texts of the pages. The rule: every text is in [`en`], and the operator's file may replace some or all of them, for another
//! language or another tone. Errors, audit actions and reasons have codes of their own; the file may replace their texts, too.

mod en;
mod en_events;

use crate::http::problem::{Code, Problem, Unit, in_largest_unit};
use auth_domain::{audit::Action, session::EndReason};
use std::{borrow::Cow, collections::BTreeMap, time::Duration};

pub use en::Texts;

/// The reason of a session that expired, which is not stored.
pub const EXPIRED: &str = "expired";

/// The operator's texts by code: of errors, of audit actions, of the reasons why sessions ended.
pub type ByWord = BTreeMap<String, String>;

impl Texts {
    /// The texts of the operator's file (TOML). Texts that it leaves out stay in English.
    ///
    /// # Errors
    /// What is wrong with the file: an unknown name, or invalid TOML.
    pub fn parse(file: &str) -> Result<Self, String> {
        let texts: Self = toml::from_str(file).map_err(|error| error.to_string().trim_end().to_owned())?;
        let is_code = |word: &str| Code::ALL.iter().any(|code| code.as_str() == word);
        known("fault_titles", &texts.fault_titles, is_code)?;
        known("actions", &texts.actions, |word| word.parse::<Action>().is_ok())?;
        let is_reason = |word: &str| word == EXPIRED || word.parse::<EndReason>().is_ok();
        known("end_reasons", &texts.end_reasons, is_reason)?;
        Ok(texts)
    }

    /// A text with a value in the place of `{name}`.
    #[must_use]
    pub fn fill(&self, text: &str, name: &str, value: impl AsRef<str>) -> String {
        text.replace(&format!("{{{name}}}"), value.as_ref())
    }

    /// The operator's own text for an error.
    #[must_use]
    pub fn fault(&self, code: &str) -> Option<&str> {
        self.faults.get(code).map(String::as_str)
    }

    /// The sentence for a problem. Where a limit refused, it says when to try again; the operator's own text for `rate_limited` may
    /// have `{wait}` as well.
    #[must_use]
    pub fn problem<'a>(&'a self, problem: &'a Problem) -> Cow<'a, str> {
        let said = self.fault(problem.code().as_str());
        match (problem.code(), problem.retry_after()) {
            (Code::RateLimited, Some(wait)) => {
                let said = said.unwrap_or(&self.too_many_attempts);
                self.fill(said, "wait", self.wait(wait)).into()
            }
            _ => said.unwrap_or(problem.detail()).into(),
        }
    }

    /// A wait in its largest unit.
    fn wait(&self, wait: Duration) -> String {
        let (count, unit) = in_largest_unit(wait);
        let (one, many) = match unit {
            Unit::Second => (&self.wait_second, &self.wait_seconds),
            Unit::Minute => (&self.wait_minute, &self.wait_minutes),
            Unit::Hour => (&self.wait_hour, &self.wait_hours),
            Unit::Day => (&self.wait_day, &self.wait_days),
        };
        let words = if count == 1 { one } else { many };
        self.fill(words, "count", count.to_string())
    }

    /// The operator's own title for the page of an error.
    #[must_use]
    pub fn fault_title(&self, code: &str) -> Option<&str> {
        self.fault_titles.get(code).map(String::as_str)
    }

    /// What happened, in words for the user that it happened to. An action of a newer version is shown by its name.
    #[must_use]
    pub fn action<'a>(&'a self, action: &'a Action) -> &'a str {
        let other = self.actions.get(action.as_str());
        other.map_or_else(|| en_events::action(action), String::as_str)
    }

    /// Why a session ended. A reason of a newer version is shown by its name.
    #[must_use]
    pub fn end_reason<'a>(&'a self, word: &'a str) -> &'a str {
        let other = self.end_reasons.get(word);
        other.map_or_else(|| en_events::end_reason(word), String::as_str)
    }
}

/// Refuses a table with an unknown code.
fn known(name: &str, table: &ByWord, is_known: impl Fn(&str) -> bool) -> Result<(), String> {
    match table.keys().find(|word| !is_known(word)) {
        Some(unknown) => Err(format!("[{name}] has no {unknown}")),
        None => Ok(()),
    }
}

macro_rules! done {
    ($($name:ident = $word:literal, $text:ident;)+) => {
        /// What was just done, for the next page to say.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Done { $(#[doc = $word] $name,)+ }

        impl Done {
            /// The name in the URL of the next page.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }

        impl Texts {
            /// What was just done, by its name. An unknown name has no text, so a URL can't put words on the page.
            #[must_use]
            pub fn done(&self, word: &str) -> Option<&str> {
                match word {
                    $($word => Some(&self.$text),)+
                    _ => None,
                }
            }
        }
    };
}

done! {
    Saved = "saved", done_saved;
    SignedOut = "signed_out", done_signed_out;
    PasswordReset = "password_reset", done_password_reset;
    PasswordChanged = "password_changed", done_password_changed;
    EmailVerified = "email_verified", done_email_verified;
    EmailChangeSent = "email_change_sent", done_email_change_sent;
    VerificationSent = "verification_sent", done_verification_sent;
    SessionEnded = "session_ended", done_session_ended;
    OthersEnded = "others_ended", done_others_ended;
    KeyRevoked = "key_revoked", done_key_revoked;
    AccountDeleted = "account_deleted", done_account_deleted;
    UserInvited = "user_invited", done_user_invited;
    UserDeleted = "user_deleted", done_user_deleted;
    ResetSent = "reset_sent", done_reset_sent;
    LockedOut = "locked_out", done_locked_out;
    SessionsEnded = "sessions_ended", done_sessions_ended;
    KeysRotated = "keys_rotated", done_keys_rotated;
}

/// A text, owned if the operator's file has it.
pub type Words = Cow<'static, str>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_replaces_the_texts_that_it_names_and_no_other() {
        let file = "login_title = \"Willkommen\"\n[faults]\ninvalid_credentials = \"Falsch.\"\n[actions]\nsigned_in = \"Anmeldung\"\n";
        let texts = Texts::parse(file).unwrap();
        assert_eq!(texts.login_title, "Willkommen");
        assert_eq!(texts.logout_button, Texts::default().logout_button);
        assert_eq!(texts.fault("invalid_credentials"), Some("Falsch."));
        assert_eq!(texts.action(&Action::SignedIn), "Anmeldung");
        for bad in [
            "log_in = \"x\"",
            "login_title = 7",
            "login_title",
            "[actions]\nsigned_on = \"x\"",
            "[end_reasons]\nbored = \"x\"",
            "[fault_titles]\nnot_fond = \"x\"",
        ] {
            assert!(Texts::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_wait_is_written_in_the_operators_words() {
        let english = Texts::default();
        let german = Texts::parse(
            "too_many_attempts = \"Zu oft. In {wait} wieder.\"\nwait_minutes = \"{count} Minuten\"\nwait_minute = \"einer Minute\"\n",
        );
        let german = german.unwrap();
        let rows = [
            (1, "1 second", "1 second"),
            (60, "1 minute", "einer Minute"),
            (700, "12 minutes", "12 Minuten"),
            (7_200, "2 hours", "2 hours"),
            (200_000, "3 days", "3 days"),
        ];
        for (seconds, plain, own) in rows {
            let wait = Duration::from_secs(seconds);
            assert_eq!(english.wait(wait), plain);
            assert_eq!(german.wait(wait), own);
        }
        assert_eq!(
            english.problem(&Code::EmailTaken.into()),
            Code::EmailTaken.detail()
        );
    }

    /// Everything that may name a text: the templates and the code of the pages.
    fn sources(folder: &std::path::Path) -> String {
        let entries = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let of = |path: std::path::PathBuf| {
            if path.is_dir() {
                sources(&path)
            } else if path.ends_with("texts/en.rs") {
                String::new()
            } else {
                std::fs::read_to_string(path).unwrap()
            }
        };
        entries.map(of).collect()
    }

    #[test]
    fn every_text_is_used() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let all = sources(&root.join("templates")) + &sources(&root.join("src/pages"));
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let said: std::collections::BTreeSet<&str> = all.split(|c| !is_word(c)).collect();
        let unsaid: Vec<_> = en::NAMES.iter().filter(|name| !said.contains(**name)).collect();
        assert!(unsaid.is_empty(), "{unsaid:?}");
    }

    #[test]
    fn every_action_and_every_reason_has_a_text() {
        let texts = Texts::default();
        for action in Action::ALL {
            assert!(!texts.action(action).contains('_'), "{action:?}");
        }
        for why in EndReason::ALL {
            assert_ne!(texts.end_reason(why.as_str()), why.as_str());
        }
        assert_eq!(texts.end_reason("of_tomorrow"), "of_tomorrow");
        assert_eq!(texts.done("<script>"), None);
        assert_eq!(texts.fill("{days} days", "days", "9"), "9 days");
    }
}
