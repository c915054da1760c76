//! The contract of the store: what each method promises, on both databases.
//!
//! SQLite needs nothing. With the feature `services` the same tests run on PostgreSQL as well. KEYWARD_TEST_POSTGRES then has to
//! name a server (`scripts/with-services.sh` starts one); without one the tests fail.

/// Defines each test twice: `sqlite::name` and `postgres::name`.
#[cfg(test)]
macro_rules! on_both {
    ($($(#[$attribute:meta])* fn $name:ident($fixture:ident) $body:block)*) => {
        $(
            $(#[$attribute])*
            async fn $name($fixture: $crate::fixture::Fixture) $body
        )*

        mod sqlite {
            $(#[test] fn $name() { $crate::fixture::on_sqlite(super::$name); })*
        }

        #[cfg(feature = "services")]
        mod postgres {
            $(#[test] fn $name() { $crate::fixture::on_postgres(super::$name); })*
        }
    };
}

#[cfg(test)]
mod activity;
#[cfg(test)]
mod after_commit;
#[cfg(test)]
mod api_keys;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod audit_seals;
#[cfg(test)]
mod builders;
#[cfg(test)]
mod caller_evidence;
#[cfg(test)]
mod corrupt;
#[cfg(test)]
mod fates;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod keys_and_clients;
#[cfg(test)]
mod links;
#[cfg(test)]
mod links_of_addresses;
#[cfg(test)]
mod links_of_registrations;
#[cfg(test)]
mod lock_out;
#[cfg(test)]
#[cfg(feature = "services")]
mod long_history;
#[cfg(test)]
mod outbox;
#[cfg(test)]
mod outbox_causes;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod revocations;
#[cfg(test)]
mod rolling;
#[cfg(test)]
#[cfg(feature = "services")]
mod rolling_indexes;
#[cfg(test)]
mod rolling_nodes;
#[cfg(test)]
mod rolling_runs;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod schema_facts;
#[cfg(test)]
#[cfg(feature = "services")]
mod server;
#[cfg(test)]
#[cfg(feature = "services")]
mod server_outages;
#[cfg(test)]
#[cfg(feature = "services")]
mod server_sessions;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod settled;
#[cfg(test)]
mod setup;
#[cfg(test)]
#[cfg(feature = "services")]
mod skew;
#[cfg(test)]
mod sqlite_file;
#[cfg(test)]
mod sweep;
#[cfg(test)]
mod user_revocations;
#[cfg(test)]
mod users;
#[cfg(test)]
mod words;
#[cfg(test)]
mod writing;
