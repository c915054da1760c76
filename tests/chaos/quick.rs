//! The quick form: each backend crashes and each fault happens once, with a few rounds of load.

use crate::{crash, faults, report};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_embedded_server_acknowledged_survives_kills_under_load() {
    crash::of_the_embedded_server(5, report::seed()).await.holds();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_under_sqlite_is_an_outage_and_loses_nothing() {
    match faults::disk::under_load(2, report::seed()).await {
        Ok(row) => row.holds(),
        Err(why) => report::say(&format!("SKIPPED: no disk that could be filled: {why}")),
    }
}

#[cfg(feature = "services")]
mod with_services {
    use super::{crash, faults, report};
    use faults::{postgres, redis};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_two_nodes_acknowledged_survives_kills_of_them_and_of_postgresql_under_load() {
        crash::of_the_fleet(6, report::seed()).await.holds();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn with_every_fault_of_redis_each_request_is_decided_and_nothing_is_revived() {
        let all = redis::Fault::ALL;
        redis::under_load(&all, 6, report::seed()).await.holds();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_fault_of_postgresql_is_an_outage_and_never_a_sign_out() {
        let all = postgres::Fault::WITH_REDIS;
        postgres::under_load(&all, 5, report::seed()).await.holds();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_node_cut_off_from_everything_accepts_nothing_that_another_one_revoked() {
        let one = [postgres::Fault::CutOffWithoutRedis];
        postgres::under_load(&one, 1, report::seed()).await.holds();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_node_whose_clock_jumps_is_not_ready_and_revives_nothing() {
        faults::clock::under_load(3, report::seed()).await.holds();
    }
}
