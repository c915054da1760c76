//! The report of the doctor.

use serde::Serialize;
use std::fmt;

/// The state of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Ok,
    Warn,
    Fail,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) state: State,
    pub(super) part: &'static str,
    pub(super) what: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) fix: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<5} {:<14} {}", self.state.as_str(), self.part, self.what)?;
        if self.fix.is_empty() {
            Ok(())
        } else {
            write!(f, "\n{:21}fix: {}", "", self.fix)
        }
    }
}

/// The report.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    pub(super) fn ok(&mut self, part: &'static str, what: impl Into<String>) {
        self.0.push(Finding {
            state: State::Ok,
            part,
            what: what.into(),
            fix: String::new(),
        });
    }

    pub(super) fn warn(&mut self, part: &'static str, what: impl Into<String>, fix: impl Into<String>) {
        self.0.push(Finding {
            state: State::Warn,
            part,
            what: what.into(),
            fix: fix.into(),
        });
    }

    pub(super) fn fail(&mut self, part: &'static str, what: impl Into<String>, fix: impl Into<String>) {
        self.0.push(Finding {
            state: State::Fail,
            part,
            what: what.into(),
            fix: fix.into(),
        });
    }
}
