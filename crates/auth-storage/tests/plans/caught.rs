//! Catches statements on their way to a database. Diesel tells every new connection's statements to whom this process names;
//! the two databases' are told apart by how they quote names.

use crate::explain::Dialect;
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

static CAUGHT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn listener() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(|event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let text = query.to_string();
            let sql = text
                .split(" -- binds:")
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned();
            CAUGHT.lock().unwrap_or_else(PoisonError::into_inner).insert(sql);
        }
    }))
}

/// The different statements that name a table, after `work` has run on connections that are made meanwhile.
pub(crate) async fn during(dialect: Dialect, work: impl Future<Output = ()>) -> Vec<String> {
    set_default_instrumentation(listener).unwrap();
    work.await;
    let caught = CAUGHT.lock().unwrap_or_else(PoisonError::into_inner);
    caught.iter().filter(|sql| dialect.wrote(sql)).cloned().collect()
}
