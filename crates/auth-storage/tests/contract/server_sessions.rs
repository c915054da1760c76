//! Sessions of PostgreSQL: the timeouts that are set in them, their prepared statements, and the number of round trips.

use crate::{
    builders::{address, anonymous, at, new_user, policy, session_of, t0, token, unique_bytes},
    fixture::{block_on, on_postgres},
    server::Server,
    server_outages::{config, register},
    settled::Settle as _,
};
use auth_domain::{ids::TokenId, revocation::TokenRef, role::Role, user::Generation};
use auth_storage::{DatabaseConfig, Outage, Storage, StorageError};
use diesel::{Connection, PgConnection, connection::SimpleConnection};
use std::time::{Duration, Instant};

#[test]
fn the_limits_of_a_transaction_are_set_in_it_and_sessions_are_in_utc() {
    on_postgres(async |fixture| {
        // A default that a pooler's session might have.
        let name = fixture.database();
        fixture.execute(&format!("ALTER DATABASE {name} SET statement_timeout = 0; ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'"));
        fixture.execute(
            "CREATE TABLE seen (t text); CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO seen VALUES (current_setting('statement_timeout') || ' ' || current_setting('lock_timeout') || ' ' || \
             current_setting('idle_in_transaction_session_timeout') || ' ' || current_setting('timezone')); RETURN NEW; END $$; \
             CREATE TRIGGER see BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION see()",
        );
        let db = fixture.another().await;
        let new = new_user("a@example.com", Role::USER);
        let session = session_of(new.id, Generation::FIRST, t0());
        db.insert_user(new, Some(session), None, anonymous(t0()))
            .await
            .unwrap()
            .settled()
            .await
            .unwrap();
        let seen = "SELECT count(*) AS n FROM seen WHERE t = '4s 3s 3s UTC'";
        assert_eq!(fixture.number(seen), 1);
    });
}

/// Behind pgbouncer in transaction mode, a named statement could be used in another session than the one that prepared it.
#[test]
fn with_prepared_statements_off_none_is_prepared() {
    on_postgres(async |fixture| {
        fixture.execute(
            "CREATE TABLE seen (n bigint); CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO seen SELECT count(*) FROM pg_prepared_statements; RETURN NEW; END $$; \
             CREATE TRIGGER see BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION see()",
        );
        for (prepared_statements, most) in [(false, 0), (true, 9)] {
            fixture.execute("DELETE FROM seen");
            let config = DatabaseConfig {
                prepared_statements,
                pool_size: 1,
                ..fixture.config()
            };
            let db = Storage::open(&config).await.unwrap();
            let email = format!("u{most}@example.com");
            let new = new_user(&email, Role::USER);
            let session = session_of(new.id, Generation::FIRST, t0());
            db.insert_user(new, Some(session.clone()), None, anonymous(t0()))
                .await
                .unwrap()
                .settled()
                .await
                .unwrap();
            for number in 0..3 {
                let now = at(i64::from(number) * 60 + 60);
                db.rotate(session.id, token(number), policy(), false, anonymous(now))
                    .await
                    .unwrap()
                    .settled()
                    .await
                    .unwrap();
            }
            assert!(db.user_by_email(&address(&email)).await.unwrap().is_some());
            let named = fixture.number("SELECT max(n) AS n FROM seen");
            assert!(
                if prepared_statements {
                    named > 0 && named <= most
                } else {
                    named == 0
                },
                "{named}"
            );
        }
    });
}

/// The round trips of each operation, counted by the server. A transaction around a rotation would add two.
#[test]
fn hot_operations_make_as_few_round_trips_as_they_can() {
    let server = Server::start_new();
    block_on(async {
        let db = Storage::open(&DatabaseConfig {
            pool_size: 1,
            ..config(server.url())
        })
        .await
        .unwrap();
        db.migrate_up().await.unwrap();
        let new = new_user("a@example.com", Role::USER);
        let session = session_of(new.id, Generation::FIRST, t0());
        db.insert_user(new.clone(), Some(session.clone()), None, anonymous(t0()))
            .await
            .unwrap()
            .settled()
            .await
            .unwrap();
        let token_ref = TokenRef {
            token: TokenId::from_parts(t0(), unique_bytes()),
            session: session.id,
            user: new.id,
            generation: Generation::FIRST,
        };
        let hot = async |number: u32| {
            let now = at(i64::from(number) * 60 + 60);
            db.rotate(session.id, token(number), policy(), false, anonymous(now))
                .await
                .unwrap()
                .settled()
                .await
                .unwrap();
            db.facts(token_ref).await.unwrap();
            db.credentials(&new.email).await.unwrap().unwrap();
            db.user(new.id).await.unwrap().unwrap();
        };
        // Run once first, so that every statement is prepared.
        hot(0).await;
        let mut operator = PgConnection::establish(&server.url()).unwrap();
        operator
            .batch_execute("ALTER SYSTEM SET log_statement = 'all'")
            .unwrap();
        operator.batch_execute("SELECT pg_reload_conf()").unwrap();
        let began = Instant::now();
        while server.statements().is_empty() {
            assert!(began.elapsed() < Duration::from_secs(5), "the reload is awaited");
            db.ping().await.unwrap();
        }
        let before = server.statements().len();
        hot(1).await;
        let made: Vec<String> = server.statements().split_off(before);
        let first_words: Vec<&str> = made.iter().filter_map(|line| line.split(' ').next()).collect();
        // The rotation; the facts; the credentials; the user.
        assert_eq!(
            first_words,
            ["SELECT", "UPDATE", "SELECT", "SELECT", "SELECT"],
            "{made:#?}"
        );
    });
}

/// This happens after `DISCARD ALL`, or behind a pooler that assigns another session to each transaction.
#[test]
fn a_session_that_lost_its_prepared_statements_is_left_after_one_failure() {
    on_postgres(async |fixture| {
        let one_connection = DatabaseConfig {
            pool_size: 1,
            ..fixture.config()
        };
        let db = Storage::open(&one_connection).await.unwrap();
        register(&db).await.unwrap();
        fixture.execute(
            "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN EXECUTE ''DEALLOCATE ALL''; RETURN NULL; END'; \
             CREATE TRIGGER forget AFTER INSERT ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION forget()",
        );
        register(&db).await.unwrap();
        fixture.execute("DROP TRIGGER forget ON audit_events");
        assert_eq!(
            register(&db).await,
            Err(StorageError::Unavailable(Outage::ConnectionLost))
        );
        register(&db).await.unwrap();
    });
}
