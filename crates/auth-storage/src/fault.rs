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
pub(crate) enum Rollback<R> {
    /// The refusal, which is boxed because most transactions have none.
    Refused(Box<R>),
    /// The failure.
    Failed(Fault),
}

impl<R> Rollback<R> {
    pub(crate) fn refused(refusal: R) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl<R> From<diesel::result::Error> for Rollback<R> {
    fn from(error: diesel::result::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl<R> From<Fault> for Rollback<R> {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

/// The result of a transaction that may have been rolled back: its value, or why it was refused.
pub(crate) fn refusal_as_value<T, R>(result: Result<T, Rollback<R>>) -> Result<Result<T, R>, Fault> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Rollback::Refused(refusal)) => Ok(Err(*refusal)),
        Err(Rollback::Failed(fault)) => Err(fault),
    }
}
