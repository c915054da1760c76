//! Why an operation stopped, before that becomes an error for the caller. The rule: a fault rolls back all that the operation wrote.

use std::fmt::Display;

/// The failure of an operation. All that it wrote is rolled back.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The database returned an error.
    Sql(diesel::result::Error),
    /// A row has an invalid value.
    Corrupt {
        table: &'static str,
        column: &'static str,
        id: String,
    },
    /// Guarded updates kept failing, because concurrent requests changed the row.
    Contended,
    /// The server answered but accepts no writes: it was demoted.
    Demoted,
    /// The transaction took too long to be committed.
    TooLong,
}

/// The fault of a row with an invalid value: its table, the column and the row's key.
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

/// Why a transaction is rolled back: it is refused, or it failed.
#[derive(Debug)]
pub(crate) enum Undo<R> {
    /// The refusal, which is boxed because most transactions have none.
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

/// The result of a transaction that may have been rolled back: its value, or why it was refused.
pub(crate) fn undone<T, R>(outcome: Result<T, Undo<R>>) -> Result<Result<T, R>, Fault> {
    match outcome {
        Ok(answer) => Ok(Ok(answer)),
        Err(Undo::With(refusal)) => Ok(Err(*refusal)),
        Err(Undo::For(fault)) => Err(fault),
    }
}
