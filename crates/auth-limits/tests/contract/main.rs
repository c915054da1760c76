//! What the limits promise, whatever has the counters: one suite, run on the counters of one process, and (feature `services`)
//! on two nodes with a real Redis between them.

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
use auth_limits::Claim;
use uuid::Uuid;

fn at(seconds: i64) -> Timestamp {
    after(Timestamp::UNIX_EPOCH, Span::seconds(1_800_000_000 + seconds))
}

fn user(number: u128) -> Claim {
    Claim::by_user(UserId::from_uuid(Uuid::from_u128(number)))
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
    what_is_told_is_how_things_stand,
    a_request_that_one_limit_refuses_is_counted_by_none,
    of_several_refusals_the_longest_is_told,
    a_claim_that_is_there_twice_takes_two,
    one_unit_is_given_back_and_no_more,
    a_reserve_is_left_to_those_that_may_use_it,
    what_was_held_by_right_passwords_comes_back_to_every_counter,
    what_was_never_taken_cannot_be_given_back,
    after_the_window_nothing_is_left_of_it,
    everybody_has_a_budget_of_their_own,
    an_ipv6_network_is_one_client,
    a_clock_that_steps_back_locks_nobody_out,
    many_at_once_get_exactly_the_budget,
    many_at_once_with_several_claims_get_exactly_the_tightest,
    limits_that_are_turned_off_grant_everything,
);
