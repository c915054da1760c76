//! Signing keys, settings and clients. The rule: of several nodes that create the same thing at the same time, one succeeds.

use crate::{
    builders::{anonymous, at, t0},
    fixture::all,
};
use auth_domain::{
    client::{Client, ClientId},
    keys::{Algorithm, KeyStanding, KeyState, KeyStep},
};
use auth_storage::signing_keys;

fn key(kid: &str, state: KeyState, seconds: i64) -> signing_keys::Stored {
    signing_keys::Stored {
        standing: KeyStanding {
            kid: kid.into(),
            state,
            published_at: at(seconds),
            verifies_until: None,
        },
        algorithm: Algorithm::ES256,
        public_jwk: r#"{"kty":"EC"}"#.into(),
        sealed: vec![0, 1, 255],
    }
}

fn step(kid: &str, from: KeyState, to: KeyState, verifies_until: Option<i64>) -> KeyStep {
    KeyStep::Move {
        kid: kid.into(),
        from,
        to,
        verifies_until: verifies_until.map(at),
    }
}

fn succession() -> Vec<KeyStep> {
    vec![
        step("a", KeyState::Active, KeyState::Retiring, Some(60)),
        step("b", KeyState::Next, KeyState::Active, None),
        KeyStep::Create(Algorithm::ES256, KeyState::Next),
    ]
}

on_both! {
    fn each_algorithm_has_one_signing_key_and_one_next_key(fixture) {
        let of = |algorithm: Algorithm, kid: &str, state| signing_keys::Stored {
            algorithm,
            ..key(kid, state, 0)
        };
        let (es, ed) = (Algorithm::ES256, Algorithm::EdDSA);
        let mut side_by_side = Vec::new();
        for (algorithm, kids) in [(es, ["a", "b"]), (ed, ["x", "y"])] {
            side_by_side.extend([of(algorithm, kids[0], KeyState::Active), of(algorithm, kids[1], KeyState::Next)]);
        }
        assert!(fixture.db.change_keys(vec![], side_by_side.clone(), None).await.unwrap().is_ok());
        for (algorithm, state) in [(es, KeyState::Active), (es, KeyState::Next), (ed, KeyState::Active), (ed, KeyState::Next)] {
            assert!(fixture.db.change_keys(vec![], vec![of(algorithm, "second", state)], None).await.unwrap().is_err());
        }
        assert_eq!(fixture.db.keys().await.unwrap().keys, side_by_side);
    }

    /// A newer version may know more states and algorithms than this one.
    fn a_row_that_cannot_be_read_is_set_aside_and_hides_no_key(fixture) {
        let first = vec![key("a", KeyState::Active, 0), key("b", KeyState::Next, 1)];
        assert!(fixture.db.change_keys(vec![], first.clone(), None).await.unwrap().is_ok());
        let (far, zeros) = if fixture.is_sqlite() { ("9223372036854775807", "x'07'") } else { ("'infinity'", "'\\x07'") };
        let moment = if fixture.is_sqlite() { "5" } else { "now()" };
        let insert = |kid: &str, state: &str, algorithm: &str, published: &str, until: &str| {
            fixture.execute(&format!(
                "INSERT INTO signing_keys VALUES ('{kid}', '{state}', '{algorithm}', '{{}}', {zeros}, {published}, {until})"
            ));
        };
        insert("c", "asleep", "ES256", moment, "NULL");
        insert("d", "active", "ML-DSA-65", moment, "NULL");
        insert("e", "retiring", "ES256", far, "NULL");
        insert("f", "retiring", "ES256", moment, far);
        // A retired key is used by no version.
        insert("g", "retired", "ML-DSA-65", moment, "NULL");
        let table = fixture.db.keys().await.unwrap();
        assert_eq!(table.keys, first);
        let mut set_aside: Vec<_> = table.set_aside.iter().map(|row| (row.kid.as_str(), row.column)).collect();
        set_aside.sort_unstable();
        assert_eq!(set_aside, [("c", "state"), ("d", "algorithm"), ("e", "published_at"), ("f", "verifies_until")]);
        assert!(table.set_aside.iter().all(|row| row.sealed == [7]));
        assert!(!format!("{table:?}").contains("[7]"));
        // Each of them can be retired, and is then no longer set aside.
        let drops = ["c", "d", "e", "f"].map(|kid| KeyStep::Drop(kid.to_owned())).to_vec();
        assert!(fixture.db.change_keys(drops, vec![], None).await.unwrap().is_ok());
        let mut table = fixture.db.keys().await.unwrap();
        table.keys.retain(|key| key.standing.state.is_published());
        assert_eq!(table, signing_keys::Table { keys: first, set_aside: vec![] });
    }

    fn keys_move_as_a_whole_plan(fixture) {
        let first = vec![key("a", KeyState::Active, 0), key("b", KeyState::Next, 1)];
        assert!(fixture.db.change_keys(vec![], first.clone(), None).await.unwrap().is_ok());
        assert_eq!(fixture.db.keys().await.unwrap().keys, first);
        assert!(fixture.db.change_keys(succession(), vec![key("c", KeyState::Next, 2)], None).await.unwrap().is_ok());
        let standings: Vec<_> = fixture.db.keys().await.unwrap().keys.into_iter().map(|k| k.standing).collect();
        let stands = |kid: &str, state, seconds, verifies_until: Option<i64>| KeyStanding {
            kid: kid.into(), state, published_at: at(seconds), verifies_until: verifies_until.map(at),
        };
        assert_eq!(standings, [
            stands("a", KeyState::Retiring, 0, Some(60)),
            stands("b", KeyState::Active, 1, None),
            stands("c", KeyState::Next, 2, None),
        ]);
    }

    fn a_plan_from_an_older_state_writes_nothing(fixture) {
        let first = vec![key("a", KeyState::Active, 0), key("b", KeyState::Next, 1)];
        assert!(fixture.db.change_keys(vec![], first.clone(), None).await.unwrap().is_ok());
        let wrong = vec![
            step("a", KeyState::Active, KeyState::Retiring, Some(60)),
            step("b", KeyState::Retiring, KeyState::Active, None),
        ];
        assert!(fixture.db.change_keys(wrong, vec![], None).await.unwrap().is_err());
        // Two active keys, or two next keys, are impossible.
        assert!(fixture.db.change_keys(vec![step("b", KeyState::Next, KeyState::Active, None)], vec![], None).await.unwrap().is_err());
        assert!(fixture.db.change_keys(vec![], vec![key("c", KeyState::Retired, 2), key("d", KeyState::Next, 2)], None).await.unwrap().is_err());
        assert_eq!(fixture.db.keys().await.unwrap().keys, first);
    }

    fn of_concurrent_starts_and_rotations_one_succeeds(fixture) {
        let make = |n: u32| {
            let db = fixture.db.clone();
            tokio::spawn(async move {
                let new = [(format!("active{n}"), KeyState::Active), (format!("next{n}"), KeyState::Next)];
                db.change_keys(vec![], new.map(|(kid, state)| key(&kid, state, 0)).to_vec(), None).await.unwrap().is_ok()
            })
        };
        assert_eq!(all((0..8).map(make)).await.into_iter().filter(|made| *made).count(), 1);
        let keys = fixture.db.keys().await.unwrap().keys;
        assert_eq!(keys.len(), 2);
        let kid = |state| keys.iter().find(|k| k.standing.state == state).unwrap().standing.kid.clone();
        let (active, next) = (kid(KeyState::Active), kid(KeyState::Next));
        let rotate = |n: u32| {
            let (db, active, next) = (fixture.db.clone(), active.clone(), next.clone());
            tokio::spawn(async move {
                let moves = vec![
                    step(&active, KeyState::Active, KeyState::Retiring, Some(9)),
                    step(&next, KeyState::Next, KeyState::Active, None),
                ];
                db.change_keys(moves, vec![key(&format!("new{n}"), KeyState::Next, 5)], None).await.unwrap().is_ok()
            })
        };
        assert_eq!(all((0..8).map(rotate)).await.into_iter().filter(|done| *done).count(), 1);
        assert_eq!(fixture.db.keys().await.unwrap().keys.len(), 3);
    }

    fn sealed_values_are_sealed_again_and_the_rest_stays(fixture) {
        fixture.db.change_keys(vec![], vec![key("a", KeyState::Active, 0), key("b", KeyState::Next, 1)], None).await.unwrap().unwrap();
        fixture.db.insert_setting("proof", vec![1]).await.unwrap();
        let keys = vec![("a".to_owned(), vec![7]), ("gone".to_owned(), vec![8])];
        fixture.db.reseal_keys(keys, vec![("proof".to_owned(), vec![9])], anonymous(at(9))).await.unwrap();
        let sealed: Vec<_> = fixture.db.keys().await.unwrap().keys.into_iter().map(|k| k.sealed).collect();
        assert_eq!(sealed, [vec![7], vec![0, 1, 255]]);
        assert_eq!(fixture.db.setting("proof").await.unwrap(), Some(vec![9]));
    }

    fn a_setting_is_stored_once(fixture) {
        assert_eq!(fixture.db.setting("proof").await.unwrap(), None);
        let tries = (0..8).map(|n| {
            let db = fixture.db.clone();
            tokio::spawn(async move { db.insert_setting("proof", vec![n]).await.unwrap().then_some(n) })
        });
        let winners: Vec<u8> = all(tries).await.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(fixture.db.setting("proof").await.unwrap(), Some(winners));
    }

    fn clients_are_created_listed_and_deleted(fixture) {
        let id = |text: &str| text.parse::<ClientId>().unwrap();
        let client = |text: &str| Client { id: id(text), secret_digest: [3; 32], created_at: t0() };
        assert!(fixture.db.insert_client(client("billing"), anonymous(t0())).await.unwrap());
        assert!(!fixture.db.insert_client(client("billing"), anonymous(t0())).await.unwrap());
        assert!(fixture.db.insert_client(client("api"), anonymous(t0())).await.unwrap());
        assert_eq!(fixture.db.client(&id("billing")).await.unwrap(), Some(client("billing")));
        assert_eq!(fixture.db.clients().await.unwrap(), [client("api"), client("billing")]);
        assert!(fixture.db.delete_client(&id("billing"), anonymous(t0())).await.unwrap());
        assert!(!fixture.db.delete_client(&id("billing"), anonymous(t0())).await.unwrap());
        assert_eq!(fixture.db.client(&id("billing")).await.unwrap(), None);
    }
}
