//! The contract of the limits, independent of where the counters are: one suite, run on the counters of one process and (feature
//! `services`) on two nodes that share a real Redis.

#![cfg(test)]

mod fleet;
mod log;
mod outages;
mod promises;
#[cfg(feature = "services")]
mod redis_alone;
#[cfg(feature = "services")]
#[path = "../../../auth-redis/tests/outages/server/mod.rs"]
#[expect(
    dead_code,
    reason = "the blacklist does more to its servers than is done here"
)]
mod server;

use auth_domain::{
    ids::UserId,
    time::{Span, Timestamp, after},
};
use auth_limits::Permit;
use uuid::Uuid;

fn at(seconds: i64) -> Timestamp {
    after(Timestamp::UNIX_EPOCH, Span::seconds(1_800_000_000 + seconds))
}

fn user(number: u128) -> Permit {
    Permit::by_user(UserId::from_uuid(Uuid::from_u128(number)))
}

macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod in_the_process {
            use crate::{fleet::Fleet, promises};
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                promises::$name(Fleet::of_one_process).await;
            })*
        }

        #[cfg(feature = "services")]
        mod in_redis {
            use crate::{fleet::Fleet, promises};
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                promises::$name(Fleet::sharing_redis).await;
            })*
        }
    };
}

contract!(
    a_budget_is_granted_at_once_and_comes_back_evenly,
    the_result_is_the_state_of_each_limit,
    a_request_that_one_limit_refuses_is_counted_by_none,
    of_several_refusals_the_longest_is_reported,
    a_permit_that_is_listed_twice_takes_two,
    a_refund_gives_back_one_unit_and_no_more,
    a_reserve_is_kept_for_the_permits_that_may_use_it,
    the_permits_of_right_passwords_are_refunded_to_every_counter,
    a_refund_of_an_untaken_permit_changes_nothing,
    after_the_window_the_full_budget_is_available,
    every_key_has_a_budget_of_its_own,
    an_ipv6_network_is_one_client,
    a_clock_that_steps_back_does_not_lock_users_out,
    many_at_once_get_exactly_the_budget,
    many_at_once_with_several_permits_get_exactly_the_tightest,
    disabled_limits_grant_everything,
);
