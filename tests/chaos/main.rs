//! Crashes and faults under load, with an oracle that remembers every acknowledged answer: nothing acknowledged is lost, no
//! refresh token works twice, nothing revoked is accepted again, and an outage is never told as a sign-out.
//!
//! The short form runs with every other test. The long form is `make chaos`: KEYWARD_CHAOS_ROUNDS says how many rounds of
//! each fault, KEYWARD_CHAOS_SEED repeats a run, and the table goes to standard error.

#![cfg(all(test, target_os = "linux"))]

mod audit;
mod chance;
mod crash;
mod faults;
mod fleet;
mod load;
mod oracle;
mod person;
mod reading;
mod report;
mod stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_embedded_server_acknowledged_outlives_kills_under_load() {
    crash::of_the_embedded_server(report::rounds(5), report::seed())
        .await
        .holds();
}

#[cfg(feature = "services")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_nodes_acknowledged_outlives_kills_of_them_and_of_postgresql_under_load() {
    crash::of_the_fleet(report::rounds(6), report::seed()).await.holds();
}

#[cfg(feature = "services")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_befalls_redis_every_request_is_decided_and_nothing_is_revived() {
    faults::redis::under_load(&faults::redis::Fault::ALL, report::rounds(6), report::seed())
        .await
        .holds();
}

#[cfg(feature = "services")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_befalls_postgresql_is_an_outage_and_never_a_sign_out() {
    faults::postgres::under_load(
        &faults::postgres::Fault::WITH_REDIS,
        report::rounds(5),
        report::seed(),
    )
    .await
    .holds();
}

#[cfg(feature = "services")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_cut_off_from_everything_accepts_nothing_that_another_one_revoked() {
    let alone = [faults::postgres::Fault::CutOffWithoutRedis];
    faults::postgres::under_load(&alone, report::rounds(1), report::seed())
        .await
        .holds();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_under_sqlite_is_an_outage_and_loses_nothing() {
    match faults::disk::under_load(report::rounds(2), report::seed()).await {
        Ok(row) => row.holds(),
        Err(why) => report::say(&format!("SKIPPED: no disk that could be filled: {why}")),
    }
}

#[cfg(feature = "services")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_clock_jumps_is_not_ready_and_revives_nothing() {
    faults::clock::under_load(report::rounds(5), report::seed())
        .await
        .holds();
}
