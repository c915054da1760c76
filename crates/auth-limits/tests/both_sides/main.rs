//! Both sides of the limits in one simulation: people who mistype passwords, offices and classes behind one address, and attackers
//! with thousands of addresses. The shipped limits were chosen from its figures, which docs/accounts.md shows and `--nocapture`
//! prints. The clock and the random numbers are simulated, so every run has the same figures.

#![cfg(test)]

mod fixture;

use auth_limits::Admission;
use fixture::{Client, HOUR, MINUTE, Request, Rules, SECOND, Simulation, digest};

/// Prints a figure; shown with `--nocapture`.
#[expect(clippy::print_stdout, reason = "the figures are the simulation's result")]
fn print(figures: &str) {
    println!("{figures}");
}

/// The day of an office, in numbers.
#[derive(Debug, Default, PartialEq, Eq)]
struct OfficeDay {
    /// People who signed in.
    signed_in: u32,
    /// Passwords that were mistyped.
    mistyped: u32,
    /// People whom a limit refused at least once.
    refused: u32,
}

/// `people` sign in behind one address, at random moments around the middle of `span`. `new` percent of them use a device that their
/// account does not know, and eight percent of all passwords are mistyped. People who are refused wait as long as the refusal says.
async fn office(rules: Rules, people: u32, new: u64, span: u64) -> OfficeDay {
    let mut simulation = Simulation::under(rules);
    let mut waiting: Vec<(u64, u32, bool)> = (0..people)
        .map(|person| {
            let moment = (simulation.random(span) + simulation.random(span) + simulation.random(span)) / 3;
            (moment, person, false)
        })
        .collect();
    let unknown: Vec<bool> = (0..people).map(|_| simulation.random(100) < new).collect();
    let mut day = OfficeDay::default();
    while let Some(next) = (0..waiting.len()).min_by_key(|one| waiting[*one]) {
        let (moment, person, was_refused) = waiting.swap_remove(next);
        simulation.move_to(moment).await;
        let right = simulation.random(100) >= 8;
        let client = Client {
            account: person,
            device: (!unknown[person as usize]).then_some(person),
            address: 0,
        };
        match simulation.send(Request::SignIn(client, right)).await {
            Ok(()) if right => day.signed_in += 1,
            Ok(()) => {
                day.mistyped += 1;
                waiting.push((moment + 10 * SECOND, person, was_refused));
            }
            Err(wait) => {
                day.refused += u32::from(!was_refused);
                let wait = u64::try_from(wait.as_millis()).unwrap() + SECOND;
                waiting.push((moment + wait, person, true));
            }
        }
    }
    day
}

#[tokio::test]
async fn an_office_of_five_hundred_gets_in_on_monday_morning_behind_one_address() {
    for (what, new, span) in [
        ("a fifth on new devices, within half an hour", 20, 30 * MINUTE),
        ("all on new devices, within half an hour", 100, 30 * MINUTE),
        ("all on new devices, within two minutes", 100, 2 * MINUTE),
    ] {
        let before = office(Rules::Before, 500, new, span).await;
        let now = office(Rules::Shipped, 500, new, span).await;
        print(&format!(
            "office of 500, {what}: refused {} before, {} now; mistyped {}",
            before.refused, now.refused, now.mistyped
        ));
        assert_eq!((now.signed_in, now.refused), (500, 0), "{what}");
        assert!(now.mistyped >= 25 && before.refused > 100, "{before:?}");
    }
}

#[tokio::test]
async fn five_hundred_right_passwords_at_one_moment_are_all_checked() {
    let mut simulation = Simulation::under(Rules::Shipped);
    // Sixty people mistyped before them: those permits stay spent.
    for account in 0..60 {
        let client = Client {
            account: 9_000 + account,
            device: None,
            address: 0,
        };
        simulation.send(Request::SignIn(client, false)).await.unwrap();
    }
    for account in 0..500 {
        let client = Client {
            account,
            device: None,
            address: 0,
        };
        simulation.send(Request::SignIn(client, true)).await.unwrap();
    }
}

/// How many pupils register, and how many are refused. Each of 30 pupils a class first tries up to four passwords that are too weak.
async fn class(rules: Rules, classes: u32) -> (u32, u32) {
    let mut simulation = Simulation::under(rules);
    let (mut registered, mut refused) = (0, 0);
    for class in 0..classes {
        simulation.move_to(u64::from(class) * 15 * MINUTE).await;
        for _ in 0..30 {
            let client = Client {
                account: 0,
                device: None,
                address: 0,
            };
            let weak = simulation.random(5);
            let mut outcome = Ok(());
            for _ in 0..weak {
                outcome = outcome.and(simulation.send(Request::Register(client, false)).await);
                simulation.move_to(simulation.now + 2 * SECOND).await;
            }
            outcome = outcome.and(simulation.send(Request::Register(client, true)).await);
            registered += u32::from(outcome.is_ok());
            refused += u32::from(outcome.is_err());
            simulation.move_to(simulation.now + 2 * SECOND).await;
        }
    }
    (registered, refused)
}

#[tokio::test]
async fn a_class_registers_from_one_address_and_a_program_cannot_register_thousands() {
    let (before, _) = class(Rules::Before, 1).await;
    let (now, refused) = class(Rules::Shipped, 1).await;
    print(&format!("class of 30: {before} registered before, {now} now"));
    assert_eq!((now, refused), (30, 0));
    let (three, refused) = class(Rules::Shipped, 3).await;
    assert_eq!((three, refused), (90, 0));
    for (rules, most) in [(Rules::Before, 10), (Rules::Shipped, 200)] {
        let mut simulation = Simulation::under(rules);
        let mut made = 0;
        for second in 0..3_600 {
            simulation.move_to(second * SECOND).await;
            let client = Client {
                account: 0,
                device: None,
                address: 0,
            };
            made += u32::from(simulation.send(Request::Register(client, true)).await.is_ok());
        }
        print(&format!(
            "a program that registers for an hour from one address, {rules:?}: {made}"
        ));
        assert!(made <= most, "{made}");
    }
}

/// The result of a twelve-hour attack for each side.
#[derive(Debug, Default, PartialEq, Eq)]
struct Attack {
    /// Guesses that were checked.
    checked: u32,
    /// Of the owner's 48 sign-ins on the known device, those that were refused.
    known_refused: u32,
    /// Of the owner's 12 sign-ins on a new device, those that had to wait for more than a minute.
    new_refused: u32,
    /// Of the 12 reset links that the owner asked for on a new device, those that were refused.
    resets_refused: u32,
}

const OWNER: u32 = 7;

/// For twelve hours an attacker guesses `per_second` passwords a second from `addresses` in turn, at the owner's account or at another
/// account each time. Meanwhile the owner signs in four times an hour on the known device, with one typo an hour, and once an hour on
/// a new device.
async fn attack(rules: Rules, per_second: u64, at_the_owner: bool, addresses: u32) -> Attack {
    let mut simulation = Simulation::under(rules);
    let mut result = Attack::default();
    let known = Client {
        account: OWNER,
        device: Some(1),
        address: 1_000_000,
    };
    let mut tries = 0;
    for second in 0..12 * 3_600 {
        for part in 0..per_second {
            simulation
                .move_to(second * SECOND + part * SECOND / per_second)
                .await;
            let account = if at_the_owner { OWNER } else { 1_000 + tries };
            let client = Client {
                account,
                device: None,
                address: tries % addresses,
            };
            result.checked += u32::from(simulation.send(Request::SignIn(client, false)).await.is_ok());
            tries += 1;
        }
        if second % 3_600 == 1_800 {
            let _typo = simulation.send(Request::SignIn(known, false)).await;
        }
        if second % 900 == 850 {
            result.known_refused += u32::from(simulation.send(Request::SignIn(known, true)).await.is_err());
        }
        if second % 3_600 == 3_000 {
            let new = Client {
                account: OWNER,
                device: None,
                address: 2_000_000 + tries,
            };
            let waits = match simulation.send(Request::SignIn(new, true)).await {
                Ok(()) => 0,
                Err(wait) => wait.as_secs(),
            };
            result.new_refused += u32::from(waits > 60);
            result.resets_refused += u32::from(simulation.send(Request::Mail(new)).await.is_err());
        }
    }
    result
}

#[tokio::test]
async fn guessing_at_one_account_is_as_hard_as_before_and_its_owner_can_sign_in() {
    let before = attack(Rules::Before, 1, true, 2_400).await;
    let now = attack(Rules::Shipped, 1, true, 2_400).await;
    print(&format!(
        "2,400 addresses guess at one account for 12 hours: before {before:?}, now {now:?}"
    ));
    assert_eq!(now, before);
    assert!(now.checked <= 10 + 12 * 10 && now.checked >= 120, "{now:?}");
    assert_eq!((now.known_refused, now.resets_refused), (0, 0));
}

#[tokio::test]
async fn stuffing_many_accounts_is_as_hard_as_before_and_the_owner_can_sign_in_and_recover() {
    let before = attack(Rules::Before, 5, false, 2_400).await;
    let now = attack(Rules::Shipped, 5, false, 2_400).await;
    print(&format!(
        "2,400 addresses stuff many accounts for 12 hours: before {before:?}, now {now:?}"
    ));
    assert!(
        now.checked <= before.checked && now.checked <= 10_000 + 120_000,
        "{now:?}"
    );
    assert_eq!(
        (now.known_refused, now.new_refused, now.resets_refused),
        (0, 0, 0)
    );
    assert!(before.resets_refused > 0, "{before:?}");
}

#[tokio::test]
async fn one_address_stuffs_less_over_half_a_day_than_before() {
    let before = attack(Rules::Before, 1, false, 1).await;
    let now = attack(Rules::Shipped, 1, false, 1).await;
    print(&format!(
        "one address stuffs many accounts for 12 hours: {} before, {} now",
        before.checked, now.checked
    ));
    assert!(
        before.checked >= 7_200 && now.checked <= 600 + 12 * 300,
        "{now:?}"
    );
}

#[tokio::test]
async fn thirty_stolen_device_tokens_share_one_budget_and_the_owner_recovers_with_a_session() {
    let mut checked = [0, 0];
    for (rules, checked) in [Rules::Before, Rules::Shipped].into_iter().zip(&mut checked) {
        let mut simulation = Simulation::under(rules);
        for minute in 0..12 * 60 {
            simulation.move_to(minute * MINUTE).await;
            for device in 0..30 {
                let client = Client {
                    account: OWNER,
                    device: Some(device),
                    address: device,
                };
                *checked += u32::from(simulation.send(Request::SignIn(client, false)).await.is_ok());
            }
        }
        if rules == Rules::Shipped {
            let own = Client {
                account: OWNER,
                device: Some(99),
                address: 99,
            };
            assert!(simulation.send(Request::SignIn(own, true)).await.is_err());
            // In the owner's session the password check still works. A change of password makes the stolen tokens unknown devices.
            let user = auth_domain::ids::UserId::from_uuid(uuid::Uuid::from_u128(7));
            let check = Admission::password_check(user, digest(4, 1), digest(5, 1));
            simulation.spend(&check).await.unwrap();
            let after = Admission::sign_in(
                digest(1, OWNER),
                Some(auth_limits::DeviceDigests {
                    device: digest(2, 99),
                    devices: digest(3, 1_000_000),
                }),
                None,
            );
            simulation.spend(&after).await.unwrap();
        }
    }
    let [before, now] = checked;
    print(&format!(
        "30 stolen device tokens guess for 12 hours: {before} checked before, {now} now"
    ));
    assert!(before >= 30 * 120 && (100..=108).contains(&now), "{before} {now}");
}

#[tokio::test]
async fn an_address_with_five_thousand_people_stays_below_its_limit_all_day() {
    let day = office(Rules::Shipped, 5_000, 30, 8 * HOUR).await;
    print(&format!(
        "5,000 people behind one address within eight hours: refused {}, mistyped {}",
        day.refused, day.mistyped
    ));
    assert_eq!((day.signed_in, day.refused), (5_000, 0));
}
