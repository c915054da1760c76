//! Captures the statements that are sent to a database, and which of them a connection keeps prepared. Diesel reports the statements of
//! every new connection to one observer per process. The statements of the two databases are distinguished by how they quote names. So
//! there is one test for each database; two would capture each other's statements.

use crate::explain::Dialect;
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// The distinct statements that name a table.
#[derive(Default)]
pub(crate) struct Captured {
    /// The statements that were sent.
    pub(crate) sent: BTreeSet<String>,
    /// The statements that a connection keeps prepared.
    pub(crate) kept: BTreeSet<String>,
}

static CAPTURED: Mutex<Captured> = Mutex::new(Captured {
    sent: BTreeSet::new(),
    kept: BTreeSet::new(),
});

fn listener() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(|event: InstrumentationEvent<'_>| {
        let mut captured = CAPTURED.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            InstrumentationEvent::StartQuery { query, .. } => {
                let text = query.to_string();
                let sql = text.split(" -- binds:").next().unwrap_or_default();
                captured.sent.insert(sql.trim().to_owned());
            }
            InstrumentationEvent::CacheQuery { sql, .. } => {
                captured.kept.insert(sql.trim().to_owned());
            }
            _ => {}
        }
    }))
}

/// Captures the statements of `work` on connections that are opened meanwhile.
pub(crate) async fn during(dialect: Dialect, work: impl Future<Output = ()>) -> Captured {
    set_default_instrumentation(listener).unwrap();
    work.await;
    let captured = CAPTURED.lock().unwrap_or_else(PoisonError::into_inner);
    let ours = |all: &BTreeSet<String>| all.iter().filter(|sql| dialect.wrote(sql)).cloned().collect();
    Captured {
        sent: ours(&captured.sent),
        kept: ours(&captured.kept),
    }
}
