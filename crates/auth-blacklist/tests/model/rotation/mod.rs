//! The model of rotation: concurrent refreshes, security events and sign-ins (docs/rules.md §2 and §3).
//!
//! A refresh runs as storage runs it on PostgreSQL, the weaker of the two databases: a load, the domain's own `decide`, a statement that
//! takes its snapshot, and its write once it has the row lock, guarded by the values that the decision was made from. A cut (an event that
//! raises the user's generation) is a transaction: the user's row, the sessions' rows, the commit. Any other step may come in between, a
//! node may die there, and an answer may be lost. Nodes have no state of their own except their clock, so a request may be on any node.
//! Time advances in ticks of ten seconds.

mod refresh;
mod refresh_model;
mod rows;
mod steps;

pub(crate) use refresh_model::RefreshModel;

use auth_domain::{
    lineage::Lifetimes,
    rotation::{OnConcurrent, RotationPolicy},
    time::Span,
};

/// A deliberate mistake, or a violated assumption, that the model checker must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    None,
    /// The update is guarded by the session's id only.
    Unguarded,
    /// The update is not guarded by the rotation number.
    NumberUnguarded,
    /// The update is not guarded by the session's generation.
    GenerationUnguarded,
    /// The update is not guarded by the session being active.
    EndUnguarded,
    /// The update is not guarded by the user's row.
    UserUnguarded,
    /// A Repeat counts as a rotation at its own time.
    RepeatExtends,
    /// Two refreshes without a key are taken for the same request.
    AbsentKeysEqual,
    /// A reuse is refused, and the session does not end.
    ReuseSpares,
    /// A Repeat overwrites a later expiry of the access tokens with its own.
    AccessUntilOverwritten,
    /// A cut raises the generation and leaves the sessions' rows alone.
    CutsLeaveSessions,
    /// A sign-in uses the generation at the time of its insert.
    SignInTakesTheNewGeneration,
    /// Not a mistake of the code: a client refreshes again while an earlier attempt of its own is still in progress.
    ImpatientClient,
    /// Not a mistake of the code: a token is first refreshed when it expires within the retry window.
    LastMoment,
}

/// The clients that refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clients {
    /// One, which presents an old token only to retry, with its key, within the window.
    Honest,
    /// The honest one, and thieves that present any token ever issued, at any time, without a key, with the honest client's key or with
    /// another one.
    Thieves,
}

/// A security event in the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Cut {
    Logout,
    LogoutAll,
    /// Carries the session over.
    PasswordChange,
    PasswordReset,
    /// Carries all sessions over.
    RoleChange,
    Disable,
}

/// The bounds of a model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// How many ticks time advances.
    pub(crate) ticks: u8,
    /// The number of refreshes in total.
    pub(crate) refreshes: u8,
    /// The number of refreshes at the same time.
    pub(crate) at_once: usize,
    /// The number of cuts.
    pub(crate) cuts: u8,
    /// How far one node's clock is ahead of the other's, in ticks.
    pub(crate) skew: u8,
}

/// The parameters of a model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) clients: Clients,
    pub(crate) cuts: &'static [Cut],
    pub(crate) sign_in: bool,
    pub(crate) policy: RotationPolicy,
    pub(crate) bounds: Bounds,
    pub(crate) mutation: Mutation,
}

/// A policy with lengths in ticks.
pub(crate) fn policy(leeway: u8, on_concurrent: OnConcurrent, refresh: u8) -> RotationPolicy {
    let ticks = |count: u8| Span::seconds(10 * i64::from(count));
    RotationPolicy {
        retry_window: ticks(RETRY_WINDOW),
        reuse_leeway: ticks(leeway),
        on_concurrent,
        lifetimes: Lifetimes {
            access: ticks(1),
            refresh: ticks(refresh),
            session: ticks(100),
        },
    }
}

/// The retry window, in ticks.
pub(crate) const RETRY_WINDOW: u8 = 2;
