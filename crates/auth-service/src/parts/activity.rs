//! `activity`: how often each kind of event happened, hour by hour. A request counts in memory, under a lock that is held for
//! nothing else. Each minute, and when the server stops, the counts are added to the database. So counting never fails and never
//! waits, and a process that is killed loses at most a minute of counts. These are statistics for people; the record of events is
//! the audit log.

use crate::parts::{
    events::{Event, Subscriber},
    failure::Failure,
};
use auth_domain::time::{Timestamp, hour_of};
use auth_limits::LimitName;
use auth_storage::{Storage, activity};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The prefix of the stored names of refusals.
const REFUSED: &str = "refused.";

/// The kind of event that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActivityKind {
    /// A sign-in, a registration or the set-up issued tokens.
    SignIn,
    /// A password was wrong, or the account may not sign in.
    SignInFailed,
    /// A refresh token was rotated. A repeated answer does not count.
    Refresh,
    /// This limit refused a request.
    Refused(LimitName),
}

impl ActivityKind {
    /// The name that is stored.
    fn stored_name(self) -> Cow<'static, str> {
        match self {
            Self::SignIn => "sign_in".into(),
            Self::SignInFailed => "sign_in_failed".into(),
            Self::Refresh => "refresh".into(),
            Self::Refused(limit) => format!("{REFUSED}{limit}").into(),
        }
    }

    /// `None` for a name that only another version knows, or for the name of a limit that only another version has.
    fn parse(name: &str) -> Option<Self> {
        match name {
            "sign_in" => Some(Self::SignIn),
            "sign_in_failed" => Some(Self::SignInFailed),
            "refresh" => Some(Self::Refresh),
            _ => {
                let limit = name.strip_prefix(REFUSED)?;
                let known = LimitName::ALL.into_iter().find(|known| known.as_str() == limit);
                known.map(Self::Refused)
            }
        }
    }
}

/// How often something happened in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivityCount {
    /// The beginning of the hour.
    pub hour: Timestamp,
    /// What happened.
    pub kind: ActivityKind,
    /// How often.
    pub count: u64,
}

type Tally = BTreeMap<(Timestamp, ActivityKind), u64>;

/// The counts of this node that are not stored yet: a few kinds for the present hour, and for hours in which the database was
/// unavailable.
#[derive(Default)]
pub(crate) struct Activity {
    tally: Mutex<Tally>,
    /// Held while counts are stored, and while the tally is added to what is stored: so no count is missing from both, or in both.
    writing: tokio::sync::Mutex<()>,
}

impl Activity {
    /// Counts one event.
    fn count(&self, now: Timestamp, what: ActivityKind) {
        let key = (hour_of(now), what);
        let mut tally = self.tally();
        let count = tally.entry(key).or_default();
        *count = count.saturating_add(1);
    }

    /// Adds the counts to the database. If the answer to a commit is lost, they are added a second time with the next ones.
    ///
    /// # Errors
    /// A failure of the database; the counts are kept for the next time.
    pub(crate) async fn write(&self, storage: &Storage) -> Result<(), Failure> {
        let _one_at_a_time = self.writing.lock().await;
        let taken = std::mem::take(&mut *self.tally());
        if taken.is_empty() {
            return Ok(());
        }
        let written = storage.add_activity(rows(&taken)).await;
        if written.is_err() {
            let mut tally = self.tally();
            for (key, count) in taken {
                let kept = tally.entry(key).or_default();
                *kept = kept.saturating_add(count);
            }
        }
        Ok(written?)
    }

    /// The stored counts from the hour of `since` on, and those of this node that are not stored yet.
    pub(crate) async fn since(
        &self,
        since: Timestamp,
        storage: &Storage,
    ) -> Result<Vec<ActivityCount>, Failure> {
        let _nothing_on_its_way = self.writing.lock().await;
        let first = hour_of(since);
        let mut sums = Tally::new();
        let mut add = |hour, kind, count| {
            let sum = sums.entry((hour, kind)).or_default();
            *sum = sum.saturating_add(count);
        };
        for row in storage.activity_since(first).await? {
            if let Some(kind) = ActivityKind::parse(&row.kind) {
                add(row.hour, kind, row.count);
            }
        }
        for ((hour, kind), count) in self.tally().range((first, ActivityKind::SignIn)..) {
            add(*hour, *kind, *count);
        }
        let counts = sums.into_iter();
        Ok(counts
            .map(|((hour, kind), count)| ActivityCount { hour, kind, count })
            .collect())
    }

    /// A panic under the lock leaves valid numbers behind.
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber for Activity {
    fn on_event(&self, event: Event, at: Timestamp) {
        let kind = match event {
            Event::SignedIn => ActivityKind::SignIn,
            Event::PasswordRefused => ActivityKind::SignInFailed,
            Event::Rotated => ActivityKind::Refresh,
            Event::LimitRefused(limit) => ActivityKind::Refused(limit),
            Event::SignInRefused(_) | Event::RefreshAnswered(_) | Event::Revoked(_) => return,
        };
        self.count(at, kind);
    }
}

fn rows(tally: &Tally) -> Vec<activity::HourCount> {
    tally
        .iter()
        .map(|((hour, what), count)| activity::HourCount {
            hour: *hour,
            kind: what.stored_name().into_owned(),
            count: *count,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_domain::time::Span;
    use auth_storage::DatabaseConfig;

    async fn database(folder: &tempfile::TempDir) -> Storage {
        let url = format!("sqlite://{}", folder.path().join("a.db").display());
        let config = DatabaseConfig {
            url: url.into(),
            ..DatabaseConfig::default()
        };
        Storage::open(&config).await.unwrap()
    }

    #[test]
    fn every_stored_name_is_read_as_the_kind_that_was_counted() {
        let plain = [
            ActivityKind::SignIn,
            ActivityKind::SignInFailed,
            ActivityKind::Refresh,
        ];
        for kind in plain.into_iter().chain(LimitName::ALL.map(ActivityKind::Refused)) {
            assert_eq!(ActivityKind::parse(&kind.stored_name()), Some(kind));
        }
        assert_eq!(ActivityKind::parse("password_changed"), None);
    }

    #[tokio::test]
    async fn what_could_not_be_written_is_written_later() {
        let folder = tempfile::tempdir().unwrap();
        let storage = database(&folder).await;
        let (activity, now) = (Activity::default(), Timestamp::UNIX_EPOCH + Span::minutes(90));
        activity.count(now, ActivityKind::Refresh);
        // There is no table yet.
        activity.write(&storage).await.unwrap_err();
        activity.count(now + Span::minutes(29), ActivityKind::Refresh);
        storage.migrate_up().await.unwrap();
        for _ in 0..2 {
            activity.write(&storage).await.unwrap();
            let hour = Timestamp::UNIX_EPOCH + Span::hours(1);
            let kind = ActivityKind::Refresh;
            let all = [ActivityCount { hour, kind, count: 2 }];
            assert_eq!(activity.since(now, &storage).await.unwrap(), all);
        }
    }

    #[tokio::test]
    async fn a_name_of_another_version_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let storage = database(&folder).await;
        storage.migrate_up().await.unwrap();
        let hour = Timestamp::UNIX_EPOCH;
        let foreign = |kind: &str| activity::HourCount {
            hour,
            kind: kind.to_owned(),
            count: 7,
        };
        let stored = vec![foreign("danced"), foreign("refused.dances"), foreign("sign_in")];
        storage.add_activity(stored).await.unwrap();
        let read = Activity::default().since(hour, &storage).await.unwrap();
        let kinds: Vec<ActivityKind> = read.into_iter().map(|count| count.kind).collect();
        assert_eq!(kinds, [ActivityKind::SignIn]);
    }
}
