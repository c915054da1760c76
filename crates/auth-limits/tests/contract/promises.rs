//! The suite. Time is what the tests say it is, but Redis drops keys by a clock of its own: limits here are refilled over an
//! hour and more, so that no counter ends while its test runs.

use crate::{at, fleet::Fleet, user};
use auth_domain::rate::Limit;
use auth_limits::{Admission, Claim, LimitName, LimitsConfig, Standing, Taken};
use std::time::Duration;

type Start = fn(LimitsConfig) -> Fleet;

const HOUR: i64 = 3_600;

fn limit(text: &str) -> Limit {
    text.parse().unwrap()
}

/// Three an hour for a user, five for the service.
fn three_and_five() -> LimitsConfig {
    LimitsConfig {
        per_user: limit("3/1h"),
        service: limit("5/1h"),
        ..LimitsConfig::default()
    }
}

pub(crate) async fn a_budget_is_granted_at_once_and_comes_back_evenly(start: Start) {
    let fleet = start(three_and_five());
    let claims = [user(1)];
    assert_eq!(fleet.granted(&claims, at(0), 10).await, 3);
    assert_eq!(fleet.granted(&claims, at(HOUR / 3 - 1), 10).await, 0);
    assert_eq!(fleet.granted(&claims, at(HOUR / 3), 10).await, 1);
    assert_eq!(fleet.granted(&claims, at(HOUR), 10).await, 2);
}

pub(crate) async fn what_is_told_is_how_things_stand(start: Start) {
    let fleet = start(three_and_five());
    let claims = [Claim::on_service(), user(1)];
    let standing = |name, text: &str, remaining, retry_after, reset_after| Standing {
        name,
        limit: limit(text),
        remaining,
        retry_after: Duration::from_secs(retry_after),
        reset_after: Duration::from_secs(reset_after),
    };
    let of_user = standing(LimitName::PerUser, "3/1h", 2, 0, 1_200);
    let taken = fleet.take(&claims, at(0)).await;
    assert_eq!(
        taken,
        Taken::Granted(vec![standing(LimitName::Service, "5/1h", 4, 0, 720), of_user])
    );
    assert_eq!(fleet.granted(&claims, at(0), 2).await, 2);
    let refused = standing(LimitName::PerUser, "3/1h", 0, 1_100, 3_500);
    let taken = fleet.take(&claims, at(100)).await;
    assert_eq!(taken, Taken::Refused(refused));
    assert!(fleet.take(&claims, at(100 + 1_100)).await.is_granted());
}

pub(crate) async fn a_request_that_one_limit_refuses_is_counted_by_none(start: Start) {
    let fleet = start(three_and_five());
    for claims in [[user(1), Claim::on_service()], [Claim::on_service(), user(1)]] {
        fleet.granted(&claims, at(0), 20).await;
    }
    assert_eq!(
        fleet.refusal(&[Claim::on_service(), user(1)], at(0)).await.name,
        LimitName::PerUser
    );
    assert_eq!(fleet.granted(&[Claim::on_service(), user(2)], at(0), 20).await, 2);
    // Now the service refuses: the user keeps what is left.
    assert_eq!(
        fleet.refusal(&[user(2), Claim::on_service()], at(0)).await.name,
        LimitName::Service
    );
    assert_eq!(fleet.granted(&[user(2)], at(0), 20).await, 1);
}

pub(crate) async fn of_several_refusals_the_longest_is_told(start: Start) {
    let fleet = start(three_and_five());
    assert_eq!(fleet.granted(&[user(1)], at(0), 9).await, 3);
    assert_eq!(fleet.granted(&[Claim::on_service()], at(0), 9).await, 5);
    for claims in [[user(1), Claim::on_service()], [Claim::on_service(), user(1)]] {
        let refusal = fleet.refusal(&claims, at(0)).await;
        assert_eq!(
            (refusal.name, refusal.retry_after),
            (LimitName::PerUser, Duration::from_secs(1_200))
        );
    }
}

pub(crate) async fn a_claim_that_is_there_twice_takes_two(start: Start) {
    let fleet = start(three_and_five());
    let twice = [user(1), user(1)];
    assert!(fleet.take(&twice, at(0)).await.is_granted());
    assert_eq!(
        fleet.refusal(&twice, at(0)).await.retry_after,
        Duration::from_secs(1_200)
    );
    assert_eq!(fleet.granted(&[user(1)], at(0), 9).await, 1);
}

pub(crate) async fn one_unit_is_given_back_and_no_more(start: Start) {
    let fleet = start(three_and_five());
    let claims = [user(1), Claim::on_service()];
    assert_eq!(fleet.granted(&claims, at(0), 9).await, 3);
    fleet.nodes[1].refund(&claims, at(0)).await;
    assert_eq!(fleet.granted(&claims, at(0), 9).await, 1);
    assert_eq!(fleet.granted(&[Claim::on_service()], at(0), 9).await, 2);
}

pub(crate) async fn a_reserve_is_left_to_those_that_may_use_it(start: Start) {
    let fleet = start(LimitsConfig {
        service: limit("20/1h"),
        ..LimitsConfig::default()
    });
    let (spares, may_use) = ([Claim::on_service_above_reserve()], [Claim::on_service()]);
    assert_eq!(fleet.granted(&spares, at(0), 30).await, 18);
    let refusal = fleet.refusal(&spares, at(0)).await;
    assert_eq!(
        (refusal.name, refusal.retry_after.as_secs()),
        (LimitName::Service, 180)
    );
    assert_eq!(fleet.granted(&may_use, at(0), 30).await, 2);
    // Both are counted by one counter: what the others took has to come back first.
    assert_eq!(fleet.refusal(&spares, at(0)).await.retry_after.as_secs(), 3 * 180);
    assert_eq!(fleet.granted(&spares, at(2 * 180), 9).await, 0);
    assert_eq!(fleet.granted(&spares, at(3 * 180), 9).await, 1);
    // A clock that steps back leaves each one unit of what it may use.
    assert_eq!(fleet.granted(&spares, at(-30 * 24 * HOUR), 9).await, 1);
}

pub(crate) async fn what_was_held_by_right_passwords_comes_back_to_every_counter(start: Start) {
    let fleet = start(LimitsConfig::default());
    let address = Some("192.0.2.1".parse().unwrap());
    let admission = |person: u16| {
        let mut account = [0; 32];
        account[..2].copy_from_slice(&person.to_be_bytes());
        Admission::sign_in(account, None, address)
    };
    // Five hundred passwords are being checked at once, and all of them are right.
    for person in 0..500 {
        assert!(
            fleet.take(admission(person).claims(), at(0)).await.is_granted(),
            "{person}"
        );
    }
    for person in 0..500 {
        fleet.nodes[usize::from(person % 2)]
            .refund(admission(person).returned(), at(0))
            .await;
    }
    let standings = match fleet.take(admission(500).claims(), at(0)).await {
        Taken::Granted(standings) => standings,
        Taken::Refused(standing) => panic!("{standing:?}"),
    };
    for standing in standings {
        let spared = u32::from(standing.name == LimitName::Service) * 1_000;
        assert_eq!(
            standing.remaining,
            standing.limit.burst() - spared - 1,
            "{}",
            standing.name
        );
    }
}

pub(crate) async fn what_was_never_taken_cannot_be_given_back(start: Start) {
    let fleet = start(three_and_five());
    let claims = [user(1)];
    fleet.nodes[0].refund(&claims, at(0)).await;
    assert_eq!(fleet.granted(&claims, at(0), 1).await, 1);
    for _ in 0..5 {
        fleet.nodes[0].refund(&claims, at(0)).await;
    }
    assert_eq!(fleet.granted(&claims, at(0), 9).await, 3);
}

pub(crate) async fn after_the_window_nothing_is_left_of_it(start: Start) {
    let fleet = start(three_and_five());
    let claims = [user(1), Claim::on_service()];
    for round in 0..5 {
        assert_eq!(fleet.granted(&claims, at(round * HOUR), 9).await, 3);
    }
}

pub(crate) async fn everybody_has_a_budget_of_their_own(start: Start) {
    let fleet = start(LimitsConfig::default());
    let address = "192.0.2.1".parse().unwrap();
    let digest = [7; 32];
    let claims = [
        Claim::registration_from(address),
        Claim::mail_from(address),
        Claim::mail_to(digest),
        Claim::mail_to([8; 32]),
        Claim::guess_at(digest),
        Claim::guess_by_device(digest),
        Claim::guess_over_devices(digest),
        Claim::sign_in_to(digest),
    ];
    let mut granted = Vec::new();
    for claim in claims {
        granted.push(fleet.granted(&[claim], at(0), 120).await);
    }
    assert_eq!(granted, [100, 60, 5, 5, 10, 10, 100, 120]);
}

pub(crate) async fn an_ipv6_network_is_one_client(start: Start) {
    let fleet = start(LimitsConfig {
        register_per_address: limit("5/1h"),
        ..LimitsConfig::default()
    });
    let from = |text: &str| [Claim::registration_from(text.parse().unwrap())];
    for host in 0..5 {
        assert!(
            fleet
                .take(&from(&format!("2001:db8::{host}:1")), at(0))
                .await
                .is_granted()
        );
    }
    assert!(!fleet.take(&from("2001:db8::ffff:2"), at(0)).await.is_granted());
    assert!(fleet.take(&from("2001:db8:0:1::1"), at(0)).await.is_granted());
    assert_eq!(fleet.granted(&from("::ffff:192.0.2.1"), at(0), 9).await, 5);
    assert_eq!(fleet.granted(&from("192.0.2.1"), at(0), 9).await, 0);
}

pub(crate) async fn a_clock_that_steps_back_locks_nobody_out(start: Start) {
    let fleet = start(three_and_five());
    let claims = [user(1)];
    assert_eq!(fleet.granted(&claims, at(0), 9).await, 3);
    assert_eq!(fleet.granted(&claims, at(-2), 9).await, 0);
    assert_eq!(fleet.granted(&claims, at(-30 * 24 * HOUR), 9).await, 1);
    let refusal = fleet.refusal(&claims, at(-30 * 24 * HOUR)).await;
    assert_eq!(refusal.retry_after, Duration::from_secs(1_200));
}

/// How many of two hundred that come at once are granted, each taking what it is given by its number.
async fn at_once(fleet: &Fleet, claims: impl Fn(u128) -> Vec<Claim>) -> usize {
    let tries = (0..200).zip(fleet.nodes.iter().cycle()).map(|(number, node)| {
        let (node, claims) = (node.clone(), claims(number));
        tokio::spawn(async move { node.take(&claims, at(0)).await.is_granted() })
    });
    let tries: Vec<_> = tries.collect();
    let mut granted = 0;
    for attempt in tries {
        granted += usize::from(attempt.await.unwrap());
    }
    granted
}

pub(crate) async fn many_at_once_get_exactly_the_budget(start: Start) {
    let fleet = start(LimitsConfig {
        per_user: limit("10/1h"),
        ..LimitsConfig::default()
    });
    assert_eq!(at_once(&fleet, |_| vec![user(1)]).await, 10);
}

pub(crate) async fn many_at_once_with_several_claims_get_exactly_the_tightest(start: Start) {
    let fleet = start(LimitsConfig {
        per_user: limit("7/1h"),
        service: limit("40/1h"),
        ..LimitsConfig::default()
    });
    // Four users could have 28 of the 40: each gets its seven, and the service has counted no more than those.
    let claims = |number: u128| match number % 2 {
        0 => vec![user(number % 4), Claim::on_service()],
        _ => vec![Claim::on_service(), user(number % 4)],
    };
    assert_eq!(at_once(&fleet, claims).await, 28);
    assert_eq!(at_once(&fleet, |_| vec![Claim::on_service()]).await, 12);
}

pub(crate) async fn limits_that_are_turned_off_grant_everything(start: Start) {
    let fleet = start(LimitsConfig {
        enabled: false,
        ..three_and_five()
    });
    assert_eq!(fleet.granted(&[user(1)], at(0), 50).await, 50);
    let taken = fleet.take(&[user(1)], at(0)).await;
    assert_eq!(taken, Taken::Granted(Vec::new()));
    fleet.nodes[0].refund(&[user(1)], at(0)).await;
}
