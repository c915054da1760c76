//! The suite. The tests set the time, but Redis expires keys by its own clock. So limits here refill over an hour or more, and no
//! counter expires while its test runs.

use crate::{at, fleet::Fleet, user};
use auth_domain::rate::Limit;
use auth_limits::{Admission, LimitName, LimitStatus, LimitsConfig, Permit, TakeResult};
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
    let permits = [user(1)];
    assert_eq!(fleet.granted(&permits, at(0), 10).await, 3);
    assert_eq!(fleet.granted(&permits, at(HOUR / 3 - 1), 10).await, 0);
    assert_eq!(fleet.granted(&permits, at(HOUR / 3), 10).await, 1);
    assert_eq!(fleet.granted(&permits, at(HOUR), 10).await, 2);
}

pub(crate) async fn the_result_is_the_state_of_each_limit(start: Start) {
    let fleet = start(three_and_five());
    let permits = [Permit::on_service(), user(1)];
    let status = |name, text: &str, remaining, retry_after, reset_after| LimitStatus {
        name,
        limit: limit(text),
        remaining,
        retry_after: Duration::from_secs(retry_after),
        reset_after: Duration::from_secs(reset_after),
    };
    let of_user = status(LimitName::PerUser, "3/1h", 2, 0, 1_200);
    let taken = fleet.take(&permits, at(0)).await;
    assert_eq!(
        taken,
        TakeResult::Granted(vec![status(LimitName::Service, "5/1h", 4, 0, 720), of_user])
    );
    assert_eq!(fleet.granted(&permits, at(0), 2).await, 2);
    let refused = status(LimitName::PerUser, "3/1h", 0, 1_100, 3_500);
    let taken = fleet.take(&permits, at(100)).await;
    assert_eq!(taken, TakeResult::Refused(refused));
    assert!(fleet.take(&permits, at(100 + 1_100)).await.is_granted());
}

pub(crate) async fn a_request_that_one_limit_refuses_is_counted_by_none(start: Start) {
    let fleet = start(three_and_five());
    for permits in [[user(1), Permit::on_service()], [Permit::on_service(), user(1)]] {
        fleet.granted(&permits, at(0), 20).await;
    }
    assert_eq!(
        fleet.refusal(&[Permit::on_service(), user(1)], at(0)).await.name,
        LimitName::PerUser
    );
    assert_eq!(
        fleet.granted(&[Permit::on_service(), user(2)], at(0), 20).await,
        2
    );
    // Now the service refuses: the user keeps what is left.
    assert_eq!(
        fleet.refusal(&[user(2), Permit::on_service()], at(0)).await.name,
        LimitName::Service
    );
    assert_eq!(fleet.granted(&[user(2)], at(0), 20).await, 1);
}

pub(crate) async fn of_several_refusals_the_longest_is_reported(start: Start) {
    let fleet = start(three_and_five());
    assert_eq!(fleet.granted(&[user(1)], at(0), 9).await, 3);
    assert_eq!(fleet.granted(&[Permit::on_service()], at(0), 9).await, 5);
    for permits in [[user(1), Permit::on_service()], [Permit::on_service(), user(1)]] {
        let refusal = fleet.refusal(&permits, at(0)).await;
        assert_eq!(
            (refusal.name, refusal.retry_after),
            (LimitName::PerUser, Duration::from_secs(1_200))
        );
    }
}

pub(crate) async fn a_permit_that_is_listed_twice_takes_two(start: Start) {
    let fleet = start(three_and_five());
    let twice = [user(1), user(1)];
    assert!(fleet.take(&twice, at(0)).await.is_granted());
    assert_eq!(
        fleet.refusal(&twice, at(0)).await.retry_after,
        Duration::from_secs(1_200)
    );
    assert_eq!(fleet.granted(&[user(1)], at(0), 9).await, 1);
}

pub(crate) async fn a_refund_gives_back_one_unit_and_no_more(start: Start) {
    let fleet = start(three_and_five());
    let permits = [user(1), Permit::on_service()];
    assert_eq!(fleet.granted(&permits, at(0), 9).await, 3);
    fleet.nodes[1].refund(&permits, at(0)).await;
    assert_eq!(fleet.granted(&permits, at(0), 9).await, 1);
    assert_eq!(fleet.granted(&[Permit::on_service()], at(0), 9).await, 2);
}

pub(crate) async fn a_reserve_is_kept_for_the_permits_that_may_use_it(start: Start) {
    let fleet = start(LimitsConfig {
        service: limit("20/1h"),
        ..LimitsConfig::default()
    });
    let (leaves_reserve, may_use) = ([Permit::on_service_above_reserve()], [Permit::on_service()]);
    assert_eq!(fleet.granted(&leaves_reserve, at(0), 30).await, 18);
    let refusal = fleet.refusal(&leaves_reserve, at(0)).await;
    assert_eq!(
        (refusal.name, refusal.retry_after.as_secs()),
        (LimitName::Service, 180)
    );
    assert_eq!(fleet.granted(&may_use, at(0), 30).await, 2);
    // Both use one counter: the permits of the others have to refill first.
    assert_eq!(
        fleet.refusal(&leaves_reserve, at(0)).await.retry_after.as_secs(),
        3 * 180
    );
    assert_eq!(fleet.granted(&leaves_reserve, at(2 * 180), 9).await, 0);
    assert_eq!(fleet.granted(&leaves_reserve, at(3 * 180), 9).await, 1);
    // After the clock stepped back, each still gets one unit.
    assert_eq!(fleet.granted(&leaves_reserve, at(-30 * 24 * HOUR), 9).await, 1);
}

pub(crate) async fn the_permits_of_right_passwords_are_refunded_to_every_counter(start: Start) {
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
            fleet.take(admission(person).permits(), at(0)).await.is_granted(),
            "{person}"
        );
    }
    for person in 0..500 {
        fleet.nodes[usize::from(person % 2)]
            .refund(admission(person).refundable(), at(0))
            .await;
    }
    let statuses = match fleet.take(admission(500).permits(), at(0)).await {
        TakeResult::Granted(statuses) => statuses,
        TakeResult::Refused(status) => panic!("{status:?}"),
    };
    for status in statuses {
        let reserve = u32::from(status.name == LimitName::Service) * 1_000;
        assert_eq!(
            status.remaining,
            status.limit.burst() - reserve - 1,
            "{}",
            status.name
        );
    }
}

pub(crate) async fn a_refund_of_an_untaken_permit_changes_nothing(start: Start) {
    let fleet = start(three_and_five());
    let permits = [user(1)];
    fleet.nodes[0].refund(&permits, at(0)).await;
    assert_eq!(fleet.granted(&permits, at(0), 1).await, 1);
    for _ in 0..5 {
        fleet.nodes[0].refund(&permits, at(0)).await;
    }
    assert_eq!(fleet.granted(&permits, at(0), 9).await, 3);
}

pub(crate) async fn after_the_window_the_full_budget_is_available(start: Start) {
    let fleet = start(three_and_five());
    let permits = [user(1), Permit::on_service()];
    for round in 0..5 {
        assert_eq!(fleet.granted(&permits, at(round * HOUR), 9).await, 3);
    }
}

pub(crate) async fn every_key_has_a_budget_of_its_own(start: Start) {
    let fleet = start(LimitsConfig::default());
    let address = "192.0.2.1".parse().unwrap();
    let digest = [7; 32];
    let permits = [
        Permit::registration_from(address),
        Permit::mail_from(address),
        Permit::mail_to(digest),
        Permit::mail_to([8; 32]),
        Permit::guess_at(digest),
        Permit::guess_by_device(digest),
        Permit::guess_over_devices(digest),
        Permit::sign_in_to(digest),
    ];
    let mut granted = Vec::new();
    for permit in permits {
        granted.push(fleet.granted(&[permit], at(0), 120).await);
    }
    assert_eq!(granted, [100, 60, 5, 5, 10, 10, 100, 120]);
}

pub(crate) async fn an_ipv6_network_is_one_client(start: Start) {
    let fleet = start(LimitsConfig {
        register_per_address: limit("5/1h"),
        ..LimitsConfig::default()
    });
    let from = |text: &str| [Permit::registration_from(text.parse().unwrap())];
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

pub(crate) async fn a_clock_that_steps_back_does_not_lock_users_out(start: Start) {
    let fleet = start(three_and_five());
    let permits = [user(1)];
    assert_eq!(fleet.granted(&permits, at(0), 9).await, 3);
    assert_eq!(fleet.granted(&permits, at(-2), 9).await, 0);
    assert_eq!(fleet.granted(&permits, at(-30 * 24 * HOUR), 9).await, 1);
    let refusal = fleet.refusal(&permits, at(-30 * 24 * HOUR)).await;
    assert_eq!(refusal.retry_after, Duration::from_secs(1_200));
}

/// How many of two hundred concurrent requests are granted; `permits` gives each request's permits by its number.
async fn at_once(fleet: &Fleet, permits: impl Fn(u128) -> Vec<Permit>) -> usize {
    let tries = (0..200).zip(fleet.nodes.iter().cycle()).map(|(number, node)| {
        let (node, permits) = (node.clone(), permits(number));
        tokio::spawn(async move { node.take(&permits, at(0)).await.is_granted() })
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

pub(crate) async fn many_at_once_with_several_permits_get_exactly_the_tightest(start: Start) {
    let fleet = start(LimitsConfig {
        per_user: limit("7/1h"),
        service: limit("40/1h"),
        ..LimitsConfig::default()
    });
    // Four users may have 28 of the 40: each gets seven, and the service has counted only those.
    let permits = |number: u128| match number % 2 {
        0 => vec![user(number % 4), Permit::on_service()],
        _ => vec![Permit::on_service(), user(number % 4)],
    };
    assert_eq!(at_once(&fleet, permits).await, 28);
    assert_eq!(at_once(&fleet, |_| vec![Permit::on_service()]).await, 12);
}

pub(crate) async fn disabled_limits_grant_everything(start: Start) {
    let fleet = start(LimitsConfig {
        enabled: false,
        ..three_and_five()
    });
    assert_eq!(fleet.granted(&[user(1)], at(0), 50).await, 50);
    let taken = fleet.take(&[user(1)], at(0)).await;
    assert_eq!(taken, TakeResult::Granted(Vec::new()));
    fleet.nodes[0].refund(&[user(1)], at(0)).await;
}
