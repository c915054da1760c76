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

/// A transaction that ends without writing: with an answer that wants nothing kept, or with a failure.
pub(crate) enum Undo<T> {
    /// The answer, boxed: most transactions end without one.
    With(Box<T>),
    /// The failure.
    For(Fault),
}

impl<T> Undo<T> {
    pub(crate) fn with(answer: T) -> Self {
        Self::With(Box::new(answer))
    }
}

impl<T> From<diesel::result::Error> for Undo<T> {
    fn from(error: diesel::result::Error) -> Self {
        Self::For(error.into())
    }
}

impl<T> From<Fault> for Undo<T> {
    fn from(fault: Fault) -> Self {
        Self::For(fault)
    }
}

/// The answer of a transaction that may have been undone.
pub(crate) fn undone<T>(outcome: Result<T, Undo<T>>) -> Result<T, Fault> {
    match outcome {
        Ok(answer) => Ok(answer),
        Err(Undo::With(answer)) => Ok(*answer),
        Err(Undo::For(fault)) => Err(fault),
    }
}
