//! Catches statements on their way to a database, and which of them a connection keeps prepared. Diesel tells every new
//! connection's statements to whom this process names; the two databases' are told apart by how they quote names. So there is one
//! test a database: two would hear each other.

use crate::explain::Dialect;
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// The different statements that name a table.
#[derive(Default)]
pub(crate) struct Captured {
    /// Those that were sent.
    pub(crate) sent: BTreeSet<String>,
    /// Those that a connection prepared to keep them.
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

/// What was captured while `work` ran on connections that are made meanwhile.
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
