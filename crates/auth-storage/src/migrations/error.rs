//! Why a run of migrations stopped.

use crate::{
    error::{Outage, StorageError},
    fault::Fault,
    nodes::LivingNode,
};
use diesel::result::{DatabaseErrorKind, Error};

/// The schema can't be changed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A newer version took something away that this one needs, or something of a newer version is to be taken back.
    #[error("the database has the migration {0}, which this version does not know: run the newer version")]
    SchemaNewer(String),
    /// A step of the run failed, and is not applied.
    #[error("{what} failed, and is not applied: {cause}")]
    Failed {
        /// Which: a migration by its name, or what is done around them.
        what: String,
        /// What the database said.
        cause: String,
    },
    /// Other transactions use the tables all the time.
    #[error(
        "the tables that the migrations change are in use all the time: run it again when the database has less to do"
    )]
    Busy,
    /// Nodes that serve need what is to be taken back.
    #[error("the migration {migration} is not taken back, because nodes that serve this database need it: {}", LivingNode::list(.nodes))]
    Needed {
        /// Its name.
        migration: String,
        /// The nodes that know it.
        nodes: Vec<LivingNode>,
    },
    /// The run stopped after some of its migrations were applied. They stay applied.
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

/// Why one transaction of a run was undone.
pub(crate) enum Stop {
    /// Its tables are in use, or another run is at it: it may be tried again.
    Busy,
    /// It may not be tried again.
    For(MigrateError),
    /// The database failed.
    Fault(Fault),
}

impl Stop {
    /// A step failed, and this is what the database said.
    pub(crate) fn failed(what: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::For(MigrateError::Failed {
            what: what.into(),
            cause: cause.into(),
        })
    }

    /// No connection can be made.
    pub(crate) fn unreachable<E>(_: E) -> Self {
        Self::For(StorageError::Unavailable(Outage::Unreachable).into())
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
