//! Whether the database accepts writes. The rule: a full disk is noticed although all reads succeed, and so is its end.

use crate::{
    builders::{anonymous, new_user, t0},
    fixture::{Fixture, next},
};
use auth_domain::role::Role;
use auth_storage::{Outage, StorageError};
use std::time::{Duration, Instant};

/// How long to wait for an answer. No passing test waits this long.
const PATIENCE: Duration = Duration::from_secs(10);

const FULL: StorageError = StorageError::Unavailable(Outage::DiskFull);

/// Waits until the answer is this one.
async fn until(fixture: &Fixture, wanted: &Result<(), StorageError>) {
    let begun = Instant::now();
    loop {
        let answer = fixture.db.takes_writes().await;
        if answer == *wanted {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "still {answer:?}");
        tokio::task::yield_now().await;
    }
}

/// From now on each write fails as on a full disk. Reads work.
fn fill_the_disk(fixture: &Fixture) {
    fixture.execute(if fixture.is_sqlite() {
        "CREATE TRIGGER full_disk_of_users BEFORE INSERT ON users BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END;
         CREATE TRIGGER full_disk BEFORE INSERT ON guards BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END;"
    } else {
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
         CREATE TRIGGER full_disk_of_users BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION full_disk();
         CREATE TRIGGER full_disk BEFORE INSERT ON guards FOR EACH ROW EXECUTE FUNCTION full_disk();"
    });
}

fn free_the_disk(fixture: &Fixture) {
    fixture.execute(if fixture.is_sqlite() {
        "DROP TRIGGER full_disk_of_users; DROP TRIGGER full_disk;"
    } else {
        "DROP TRIGGER full_disk_of_users ON users; DROP TRIGGER full_disk ON guards;"
    });
}

async fn register(fixture: &Fixture) -> Result<(), StorageError> {
    let new = new_user(&format!("u{}@example.com", next()), Role::USER);
    fixture
        .db
        .insert_user(new, None, None, anonymous(t0()))
        .await
        .map(drop)
}

on_both! {
    fn a_full_disk_is_noticed_at_the_first_failed_write_and_so_is_its_end(fixture) {
        assert_eq!(fixture.db.takes_writes().await, Ok(()));
        fill_the_disk(&fixture);
        assert!(fixture.db.ping().await.is_ok());
        assert_eq!(register(&fixture).await, Err(FULL));
        until(&fixture, &Err(FULL)).await;
        assert!(fixture.db.ping().await.is_ok());
        free_the_disk(&fixture);
        until(&fixture, &Ok(())).await;
        register(&fixture).await.unwrap();
    }

    fn a_full_disk_is_noticed_although_nothing_was_written(fixture) {
        assert_eq!(fixture.db.takes_writes().await, Ok(()));
        fill_the_disk(&fixture);
        until(&fixture, &Err(FULL)).await;
    }

    fn many_probes_cost_one_write(fixture) {
        for _ in 0..100 {
            assert_eq!(fixture.db.takes_writes().await, Ok(()));
        }
        let written = fixture.number("SELECT taken AS n FROM guards WHERE name = 'readiness'");
        // One probe in five seconds, and the test may be slow.
        assert!(written < 5, "{written}");
    }
}
