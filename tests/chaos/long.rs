//! The long form, `make chaos`: every crash and every fault for many rounds, one after the other, and a table of the results.

use crate::{
    crash,
    faults::{clock, disk, postgres, redis},
    report::{self, HEAD, Row, say},
};
use std::future::Future;

/// The table of results so far.
struct Table {
    seed: u64,
    only: String,
    rows: Vec<Row>,
    skipped: Vec<String>,
}

impl Table {
    async fn add(&mut self, name: &str, run: impl Future<Output = Result<Row, String>>) {
        if !name.contains(&self.only) {
            return;
        }
        match run.await {
            Ok(row) => {
                say(&row.markdown());
                self.rows.push(row);
            }
            Err(why) => {
                say(&format!("SKIPPED: {name}: {why}"));
                self.skipped
                    .push(format!("| {name} | skipped: {why} | | | | | | |"));
            }
        }
    }

    fn end(self) {
        let ran = !self.rows.is_empty() || !self.skipped.is_empty();
        assert!(ran, "no run's name contains {:?}", self.only);
        say(&format!("\nSeed {}.\n\n{HEAD}", self.seed));
        for row in &self.rows {
            say(&row.markdown());
        }
        for skipped in &self.skipped {
            say(skipped);
        }
        for row in &self.rows {
            row.holds();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes long: make chaos"]
async fn every_crash_and_every_fault_for_many_rounds() {
    let (seed, rounds, few) = (report::new_seed(), report::rounds(100), report::fault_rounds());
    let mut table = Table {
        seed,
        only: report::only(),
        rows: Vec::new(),
        skipped: Vec::new(),
    };
    say(&format!("Seed {seed}.\n\n{HEAD}"));
    let embedded = async { Ok(crash::of_the_embedded_server(rounds, seed).await) };
    table.add("crash sqlite", embedded).await;
    let fleet = async { Ok(crash::of_the_fleet(rounds, seed).await) };
    table.add("crash postgres", fleet).await;
    for fault in redis::Fault::ALL {
        let run = async { Ok(redis::under_load(&[fault], few, seed).await) };
        table.add(&format!("redis {fault:?}"), run).await;
    }
    for fault in postgres::Fault::ALL {
        let run = async { Ok(postgres::under_load(&[fault], few, seed).await) };
        table.add(&format!("postgres {fault:?}"), run).await;
    }
    table.add("disk", disk::under_load(few, seed)).await;
    let clocks = async { Ok(clock::under_load(few, seed).await) };
    table.add("clock", clocks).await;
    table.end();
}
