//! The chain of seals: whoever races, each row is in one batch, each batch has one number, and each follows the one before.

use crate::{
    people::{at, terms},
    world::{World, all},
};
use auth_domain::{
    audit::{Action, AuditEvent, Seal},
    ids::AuditEventId,
};
use auth_storage::{AUDIT_FLOOR, SealMac, Storage};
use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex},
};

fn code(number: i64, previous: &[u8; 32], events: &[AuditEvent]) -> [u8; 32] {
    let mut hasher = DefaultHasher::new();
    (number, previous).hash(&mut hasher);
    for event in events {
        event.canonical().hash(&mut hasher);
    }
    let mut mac = [7; 32];
    mac[..8].copy_from_slice(&hasher.finish().to_be_bytes());
    mac
}

fn mac() -> SealMac {
    Arc::new(code)
}

async fn note(db: &Storage, seconds: i64) {
    db.note(Action::Exported, None, vec![], terms(at(seconds)))
        .await
        .unwrap();
}

/// Some batches of two rows each, sealed a second apart.
async fn batches(world: &World, count: i64) -> Vec<Seal> {
    let mut seals = Vec::new();
    for n in 1..=count {
        note(&world.db, n).await;
        note(&world.db, n).await;
        seals.push(world.db.seal_audit(10, at(n), mac()).await.unwrap().unwrap());
    }
    seals
}

/// Walks the chain from its beginning: each seal follows, and covers what is there. Answers the ids in it.
async fn walk(db: &Storage) -> Vec<AuditEventId> {
    let (mut number, mut previous, mut ids) = (0, [0; 32], Vec::new());
    while let Some(batch) = db.audit_batch_after(number).await.unwrap() {
        let seal = batch.seal;
        assert_eq!((seal.number, seal.previous), (number + 1, previous));
        assert_eq!(seal.count, i64::try_from(batch.events.len()).unwrap());
        assert_eq!(seal.mac, code(seal.number, &previous, &batch.events));
        ids.extend(batch.events.iter().map(|event| event.id));
        (number, previous) = (seal.number, seal.mac);
    }
    ids
}

on_both! {
    fn rows_are_closed_oldest_first_into_batches_that_chain(world) {
        for n in 0..5 {
            note(&world.db, n).await;
        }
        assert_eq!((world.db.unsealed_audit().await.unwrap(), world.db.newest_seal().await.unwrap()), (5, None));
        let calls = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&calls);
        let listening: SealMac = Arc::new(move |number, previous, events| {
            let ids: Vec<_> = events.iter().map(|event| event.id).collect();
            heard.lock().unwrap().push((number, *previous, ids));
            code(number, previous, events)
        });
        let mut seals = Vec::new();
        while let Some(seal) = world.db.seal_audit(2, at(9), Arc::clone(&listening)).await.unwrap() {
            assert_eq!(world.db.newest_seal().await.unwrap().as_ref(), Some(&seal));
            seals.push(seal);
        }
        assert_eq!(seals.iter().map(|seal| (seal.number, seal.count, seal.sealed_at)).collect::<Vec<_>>(), [(1, 2, at(9)), (2, 2, at(9)), (3, 1, at(9))]);
        let ids: Vec<_> = world.noted().await.iter().map(|event| event.id).collect();
        let said = calls.lock().unwrap().clone();
        assert_eq!(said, [
            (1, [0; 32], ids[..2].to_vec()),
            (2, seals[0].mac, ids[2..4].to_vec()),
            (3, seals[1].mac, ids[4..].to_vec()),
        ]);
        assert_eq!(walk(&world.db).await, ids);
        assert_eq!((world.db.unsealed_audit().await.unwrap(), world.db.stray_audit_batch().await.unwrap()), (0, None));
    }

    fn a_row_that_comes_late_goes_into_a_later_batch(world) {
        note(&world.db, 10).await;
        world.db.seal_audit(10, at(11), mac()).await.unwrap();
        // From a node whose clock is behind.
        note(&world.db, 1).await;
        let seal = world.db.seal_audit(10, at(12), mac()).await.unwrap().unwrap();
        let second = world.db.audit_batch_after(1).await.unwrap().unwrap();
        assert_eq!((seal.number, &second.seal, second.events[0].at), (2, &seal, at(1)));
        assert_eq!(walk(&world.db).await.len(), 2);
    }

    fn of_sealers_on_two_stores_none_gives_a_number_or_covers_a_row_twice(world) {
        let second = world.another().await;
        for n in 0..40 {
            note(&world.db, n).await;
        }
        let stores = [world.db.clone(), second];
        let sealers = (0..12).map(|n| {
            let db = stores[n % 2].clone();
            tokio::spawn(async move {
                let mut seals = Vec::new();
                while let Some(seal) = db.seal_audit(3, at(99), mac()).await.unwrap() {
                    seals.push(seal.number);
                }
                seals
            })
        });
        let sealers: Vec<_> = sealers.collect();
        let writers = (0..20).map(|n| {
            let db = stores[usize::from(n % 2 == 0)].clone();
            tokio::spawn(async move { note(&db, n).await })
        });
        all(writers).await;
        let mut numbers: Vec<i64> = all(sealers).await.into_iter().flatten().collect();
        while let Some(seal) = world.db.seal_audit(3, at(99), mac()).await.unwrap() {
            numbers.push(seal.number);
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=i64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
        let ids = walk(&world.db).await;
        assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (60, 60));
        assert_eq!(world.db.unsealed_audit().await.unwrap(), 0);
    }

    fn old_batches_go_in_steps_and_the_rest_stays_whole(world) {
        let seals = batches(&world, 6).await;
        assert_eq!(world.db.newest_seal_before(at(4)).await.unwrap().as_ref(), Some(&seals[2]));
        assert_eq!(world.db.newest_seal_before(at(1)).await.unwrap(), None);
        let prune = async |mark: u8, floor| world.db.prune_audit(floor, vec![mark], 4, terms(at(20))).await.unwrap();
        assert!(!prune(3, 3).await);
        let left = "SELECT count(*) AS n FROM audit_events";
        assert_eq!((world.number(left), world.number("SELECT count(*) AS n FROM audit_seals")), (8, 6));
        assert_eq!(world.db.setting(AUDIT_FLOOR).await.unwrap(), Some(vec![3]));
        assert_eq!(world.db.stray_audit_batch().await.unwrap(), None);
        assert!(prune(3, 3).await);
        // And again, which is no news.
        assert!(prune(3, 3).await);
        assert_eq!((world.number(left), world.number("SELECT count(*) AS n FROM audit_seals")), (7, 3));
        let pruned = world.noted().await.pop().unwrap();
        assert_eq!((pruned.action, pruned.details["up_to"].as_str()), (Action::AuditPruned, "3"));
        assert_eq!(world.times(Action::AuditPruned).await, 1);
        let next = world.db.audit_batch_after(3).await.unwrap().unwrap();
        assert_eq!((next.seal, next.events.len()), (seals[3].clone(), 2));
        let on = world.db.seal_audit(9, at(21), mac()).await.unwrap().unwrap();
        assert_eq!((on.number, on.previous), (7, seals[5].mac));
    }

    fn the_newest_seal_stays_whatever_is_asked(world) {
        let seals = batches(&world, 3).await;
        // All are old: the head is not offered, and not taken either.
        assert_eq!(world.db.newest_seal_before(at(99)).await.unwrap(), None);
        for floor in [3, 4, i64::MAX] {
            assert!(world.db.prune_audit(floor, vec![9], 100, terms(at(20))).await.unwrap());
        }
        assert_eq!(world.db.setting(AUDIT_FLOOR).await.unwrap(), None);
        assert_eq!((walk(&world.db).await.len(), world.db.newest_seal().await.unwrap()), (6, seals.last().cloned()));
    }

    /// A mark that went back would make the rows that are gone by then look as if somebody had removed them.
    fn of_nodes_that_prune_at_once_the_later_mark_stays(world) {
        batches(&world, 8).await;
        let second = world.another().await;
        let stores = [world.db.clone(), second];
        all((0..8).map(|n| {
            let db = stores[n % 2].clone();
            let floor = if n < 4 { 3 } else { 6 };
            tokio::spawn(async move {
                while !db.prune_audit(floor, vec![u8::try_from(floor).unwrap()], 2, terms(at(20))).await.unwrap() {}
            })
        })).await;
        assert!(world.db.prune_audit(5, vec![5], 2, terms(at(21))).await.unwrap());
        assert_eq!(world.db.setting(AUDIT_FLOOR).await.unwrap(), Some(vec![6]));
        assert_eq!(world.number("SELECT min(batch) AS n FROM audit_events"), 7);
        assert_eq!(world.number("SELECT min(number) AS n FROM audit_seals"), 7);
    }

    fn a_row_that_names_a_batch_that_is_not_there_is_found(world) {
        batches(&world, 2).await;
        note(&world.db, 9).await;
        assert_eq!(world.db.stray_audit_batch().await.unwrap(), None);
        world.execute("UPDATE audit_events SET batch = 99 WHERE batch IS NULL");
        assert_eq!(world.db.stray_audit_batch().await.unwrap(), Some(99));
    }
}
