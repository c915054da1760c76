//! `activity`: how often what happened, hour by hour. A request counts in memory, under a lock that nothing else is done under;
//! each minute, and at the end, what was counted is added to the database. So counting never fails and never waits, and a
//! process that is killed forgets a minute of it: figures for people, not a log (that is the audit's).

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

/// What the stored words for refusals begin with.
const REFUSED: &str = "refused.";

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActivityKind {
    /// Somebody signed in, registered or set the service up, and got tokens.
    SignIn,
    /// A password was wrong, or the account may not sign in.
    SignInFailed,
    /// A refresh token was used and replaced; a repeat is none.
    Refresh,
    /// This limit refused a request.
    Refused(LimitName),
}

impl ActivityKind {
    /// The word that is stored.
    fn stored_name(self) -> Cow<'static, str> {
        match self {
            Self::SignIn => "sign_in".into(),
            Self::SignInFailed => "sign_in_failed".into(),
            Self::Refresh => "refresh".into(),
            Self::Refused(limit) => format!("{REFUSED}{limit}").into(),
        }
    }

    /// `None`: a word of another version, or of a limit of it.
    fn parse(word: &str) -> Option<Self> {
        match word {
            "sign_in" => Some(Self::SignIn),
            "sign_in_failed" => Some(Self::SignInFailed),
            "refresh" => Some(Self::Refresh),
            _ => {
                let name = word.strip_prefix(REFUSED)?;
                let known = LimitName::ALL.into_iter().find(|limit| limit.as_str() == name);
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
    /// What.
    pub kind: ActivityKind,
    /// How often.
    pub count: u64,
}

type Tally = BTreeMap<(Timestamp, ActivityKind), u64>;

/// What this node counted and has not written yet: a handful of kinds, of the hour, and of those in which the database was gone.
#[derive(Default)]
pub(crate) struct Activity {
    tally: Mutex<Tally>,
    /// Held by whoever writes, and by whoever adds the tally to what is stored: what is on its way is in one of them.
    writing: tokio::sync::Mutex<()>,
}

impl Activity {
    /// Counts one.
    fn count(&self, now: Timestamp, what: ActivityKind) {
        let key = (hour_of(now), what);
        let mut tally = self.tally();
        let count = tally.entry(key).or_default();
        *count = count.saturating_add(1);
    }

    /// Adds what was counted to the database. Where the answer to a commit is lost, it is added once more with the next.
    ///
    /// # Errors
    /// A failure of the database; what was counted is kept for the next time.
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

    /// What is stored of the hour of `since` and later, and what this node has yet to write.
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

    /// Whoever panicked under it left numbers behind, which are sound.
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
    fn every_word_that_is_stored_is_read_as_what_was_counted() {
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
    async fn a_word_of_another_version_is_passed_over() {
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
