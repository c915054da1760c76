//! PostgreSQL stops, restarts, is demoted, or is slow. The rule: the store is unavailable meanwhile, and recovers by itself.

use crate::{
    builders::{anonymous, at, new_user, t0, unique_bytes},
    fixture::{all, block_on, next, on_postgres},
    server::Server,
    settled::Settle as _,
};
use auth_domain::{ids::TokenId, role::Role, user::User};
use auth_storage::{DatabaseConfig, OpenError, Outage, Storage, StorageError};
use diesel::{Connection, PgConnection, connection::SimpleConnection};
use std::{
    future::Future,
    time::{Duration, Instant},
};

pub(crate) fn config(url: String) -> DatabaseConfig {
    DatabaseConfig {
        url: url.into(),
        pool_size: 4,
        acquire_timeout: Duration::from_secs(1),
        ..DatabaseConfig::default()
    }
}

/// Retries until the store has recovered. Fails after ten seconds.
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

pub(crate) async fn register(db: &Storage) -> Result<User, StorageError> {
    let new = new_user(&format!("u{}@example.com", next()), Role::USER);
    let made = db.insert_user(new, None, None, anonymous(t0())).await;
    made.settled().await.map(Result::unwrap)
}

#[test]
fn a_stopped_server_is_unavailable_and_the_store_recovers_when_it_is_back() {
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

/// One failure reveals all connections that the server closed, so the next request gets a new one.
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
fn a_demoted_primary_is_left_and_used_again_when_it_accepts_writes() {
    let server = Server::start_new();
    block_on(async {
        let db = Storage::open(&config(server.url())).await.unwrap();
        db.migrate_up().await.unwrap();
        register(&db).await.unwrap();
        let mut operator = PgConnection::establish(&server.url()).unwrap();
        let mut set = |value: &str| {
            // The operator who demotes it may still write.
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
        // It is used neither for writes nor for the reads that nodes depend on, and no connection to it is kept.
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
fn a_demotion_is_noticed_by_nodes_that_only_read() {
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
fn the_error_about_an_unreachable_server_says_how_to_fix_it() {
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

/// A write that waits for a lock gives up within seconds, and its transaction ends. A reader looks back 30 s.
#[test]
fn a_write_behind_a_lock_ends_within_ten_seconds() {
    on_postgres(async |fixture| {
        let user = fixture.user("a@example.com", Role::USER).await;
        let config = fixture.config();
        let url = secrecy::ExposeSecret::expose_secret(&config.url).to_owned();
        let mut beside = PgConnection::establish(&url).unwrap();
        beside
            .batch_execute(&format!(
                "BEGIN; SELECT 1 FROM users WHERE id = '{}' FOR UPDATE",
                user.id
            ))
            .unwrap();
        let began = Instant::now();
        let cut = fixture
            .db
            .end_user_sessions(
                user.id,
                auth_domain::session::EndReason::LogoutAll,
                anonymous(at(1)),
            )
            .await
            .settled()
            .await;
        assert_eq!(cut, Err(StorageError::Unavailable(Outage::TimedOut)));
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        // Other requests are not delayed by it.
        let token = TokenId::from_parts(t0(), unique_bytes());
        fixture
            .db
            .revoke_token(token, anonymous(at(1)))
            .await
            .unwrap()
            .settled()
            .await;
        beside.batch_execute("ROLLBACK").unwrap();
        fixture
            .db
            .end_user_sessions(
                user.id,
                auth_domain::session::EndReason::LogoutAll,
                anonymous(at(2)),
            )
            .await
            .unwrap()
            .settled()
            .await
            .unwrap();
    });
}
