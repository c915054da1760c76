//! What a command works with: the configuration, a database with the right schema, and the clock.

use crate::{config::Config, output::CommandError, schema::settle_schema, start_error::StartError, wiring};
use auth_domain::{
    email::EmailError,
    role::Role,
    time::{Span, Timestamp},
    user::User,
};
use auth_service::{
    Admin, AdminError, ApiKeyError, Caller, ClientError, Clock, Failure, InputRefused, KeyError, SignInError,
    SystemClock, SystemEntropy, UserRef,
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
    /// Opens the database and checks that its schema is the right one, or migrates it.
    pub(super) async fn open(config: Config) -> Result<Self, CommandError> {
        let storage = wiring::open(&config).await.map_err(refused)?;
        settle_schema(&config, &storage, None).await.map_err(refused)?;
        Ok(Self {
            config,
            storage,
            clock: SystemClock::default(),
        })
    }

    /// The current time.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The caller for the audit log: the operator.
    pub(super) fn caller(&self) -> Caller {
        Caller::operator(self.now())
    }

    /// The use cases of administrators.
    pub(super) fn admin(&self) -> Result<Admin, CommandError> {
        Admin::new(
            self.storage.clone(),
            self.config.service.clone(),
            Arc::new(SystemEntropy),
        )
        .map_err(failed)
    }
}

impl AfterCommit for Operator {
    /// Waits until no server accepts what was revoked (docs/rules.md §1). A server on an embedded database sees it within a second.
    /// After `max_staleness`, a server on PostgreSQL has read it, or knows that it can't rely on its memory. A running server sends a
    /// queued email when it reads the outbox.
    async fn carry_out(&self, effects: &CommitEffects) {
        if !effects.revocations().is_empty() && !self.config.is_embedded() {
            tokio::time::sleep(self.config.blacklist.known_everywhere_within()).await;
        }
    }
}

/// A failed start, as the error of a command.
pub(super) fn refused(error: StartError) -> CommandError {
    if error.is_configuration() {
        CommandError::Usage(error.to_string())
    } else {
        CommandError::failed(error)
    }
}

/// The error of a use case, as the error of a command.
pub(super) fn failed(error: impl Into<CommandError>) -> CommandError {
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
                 active key is compromised",
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
                "there is an administrator already: create others with `keyward user create`".to_owned(),
            ),
            other => Self::failed(other),
        }
    }
}

/// The error of a use case about one thing that the command line names.
pub(super) trait SubjectError: Into<CommandError> {
    /// Whether the thing does not exist.
    fn is_missing(&self) -> bool;

    /// Whether it is the last administrator.
    fn is_last_admin(&self) -> bool {
        false
    }
}

impl SubjectError for AdminError {
    fn is_missing(&self) -> bool {
        matches!(self, Self::NotFound)
    }

    fn is_last_admin(&self) -> bool {
        matches!(self, Self::LastAdmin)
    }
}

impl SubjectError for ApiKeyError {
    fn is_missing(&self) -> bool {
        matches!(self, Self::NotFound)
    }
}

impl SubjectError for ClientError {
    fn is_missing(&self) -> bool {
        matches!(self, Self::NotFound)
    }
}

/// The error of a use case about `what`, which the message names if it does not exist.
pub(super) fn failed_for(error: impl SubjectError, what: impl Display) -> CommandError {
    if error.is_missing() {
        CommandError::Failed(format!("there is no {what}"))
    } else if error.is_last_admin() {
        CommandError::Failed(format!(
            "the {what} is the last administrator, who can't be removed: create another one first"
        ))
    } else {
        failed(error)
    }
}

/// The user that the command line names.
///
/// # Errors
/// The text names no user, or none that exists.
pub(super) async fn named_user(admin: &Admin, text: &str) -> Result<User, CommandError> {
    let account = account(text)?;
    let what = match &account {
        UserRef::Id(id) => format!("user {id}"),
        UserRef::Email(email) => format!("user with the address {}", email.as_str()),
    };
    admin
        .user(&account)
        .await
        .map_err(|error| failed_for(error, what))
}

/// A role that a command names.
pub(super) fn named_role(admin: &Admin, name: &str) -> Result<Role, CommandError> {
    admin.known_role(name).map_err(|error| match error {
        AdminError::UnknownRole => CommandError::Usage(format!(
            "there is no role {name:?}; the roles are user, viewer, admin and those of [roles]"
        )),
        other => failed(other),
    })
}

/// A user as the command line names them: by ID or by email address.
pub(super) fn account(text: &str) -> Result<UserRef, CommandError> {
    text.parse().map_err(|error: EmailError| {
        CommandError::Usage(format!(
            "{text:?} is neither a user ID nor an email address: {error}"
        ))
    })
}

/// A timestamp as it is printed: RFC 3339, UTC.
pub(super) fn stamp(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A duration in seconds, for people.
pub(super) fn seconds(span: Span) -> String {
    format!("{:.3} s", span.as_seconds_f64())
}
