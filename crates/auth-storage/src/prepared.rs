//! Writes that each connection prepares once. The rule: a statement that requests run often is `.prepared()`.
//!
//! Diesel caches a prepared SELECT, but never an UPDATE or an upsert: its cache keys are types, and the columns that such a statement
//! sets could differ from call to call. Preparing costs PostgreSQL a round trip and a plan for each call, and SQLite a parse. Here the
//! key is the statement's text, so each of the few statements that the code can build is cached.
//!
//! The statement needs a RETURNING clause. `get_result` gets the statement itself, but `execute` gets a reference, which loses what
//! this type says. `tests/plans` checks what the connections really cache.

use diesel::{
    QueryResult, RunQueryDsl,
    backend::Backend,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

/// A statement whose prepared form is cached by its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prepared<S>(S);

/// Statements that can be prepared.
pub(crate) trait Prepare: Sized {
    /// Prepares this once for each connection. Only for statements with a bounded number of texts: the cache never removes one.
    fn prepared(self) -> Prepared<Self> {
        Prepared(self)
    }
}

impl<S: QueryId> Prepare for S {}

impl<S, DB> QueryFragment<DB> for Prepared<S>
where
    DB: Backend,
    S: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<S> QueryId for Prepared<S> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S: Query> Query for Prepared<S> {
    type SqlType = S::SqlType;
}

impl<S, C> RunQueryDsl<C> for Prepared<S> {}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::{
        Connection, SqliteConnection,
        connection::{InstrumentationEvent, SimpleConnection},
        prelude::*,
    };
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    diesel::table! { things (id) { id -> Integer, word -> Nullable<Text>, } }

    fn rename(c: &mut SqliteConnection, word: Option<&str>) -> Option<String> {
        diesel::update(things::table.find(1))
            .set(things::word.eq(word))
            .returning(things::word)
            .prepared()
            .get_result(c)
            .unwrap()
    }

    #[test]
    fn a_prepared_write_is_prepared_once_and_binds_new_values_each_time() {
        let mut c = SqliteConnection::establish(":memory:").unwrap();
        c.batch_execute(
            "CREATE TABLE things (id INTEGER PRIMARY KEY, word TEXT); INSERT INTO things VALUES (1, 'a')",
        )
        .unwrap();
        let kept = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&kept);
        c.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::CacheQuery { .. }) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        assert_eq!(rename(&mut c, Some("b")).as_deref(), Some("b"));
        assert_eq!(rename(&mut c, None), None);
        assert_eq!(rename(&mut c, Some("c")).as_deref(), Some("c"));
        assert_eq!(kept.load(Ordering::Relaxed), 1);
    }
}
