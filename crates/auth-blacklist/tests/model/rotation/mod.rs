//! Rotation: refreshes, cuts and sign-ins that run into each other (docs/rules.md §2 and §3).
//!
//! A refresh is what storage makes of it on PostgreSQL, the weaker of the two databases: a load, the domain's own `decide`, a
//! statement that takes its snapshot, and its write once it has the row, guarded by what the decision was made from. A cut is
//! a transaction: the user's row, the sessions' rows, the commit. Anything may come between any two of these, a node may die
//! there, and an answer may be lost. Nodes have no memory, so a request is on any node; it only has that node's clock.
//! Time goes on in ticks of ten seconds.

mod desk;
mod refresh;
mod rows;
mod steps;

pub(crate) use desk::Desk;

use auth_domain::{
    lineage::Lifetimes,
    rotation::{OnConcurrent, RotationPolicy},
    time::Span,
};

/// A mistake that somebody could make, or a thing that is taken for granted and here is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    Nothing,
    /// The update names the session and nothing else.
    Unguarded,
    /// The update does not say which rotation it was decided from.
    NumberUnguarded,
    /// The update does not say which generation the session had.
    GenerationUnguarded,
    /// The update does not say that the session has not ended.
    EndUnguarded,
    /// The update does not look at the user.
    UserUnguarded,
    /// A Repeat counts as a rotation of its own time.
    RepeatExtends,
    /// A refresh without a key equals another one without a key.
    AbsentKeysEqual,
    /// A reuse is refused, and that is all.
    ReuseSpares,
    /// A Repeat writes its own end of the access tokens over a later one.
    AccessUntilOverwritten,
    /// A cut raises the generation and leaves the sessions' rows alone.
    CutsLeaveSessions,
    /// A sign-in takes the generation that there is when it inserts its session.
    SignInTakesTheNewGeneration,
    /// No mistake: a client refreshes again while an earlier attempt of its own is still under way.
    ImpatientClient,
    /// No mistake: a token is refreshed for the first time when it has less than the retry window to live.
    LastMoment,
}

/// Who refreshes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clients {
    /// One, which never presents an old number but to retry, with its key, within the window.
    Honest,
    /// Beside it, somebody presents any token that was ever given out, at any time, without a key, with the honest client's
    /// or with another one.
    Thieves,
}

/// A cut that the model makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Cut {
    Logout,
    LogoutAll,
    /// Spares the session, which is lifted over.
    PasswordChange,
    PasswordReset,
    /// Lifts all sessions over.
    RoleChange,
    Disable,
}

/// How much may happen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// How many ticks time goes on.
    pub(crate) ticks: u8,
    /// How many refreshes are presented in all.
    pub(crate) refreshes: u8,
    /// How many at once.
    pub(crate) at_once: usize,
    /// How many cuts.
    pub(crate) cuts: u8,
    /// How far the one node's clock is ahead of the other's.
    pub(crate) skew: u8,
}

/// A model to be walked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) clients: Clients,
    pub(crate) cuts: &'static [Cut],
    pub(crate) sign_in: bool,
    pub(crate) policy: RotationPolicy,
    pub(crate) bounds: Bounds,
    pub(crate) broken: Broken,
}

/// A policy in ticks.
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
