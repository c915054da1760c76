//! Why a run of migrations stopped. The rule: an error after the first transaction names the migrations that stay applied.

use crate::{
    error::{Outage, StorageError},
    fault::Fault,
    nodes::LiveNode,
};
use diesel::result::{DatabaseErrorKind, Error};

/// The schema can't be changed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A newer version removed something that this version needs, or a migration of a newer version was to be reverted.
    #[error("the database has the migration {0}, which this version does not know: run the newer version")]
    SchemaNewer(String),
    /// A step of the run failed and is not applied.
    #[error("{what} failed, and is not applied: {cause}")]
    Failed {
        /// The step: the name of a migration, or a check of the run.
        what: String,
        /// The database's message.
        cause: String,
    },
    /// Other transactions kept using the tables.
    #[error(
        "the tables that the migrations change are always in use: try again when the database is less busy"
    )]
    Busy,
    /// Live nodes need the migration that was to be reverted.
    #[error("the migration {migration} is not reverted, because live nodes need it: {}", LiveNode::list(.nodes))]
    Needed {
        /// Its name.
        migration: String,
        /// The nodes that know it.
        nodes: Vec<LiveNode>,
    },
    /// The run stopped after some of its migrations were applied. These stay applied.
    #[error("{cause}; applied before that: {}", .applied.join(", "))]
    Partly {
        /// Their names, in order.
        applied: Vec<String>,
        /// What stopped it.
        #[source]
        cause: Box<Self>,
    },
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why one transaction of a run was rolled back.
pub(crate) enum Stop {
    /// Its tables are in use, or another run is active. It may be tried again.
    Busy,
    /// The run ends with this error.
    Error(MigrateError),
    /// The database failed.
    Fault(Fault),
}

impl Stop {
    /// A step failed, with the database's message.
    pub(crate) fn failed(what: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::Error(MigrateError::Failed {
            what: what.into(),
            cause: cause.into(),
        })
    }

    /// No connection can be opened.
    pub(crate) fn unreachable<E>(_: E) -> Self {
        Self::Error(StorageError::Unavailable(Outage::Unreachable).into())
    }
}

impl<T: Into<Fault>> From<T> for Stop {
    fn from(fault: T) -> Self {
        match fault.into() {
            Fault::Sql(Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => Self::Busy,
            fault => Self::Fault(fault),
        }
    }
}
