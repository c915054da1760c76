//! Why an operation stopped, before it is known to which caller and in which words it is told.

use std::fmt::Display;

/// An operation's failure. Whatever it wrote is rolled back.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The database said no.
    Sql(diesel::result::Error),
    /// A row fits no state.
    Corrupt {
        table: &'static str,
        column: &'static str,
        id: String,
    },
    /// Guarded updates kept missing.
    Contended,
    /// The server answered, but takes no writes: it was demoted.
    Demoted,
    /// The transaction took longer than it may.
    TooLong,
}

/// A row that fits no state, by its table, a column and its key.
pub(crate) fn corrupt(table: &'static str, column: &'static str, id: impl Display) -> Fault {
    Fault::Corrupt {
        table,
        column,
        id: id.to_string(),
    }
}

impl From<diesel::result::Error> for Fault {
    fn from(error: diesel::result::Error) -> Self {
        Self::Sql(error)
    }
}

/// A transaction that ends without writing: with a refusal that wants nothing kept, or with a failure.
#[derive(Debug)]
pub(crate) enum Undo<R> {
    /// The refusal, boxed: most transactions end without one.
    With(Box<R>),
    /// The failure.
    For(Fault),
}

impl<R> Undo<R> {
    pub(crate) fn with(refusal: R) -> Self {
        Self::With(Box::new(refusal))
    }
}

impl<R> From<diesel::result::Error> for Undo<R> {
    fn from(error: diesel::result::Error) -> Self {
        Self::For(error.into())
    }
}

impl<R> From<Fault> for Undo<R> {
    fn from(fault: Fault) -> Self {
        Self::For(fault)
    }
}

/// The answer of a transaction that may have been undone: what it did, or why it was refused.
pub(crate) fn undone<T, R>(outcome: Result<T, Undo<R>>) -> Result<Result<T, R>, Fault> {
    match outcome {
        Ok(answer) => Ok(Ok(answer)),
        Err(Undo::With(refusal)) => Ok(Err(*refusal)),
        Err(Undo::For(fault)) => Err(fault),
    }
}
