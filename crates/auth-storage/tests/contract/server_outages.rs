//! PostgreSQL goes away, comes back, is demoted, is slow: unavailable meanwhile, well again by itself.

use crate::{
    people::{address, at, chance, person, policy, session_of, t0, terms, token},
    server::Server,
    settled::Settle as _,
    world::{all, block_on, next, on_postgres},
};
use auth_domain::{
    ids::TokenId,
    revocation::TokenRef,
    role::Role,
    user::{Generation, User},
};
use auth_storage::{DatabaseConfig, OpenError, Outage, Storage, StorageError};
use diesel::{Connection, PgConnection, connection::SimpleConnection};
use std::{
    future::Future,
    time::{Duration, Instant},
};

fn config(url: String) -> DatabaseConfig {
    DatabaseConfig {
        url: url.into(),
        pool_size: 4,
        acquire_timeout: Duration::from_secs(1),
        ..DatabaseConfig::default()
    }
}

/// Asks until it is well; fails after ten seconds.
async fn until_well<T, F: Future<Output = Result<T, StorageError>>>(ask: impl Fn() -> F) -> T {
    let began = Instant::now();
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => {
                assert!(error.is_transient(), "{error:?}");
                assert!(began.elapsed() < Duration::from_secs(10), "still {error:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn register(db: &Storage) -> Result<User, StorageError> {
    let new = person(&format!("u{}@example.com", next()), Role::USER);
    let made = db.insert_user(new, None, None, terms(t0())).await;
    made.settled().await.map(Result::unwrap)
}

#[test]
fn a_server_that_stops_is_unavailable_and_well_again_when_it_is_back() {
    let server = Server::start_new();
    block_on(async {
        let db = Storage::open(&config(server.url())).await.unwrap();
        db.migrate_up().await.unwrap();
        all((0..16).map(|_| {
            let db = db.clone();
            tokio::spawn(async move { register(&db).await.unwrap() })
        }))
        .await;
        for how in ["fast", "immediate"] {
            server.stop(how);
            for _ in 0..12 {
                let began = Instant::now();
                let answer = register(&db).await;
                assert!(matches!(answer, Err(StorageError::Unavailable(_))), "{answer:?}");
                assert!(began.elapsed() < Duration::from_secs(5));
                assert!(matches!(db.ping().await, Err(StorageError::Unavailable(_))));
            }
            server.start();
            let began = Instant::now();
            until_well(|| register(&db)).await;
            until_well(|| db.ping()).await;
            assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
            for _ in 0..32 {
                register(&db).await.unwrap();
            }
        }
    });
}

/// One failure tells of all connections that the server closed: the next request already gets a new one.
#[test]
fn sessions_that_were_terminated_cost_one_failure_at_most() {
    let server = Server::start_new();
    block_on(async {
        let db = Storage::open(&config(server.url())).await.unwrap();
        db.migrate_up().await.unwrap();
        all((0..16).map(|_| {
            let db = db.clone();
            tokio::spawn(async move { register(&db).await.unwrap() })
        }))
        .await;
        let mut beside = PgConnection::establish(&server.url()).unwrap();
        beside
            .batch_execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'keyward'",
            )
            .unwrap();
        let mut failed = 0;
        for _ in 0..20 {
            match register(&db).await {
                Ok(_) => {}
                Err(StorageError::Unavailable(_)) => failed += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(failed <= 1, "{failed}");
    });
}

#[test]
fn a_demoted_primary_is_left_and_taken_again_when_it_writes() {
    let server = Server::start_new();
    block_on(async {
        let db = Storage::open(&config(server.url())).await.unwrap();
        db.migrate_up().await.unwrap();
        register(&db).await.unwrap();
        let mut operator = PgConnection::establish(&server.url()).unwrap();
        let mut set = |value: &str| {
            // With a write of its own allowed, as the operator who demotes it.
            operator
                .batch_execute("SET default_transaction_read_only = off")
                .unwrap();
            operator
                .batch_execute(&format!(
                    "ALTER SYSTEM SET default_transaction_read_only = {value}"
                ))
                .unwrap();
            operator.batch_execute("SELECT pg_reload_conf()").unwrap();
        };
        set("on");
        let began = Instant::now();
        while register(&db).await.is_ok() {
            assert!(began.elapsed() < Duration::from_secs(5), "the reload is awaited");
        }
        // Neither writes nor what nodes live by are taken from it, and no connection to it is kept.
        for _ in 0..8 {
            assert!(matches!(register(&db).await, Err(StorageError::Unavailable(_))));
            assert!(matches!(
                db.revocations_since(None).await,
                Err(StorageError::Unavailable(_))
            ));
        }
        let refused = Storage::open(&config(server.url())).await.unwrap_err();
        assert!(matches!(refused, OpenError::ReadOnlyServer(_)), "{refused}");
        set("off");
        until_well(|| register(&db)).await;
        until_well(|| db.revocations_since(None)).await;
    });
}

/// A node that only reads revocations learns of the demotion without any write.
#[test]
fn a_demotion_is_noticed_by_those_who_only_read() {
    let server = Server::start_new();
    block_on(async {
        let db = Storage::open(&config(server.url())).await.unwrap();
        db.migrate_up().await.unwrap();
        let mut operator = PgConnection::establish(&server.url()).unwrap();
        operator
            .batch_execute("ALTER SYSTEM SET default_transaction_read_only = on")
            .unwrap();
        operator.batch_execute("SELECT pg_reload_conf()").unwrap();
        let began = Instant::now();
        while db.revocations_since(None).await.is_ok() {
            assert!(began.elapsed() < Duration::from_secs(5), "the reload is awaited");
        }
        assert!(matches!(db.ping().await, Err(StorageError::Unavailable(_))));
    });
}

#[test]
fn a_server_that_can_not_be_reached_is_told_with_its_mend() {
    let server = Server::start_new();
    let open = |url: String| block_on(Storage::open(&config(url))).map(drop).unwrap_err();
    let unknown = open(
        server
            .url()
            .replace("/postgres", "/none")
            .replace("none@", "postgres@"),
    );
    assert!(matches!(unknown, OpenError::NoSuchDatabase(_)), "{unknown}");
    let stranger = open(server.url().replace("postgres@", "stranger:hunter2@"));
    assert!(
        matches!(stranger, OpenError::WrongPassword(_)) && !stranger.to_string().contains("hunter2"),
        "{stranger}"
    );
    assert!(matches!(
        open(server.url().replace("127.0.0.1:", "127.0.0.1:x")),
        OpenError::MalformedAddress
    ));
    server.stop("fast");
    let refused = open(server.url());
    assert!(matches!(refused, OpenError::Refused(_)), "{refused}");
}

/// What waits behind a lock gives up within seconds, and its transaction is over: a reader's look-back is 30 s.
#[test]
fn a_write_behind_a_lock_ends_within_ten_seconds() {
    on_postgres(async |world| {
        let user = world.user("a@example.com", Role::USER).await;
        let config = world.config();
        let url = secrecy::ExposeSecret::expose_secret(&config.url).to_owned();
        let mut beside = PgConnection::establish(&url).unwrap();
        beside
            .batch_execute(&format!(
                "BEGIN; SELECT 1 FROM users WHERE id = '{}' FOR UPDATE",
                user.id
            ))
            .unwrap();
        let began = Instant::now();
        let cut = world
            .db
            .end_user_sessions(user.id, auth_domain::session::EndReason::LogoutAll, terms(at(1)))
            .await
            .settled()
            .await;
        assert_eq!(cut, Err(StorageError::Unavailable(Outage::TimedOut)));
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        // Others are not held up by it.
        let token = TokenId::from_parts(t0(), chance());
        world
            .db
            .revoke_token(token, terms(at(1)))
            .await
            .unwrap()
            .settled()
            .await;
        beside.batch_execute("ROLLBACK").unwrap();
        world
            .db
            .end_user_sessions(user.id, auth_domain::session::EndReason::LogoutAll, terms(at(2)))
            .await
            .unwrap()
            .settled()
            .await
            .unwrap();
    });
}

#[test]
fn the_limits_of_a_transaction_are_set_in_it_and_sessions_are_in_utc() {
    on_postgres(async |world| {
        // A default that a pooler's session might have.
        let name = world.database();
        world.execute(&format!("ALTER DATABASE {name} SET statement_timeout = 0; ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'"));
        world.execute(
            "CREATE TABLE seen (t text); CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO seen VALUES (current_setting('statement_timeout') || ' ' || current_setting('lock_timeout') || ' ' || \
             current_setting('idle_in_transaction_session_timeout') || ' ' || current_setting('timezone')); RETURN NEW; END $$; \
             CREATE TRIGGER see BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION see()",
        );
        let db = world.another().await;
        let new = person("a@example.com", Role::USER);
        let session = session_of(new.id, Generation::FIRST, t0());
        db.insert_user(new, Some(session), None, terms(t0()))
            .await
            .unwrap()
            .settled()
            .await
            .unwrap();
        let seen = "SELECT count(*) AS n FROM seen WHERE t = '4s 3s 3s UTC'";
        assert_eq!(world.number(seen), 1);
    });
}

/// Behind pgbouncer in transaction mode a named statement would be looked for in another session than it was made in.
#[test]
fn without_prepared_statements_none_is_made() {
    on_postgres(async |world| {
        world.execute(
            "CREATE TABLE seen (n bigint); CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO seen SELECT count(*) FROM pg_prepared_statements; RETURN NEW; END $$; \
             CREATE TRIGGER see BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION see()",
        );
        for (prepared_statements, most) in [(false, 0), (true, 9)] {
            world.execute("DELETE FROM seen");
            let config = DatabaseConfig {
                prepared_statements,
                pool_size: 1,
                ..world.config()
            };
            let db = Storage::open(&config).await.unwrap();
            let email = format!("u{most}@example.com");
            let new = person(&email, Role::USER);
            let session = session_of(new.id, Generation::FIRST, t0());
            db.insert_user(new, Some(session.clone()), None, terms(t0()))
                .await
                .unwrap()
                .settled()
                .await
                .unwrap();
            for number in 0..3 {
                let now = at(i64::from(number) * 60 + 60);
                db.rotate(session.id, token(number), policy(), false, terms(now))
                    .await
                    .unwrap()
                    .settled()
                    .await
                    .unwrap();
            }
            assert!(db.user_by_email(&address(&email)).await.unwrap().is_some());
            let named = world.number("SELECT max(n) AS n FROM seen");
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

/// What each operation costs, as the server counts it. A transaction around a rotation would be two round trips more.
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
        let new = person("a@example.com", Role::USER);
        let session = session_of(new.id, Generation::FIRST, t0());
        db.insert_user(new.clone(), Some(session.clone()), None, terms(t0()))
            .await
            .unwrap()
            .settled()
            .await
            .unwrap();
        let token_ref = TokenRef {
            token: TokenId::from_parts(t0(), chance()),
            session: session.id,
            user: new.id,
            generation: Generation::FIRST,
        };
        let hot = async |number: u32| {
            let now = at(i64::from(number) * 60 + 60);
            db.rotate(session.id, token(number), policy(), false, terms(now))
                .await
                .unwrap()
                .settled()
                .await
                .unwrap();
            db.facts(token_ref).await.unwrap();
            db.credentials(&new.email).await.unwrap().unwrap();
            db.user(new.id).await.unwrap().unwrap();
        };
        // Once, so that every statement is prepared.
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

/// As after `DISCARD ALL`, or behind a pooler that gives each transaction another session.
#[test]
fn a_session_that_forgot_what_was_prepared_in_it_is_left_and_harms_one_request() {
    on_postgres(async |world| {
        let one_connection = DatabaseConfig {
            pool_size: 1,
            ..world.config()
        };
        let db = Storage::open(&one_connection).await.unwrap();
        register(&db).await.unwrap();
        world.execute(
            "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN EXECUTE ''DEALLOCATE ALL''; RETURN NULL; END'; \
             CREATE TRIGGER forget AFTER INSERT ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION forget()",
        );
        register(&db).await.unwrap();
        world.execute("DROP TRIGGER forget ON audit_events");
        assert_eq!(
            register(&db).await,
            Err(StorageError::Unavailable(Outage::ConnectionLost))
        );
        register(&db).await.unwrap();
    });
}
