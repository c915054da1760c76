//! What a command works with: the configuration, the database with a fitting schema, the time.

use crate::{config::Config, output::CommandError, schema::settle_schema, start_error::StartError, wiring};
use auth_domain::{
    email::EmailError,
    role::Role,
    time::{Span, Timestamp},
    user::User,
};
use auth_service::{
    AccountRef, Admin, AdminError, ApiKeyError, Caller, ClientError, Clock, Failure, InputRefused, KeyError,
    SignInError, SystemClock, SystemEntropy,
};
use auth_storage::{AfterCommit, CommitEffects, Storage};
use chrono::SecondsFormat;
use std::{fmt::Display, sync::Arc};

/// The operator at the command line.
pub(super) struct Operator {
    pub(super) config: Config,
    pub(super) storage: Storage,
    clock: SystemClock,
}

impl Operator {
    /// Opens the database and sees to it that its schema fits.
    pub(super) async fn open(config: Config) -> Result<Self, CommandError> {
        let storage = wiring::open(&config).await.map_err(refused)?;
        settle_schema(&config, &storage, None).await.map_err(refused)?;
        Ok(Self {
            config,
            storage,
            clock: SystemClock::default(),
        })
    }

    /// Now.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The operator, as the audit log says it.
    pub(super) fn caller(&self) -> Caller {
        Caller::operator(self.now())
    }

    /// The administrator's verbs.
    pub(super) fn admin(&self) -> Result<Admin, CommandError> {
        Admin::new(
            self.storage.clone(),
            self.config.service.clone(),
            Arc::new(SystemEntropy),
        )
        .map_err(told)
    }
}

impl AfterCommit for Operator {
    /// Waits until no server accepts what was revoked (docs/rules.md §1): servers beside an embedded database are promised to see
    /// it within a second, those on PostgreSQL have read it, or know that they can't rely on their memory, after `max_staleness`.
    /// A queued mail leaves when a server looks into the outbox.
    async fn carry_out(&self, effects: &CommitEffects) {
        if !effects.revocations().is_empty() && !self.config.is_embedded() {
            tokio::time::sleep(self.config.blacklist.known_everywhere_within()).await;
        }
    }
}

/// A start that failed, as a command's end.
pub(super) fn refused(error: StartError) -> CommandError {
    if error.is_configuration() {
        CommandError::Usage(error.to_string())
    } else {
        CommandError::failed(error)
    }
}

/// A use case that failed, in words for the operator.
pub(super) fn told(error: impl Into<CommandError>) -> CommandError {
    error.into()
}

impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        Self::failed(failure)
    }
}

impl From<InputRefused> for CommandError {
    fn from(refused: InputRefused) -> Self {
        match refused {
            InputRefused::WeakPassword(violations) => {
                let lines: Vec<String> = violations
                    .into_iter()
                    .map(|violation| format!("\n  {}", violation.message))
                    .collect();
                Self::Failed(format!("the password is refused:{}", lines.concat()))
            }
            InputRefused::InvalidEmail(_) | InputRefused::InvalidName(_) => Self::Failed(refused.to_string()),
        }
    }
}

impl From<AdminError> for CommandError {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Input(refused) => refused.into(),
            other => Self::failed(other),
        }
    }
}

impl From<ApiKeyError> for CommandError {
    fn from(error: ApiKeyError) -> Self {
        Self::failed(error)
    }
}

impl From<ClientError> for CommandError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::InvalidId(why) => Self::Failed(why),
            other => Self::failed(other),
        }
    }
}

impl From<KeyError> for CommandError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::TooYoung(young) => Self::Failed(format!(
                "key_too_young: verifiers may not know the next key before {}; try again then, or use --compromised if the \
                 active key was stolen",
                stamp(young.ready_at)
            )),
            other => Self::failed(other),
        }
    }
}

impl From<SignInError> for CommandError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::SetupClosed => Self::Failed(
                "there is an administrator already: it makes others with `keyward user create`".to_owned(),
            ),
            other => Self::failed(other),
        }
    }
}

/// A use case about one thing, which a command names.
pub(super) trait AboutOne: Into<CommandError> {
    /// Whether the thing is not there.
    fn is_missing(&self) -> bool;

    /// Whether it is the last administrator.
    fn is_last_admin(&self) -> bool {
        false
    }
}

impl AboutOne for AdminError {
    fn is_missing(&self) -> bool {
        matches!(self, Self::NotFound)
    }

    fn is_last_admin(&self) -> bool {
        matches!(self, Self::LastAdmin)
    }
}

impl AboutOne for ApiKeyError {
    fn is_missing(&self) -> bool {
        matches!(self, Self::NotFound)
    }
}

impl AboutOne for ClientError {
    fn is_missing(&self) -> bool {
        matches!(self, Self::NotFound)
    }
}

/// A use case that failed about one thing, which is named where it is missing.
pub(super) fn told_of(error: impl AboutOne, what: impl Display) -> CommandError {
    if error.is_missing() {
        CommandError::Failed(format!("there is no {what}"))
    } else if error.is_last_admin() {
        CommandError::Failed(format!(
            "the {what} is the last administrator, who can't be removed: make another one first"
        ))
    } else {
        told(error)
    }
}

/// The user that the command line names.
///
/// # Errors
/// The text names no user, or none that exists.
pub(super) async fn named_user(admin: &Admin, text: &str) -> Result<User, CommandError> {
    let account = account(text)?;
    let what = match &account {
        AccountRef::Id(id) => format!("user {id}"),
        AccountRef::Email(email) => format!("user with the address {}", email.as_str()),
    };
    admin.user(&account).await.map_err(|error| told_of(error, what))
}

/// A role that a command names.
pub(super) fn named_role(admin: &Admin, name: &str) -> Result<Role, CommandError> {
    admin.known_role(name).map_err(|error| match error {
        AdminError::UnknownRole => CommandError::Usage(format!(
            "there is no role {name:?}; there are user, viewer, admin and those of [roles]"
        )),
        other => told(other),
    })
}

/// A user as the command line names it: by id or by address.
pub(super) fn account(text: &str) -> Result<AccountRef, CommandError> {
    text.parse().map_err(|error: EmailError| {
        CommandError::Usage(format!("{text:?} is neither a user's id nor an address: {error}"))
    })
}

/// A moment as it is printed: RFC 3339, UTC.
pub(super) fn stamp(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A length of time in whole seconds, for people.
pub(super) fn seconds(span: Span) -> String {
    format!("{:.3} s", span.as_seconds_f64())
}
