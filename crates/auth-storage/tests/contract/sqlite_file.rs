//! Promises about SQLite only: its settings, its file, its writer.

use crate::{
    builders::{admins, anonymous, at, new_user, session_of, t0},
    fixture::{all, block_on, on_sqlite},
    settled::Settle as _,
};
use auth_domain::{role::Role, session::EndReason, user::Generation};
use auth_storage::{AlreadyServed, DatabaseConfig, OpenError, Outage, Storage, StorageError};
use diesel::{Connection, SqliteConnection, connection::SimpleConnection, prelude::*, sql_types::Text};
use std::time::Duration;

fn open(url: &str) -> Result<Storage, OpenError> {
    block_on(Storage::open(&DatabaseConfig {
        url: url.into(),
        ..DatabaseConfig::default()
    }))
}

#[test]
fn the_error_about_a_url_that_cannot_be_opened_says_how_to_fix_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    assert!(matches!(open("sqlite::memory:"), Err(OpenError::InMemory)));
    assert!(matches!(open("mysql://x"), Err(OpenError::UnknownAddress)));
    assert!(matches!(
        open(&format!("sqlite://{path}/none/x.db")),
        Err(OpenError::NoSuchFolder(_))
    ));
    assert!(matches!(
        open(&format!("sqlite://{path}")),
        Err(OpenError::NotADatabase(_))
    ));
    std::fs::write(
        folder.path().join("text"),
        "no database, but long enough to be read as the header of one. ".repeat(20),
    )
    .unwrap();
    assert!(matches!(
        open(&format!("sqlite://{path}/text")),
        Err(OpenError::NotADatabase(_))
    ));
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    on_sqlite(async |fixture| {
        for suffix in ["", "-wal"] {
            let file = format!("{}{suffix}", fixture.file().display());
            assert_eq!(
                std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
                0o600,
                "{file}"
            );
        }
    });
}

#[test]
fn a_commit_is_on_the_disk_and_readers_never_wait() {
    #[derive(QueryableByName)]
    struct Mode {
        #[diesel(sql_type = Text)]
        journal_mode: String,
    }
    on_sqlite(async |fixture| {
        assert_eq!(
            fixture
                .rows::<Wal>("PRAGMA journal_mode")
                .first()
                .unwrap()
                .journal_mode,
            "wal"
        );
        let mut beside = SqliteConnection::establish(fixture.file().to_str().unwrap()).unwrap();
        beside.batch_execute("BEGIN IMMEDIATE").unwrap();
        // A writer holds the lock, and readers do not wait.
        assert_eq!(
            fixture
                .db
                .user(new_user("a@example.com", Role::USER).id)
                .await
                .unwrap(),
            None
        );
        beside.batch_execute("ROLLBACK").unwrap();
    });
    type Wal = Mode;
}

#[test]
fn one_process_serves_and_others_work_beside_it() {
    on_sqlite(async |fixture| {
        let lock = fixture.db.claim_serving().unwrap();
        let second = fixture.another().await;
        assert!(matches!(second.claim_serving(), Err(AlreadyServed::ByAnother(_))));
        second
            .insert_user(
                new_user("cli@example.com", Role::USER),
                None,
                None,
                anonymous(t0()),
            )
            .await
            .unwrap()
            .settled()
            .await
            .unwrap();
        assert!(
            fixture
                .db
                .user_by_email(&crate::builders::address("cli@example.com"))
                .await
                .unwrap()
                .is_some()
        );
        drop(lock);
        second.claim_serving().unwrap();
    });
}

/// Writes of one batch: those that succeed stay, those that fail leave no trace, and each gets its own answer.
#[test]
fn a_failed_write_affects_no_other_in_its_commit() {
    on_sqlite(async |fixture| {
        let taken = new_user("taken@example.com", Role::USER);
        fixture
            .db
            .insert_user(taken.clone(), None, None, anonymous(t0()))
            .await
            .unwrap()
            .settled()
            .await
            .unwrap();
        // While another process holds the lock, the writes queue up, and then share one commit.
        let mut beside = SqliteConnection::establish(fixture.file().to_str().unwrap()).unwrap();
        beside.batch_execute("BEGIN IMMEDIATE").unwrap();
        let writes: Vec<_> = (0..40)
            .map(|n| {
                let (db, id) = (fixture.db.clone(), taken.id);
                tokio::spawn(async move {
                    let mut new = new_user(&format!("u{n}@example.com"), Role::USER);
                    if n % 4 == 0 {
                        new.id = id;
                    }
                    // Its session is written before the constraint of the other write fails.
                    let session = session_of(new.id, Generation::FIRST, t0());
                    db.insert_user(new, Some(session), None, anonymous(t0()))
                        .await
                        .settled()
                        .await
                })
            })
            .collect();
        tokio::task::yield_now().await;
        beside.batch_execute("ROLLBACK").unwrap();
        let outcomes = all(writes).await;
        for (n, outcome) in outcomes.iter().enumerate() {
            match outcome {
                Ok(Ok(_)) => assert_ne!(n % 4, 0),
                Err(StorageError::Query(_)) => assert_eq!(n % 4, 0),
                other => panic!("{n}: {other:?}"),
            }
        }
        assert_eq!(fixture.number("SELECT count(*) AS n FROM users"), 31);
        assert_eq!(fixture.number("SELECT count(*) AS n FROM sessions"), 30);
    });
}

/// A full disk rolls back the whole transaction, so no write in it may be acknowledged.
#[test]
fn no_write_of_a_failed_commit_is_acknowledged() {
    on_sqlite(async |fixture| {
        fixture.execute(
            "CREATE TRIGGER full BEFORE INSERT ON users WHEN NEW.email LIKE 'full%' \
             BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END",
        );
        let mut failed = 0;
        for round in 0..5 {
            let mut beside = SqliteConnection::establish(fixture.file().to_str().unwrap()).unwrap();
            beside.batch_execute("BEGIN IMMEDIATE").unwrap();
            let writes: Vec<_> = (0..20)
                .map(|n| {
                    let db = fixture.db.clone();
                    let name = if n == 7 { "full" } else { "u" };
                    let new = new_user(&format!("{name}{n}r{round}@example.com"), Role::USER);
                    tokio::spawn(async move {
                        (
                            new.id,
                            db.insert_user(new, None, None, anonymous(t0()))
                                .await
                                .settled()
                                .await,
                        )
                    })
                })
                .collect();
            tokio::task::yield_now().await;
            beside.batch_execute("ROLLBACK").unwrap();
            for (id, outcome) in all(writes).await {
                let there = fixture.db.user(id).await.unwrap().is_some();
                match outcome {
                    Ok(Ok(_)) => assert!(there),
                    Err(StorageError::Unavailable(Outage::DiskFull | Outage::Faulty)) => {
                        failed += 1;
                        assert!(!there);
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        assert!(failed >= 5);
    });
}

#[test]
fn a_full_queue_refuses_at_once() {
    on_sqlite(async |fixture| {
        let config = DatabaseConfig {
            queue: 2,
            ..fixture.config()
        };
        let small = Storage::open(&config).await.unwrap();
        let mut beside = SqliteConnection::establish(fixture.file().to_str().unwrap()).unwrap();
        beside.batch_execute("BEGIN IMMEDIATE").unwrap();
        let writes: Vec<_> = (0..200)
            .map(|n| {
                let db = small.clone();
                tokio::spawn(async move {
                    db.insert_user(
                        new_user(&format!("u{n}@example.com"), Role::USER),
                        None,
                        None,
                        anonymous(t0()),
                    )
                    .await
                })
            })
            .collect();
        // The refused writes are answered while the lock is still held.
        let refused = tokio::time::timeout(Duration::from_secs(4), async {
            let mut refused = 0;
            let mut waiting = writes;
            while refused < 100 {
                let (done, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|w| w.is_finished());
                waiting = rest;
                refused += done.len();
                tokio::task::yield_now().await;
            }
            waiting
        });
        let waiting = refused.await.unwrap();
        beside.batch_execute("ROLLBACK").unwrap();
        for outcome in all(waiting).await {
            assert!(
                matches!(outcome, Ok(_) | Err(StorageError::Overloaded)),
                "{outcome:?}"
            );
        }
    });
}

#[test]
fn a_lock_held_by_another_process_is_an_outage_until_it_is_released() {
    on_sqlite(async |fixture| {
        let mut beside = SqliteConnection::establish(fixture.file().to_str().unwrap()).unwrap();
        beside.batch_execute("BEGIN IMMEDIATE").unwrap();
        let (user, other) = (
            new_user("a@example.com", Role::ADMIN),
            new_user("b@example.com", Role::USER),
        );
        let held = fixture
            .db
            .insert_user(user.clone(), None, None, anonymous(t0()))
            .await
            .settled()
            .await;
        assert_eq!(held, Err(StorageError::Unavailable(Outage::Busy)));
        beside.batch_execute("ROLLBACK").unwrap();
        assert!(matches!(
            fixture
                .db
                .insert_user(other.clone(), None, None, anonymous(t0()))
                .await,
            Ok(Ok(_))
        ));
        let ended = fixture
            .db
            .end_user_sessions(other.id, EndReason::LogoutAll, anonymous(at(1)))
            .await
            .unwrap()
            .settled()
            .await;
        assert_eq!(ended.unwrap().count, 0);
        assert!(!fixture.db.administrator_exists(admins()).await.unwrap());
    });
}
