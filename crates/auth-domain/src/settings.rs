//! The sections of the configuration, and what is wrong with a value in one.
//!
//! A section reports everything that is wrong with it at once, each by its key. All crates share one type of complaint. The
//! reader of the configuration adds where a value came from and what the default is.

use serde::de::DeserializeOwned;
use std::time::Duration;

/// A part of a section of the configuration: the keys that steer one thing.
pub trait Section: DeserializeOwned {
    /// The section's name. Several parts may share one; each key belongs to one of them.
    const NAME: &'static str;

    /// Everything that is wrong with the values, as far as the part knows by itself.
    fn validate(&self) -> Vec<Complaint> {
        Vec::new()
    }
}

/// What is wrong with the value of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The key, without the section's name.
    pub key: &'static str,
    /// What is wrong, and what would be accepted. It repeats no secret.
    pub what: String,
}

impl Complaint {
    /// A complaint about a key.
    pub fn new(key: &'static str, what: impl Into<String>) -> Self {
        Self {
            key,
            what: what.into(),
        }
    }
}

/// Gathers complaints.
#[derive(Debug, Default)]
pub struct Complaints(Vec<Complaint>);

impl Complaints {
    /// Adds a complaint.
    pub fn add(&mut self, key: &'static str, what: impl Into<String>) {
        self.0.push(Complaint::new(key, what));
    }

    /// Adds a complaint unless a condition holds.
    pub fn unless(&mut self, holds: bool, key: &'static str, what: impl Into<String>) {
        if !holds {
            self.add(key, what);
        }
    }

    /// Adds a complaint unless a duration lies between two others, which are shown in seconds or milliseconds.
    pub fn within(&mut self, key: &'static str, value: Duration, least: Duration, most: Duration) {
        let fits = (least..=most).contains(&value);
        self.unless(fits, key, format!("must be {} to {}", shown(least), shown(most)));
    }

    /// All of them.
    #[must_use]
    pub fn into_vec(self) -> Vec<Complaint> {
        self.0
    }
}

impl Extend<Complaint> for Complaints {
    fn extend<T: IntoIterator<Item = Complaint>>(&mut self, complaints: T) {
        self.0.extend(complaints);
    }
}

fn shown(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_out_of_its_bounds_is_named_with_them() {
        let mut complaints = Complaints::default();
        let (least, most) = (Duration::from_millis(10), Duration::from_secs(60));
        for value in [least, most] {
            complaints.within("timeout", value, least, most);
        }
        complaints.unless(true, "timeout", "is never said");
        complaints.within("timeout", most + Duration::from_nanos(1), least, most);
        complaints.within("pause", Duration::ZERO, most, most);
        assert_eq!(
            complaints.into_vec(),
            [
                Complaint::new("timeout", "must be 10ms to 60s"),
                Complaint::new("pause", "must be 60s to 60s")
            ]
        );
    }
}
