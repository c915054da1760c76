//! Both sides of the limits in one simulation: people who mistype, offices and classes behind one address, and attackers with
//! thousands of addresses. The figures decide the shipped numbers and are those of docs/accounts.md; `--nocapture` prints them. Time
//! and chance are the simulation's own, so every run has the same figures.

#![cfg(test)]

mod world;

use auth_limits::Admission;
use world::{Client, HOUR, MINUTE, Request, Rules, SECOND, World, digest};

/// Shown with `--nocapture`.
#[expect(clippy::print_stdout, reason = "the figures are the simulation's result")]
fn say(words: &str) {
    println!("{words}");
}

/// People and what became of their day.
#[derive(Debug, Default, PartialEq, Eq)]
struct People {
    /// Who got in.
    in_at_last: u32,
    /// How many passwords were mistyped.
    mistyped: u32,
    /// Who was refused by a limit at least once.
    refused: u32,
}

/// So many people sign in behind one address, each at a moment of its own around the middle of a span; `new` of a hundred sit at a
/// device that the account does not know, and of a hundred passwords eight are mistyped. A person who is refused waits as long as the refusal says.
async fn office(rules: Rules, people: u32, new: u64, span: u64) -> People {
    let mut world = World::under(rules);
    let mut waiting: Vec<(u64, u32, bool)> = (0..people)
        .map(|person| {
            let moment = (world.chance(span) + world.chance(span) + world.chance(span)) / 3;
            (moment, person, false)
        })
        .collect();
    let unknown: Vec<bool> = (0..people).map(|_| world.chance(100) < new).collect();
    let mut told = People::default();
    while let Some(next) = (0..waiting.len()).min_by_key(|one| waiting[*one]) {
        let (moment, person, was_refused) = waiting.swap_remove(next);
        world.move_to(moment).await;
        let right = world.chance(100) >= 8;
        let client = Client {
            account: person,
            device: (!unknown[person as usize]).then_some(person),
            address: 0,
        };
        match world.ask(Request::SignIn(client, right)).await {
            Ok(()) if right => told.in_at_last += 1,
            Ok(()) => {
                told.mistyped += 1;
                waiting.push((moment + 10 * SECOND, person, was_refused));
            }
            Err(wait) => {
                told.refused += u32::from(!was_refused);
                let wait = u64::try_from(wait.as_millis()).unwrap() + SECOND;
                waiting.push((moment + wait, person, true));
            }
        }
    }
    told
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
        say(&format!(
            "office of 500, {what}: refused {} before, {} now; mistyped {}",
            before.refused, now.refused, now.mistyped
        ));
        assert_eq!((now.in_at_last, now.refused), (500, 0), "{what}");
        assert!(now.mistyped >= 25 && before.refused > 100, "{before:?}");
    }
}

#[tokio::test]
async fn five_hundred_right_passwords_at_one_moment_are_all_looked_at() {
    let mut world = World::under(Rules::Shipped);
    // Sixty people mistyped before them: those units stay spent.
    for account in 0..60 {
        let client = Client {
            account: 9_000 + account,
            device: None,
            address: 0,
        };
        world.ask(Request::SignIn(client, false)).await.unwrap();
    }
    for account in 0..500 {
        let client = Client {
            account,
            device: None,
            address: 0,
        };
        world.ask(Request::SignIn(client, true)).await.unwrap();
    }
}

/// How many of a class register within five minutes, each after up to four passwords that are too weak; and how many had to wait.
async fn class(rules: Rules, classes: u32) -> (u32, u32) {
    let mut world = World::under(rules);
    let (mut registered, mut refused) = (0, 0);
    for class in 0..classes {
        world.move_to(u64::from(class) * 15 * MINUTE).await;
        for _ in 0..30 {
            let client = Client {
                account: 0,
                device: None,
                address: 0,
            };
            let weak = world.chance(5);
            let mut outcome = Ok(());
            for _ in 0..weak {
                outcome = outcome.and(world.ask(Request::Register(client, false)).await);
                world.move_to(world.now + 2 * SECOND).await;
            }
            outcome = outcome.and(world.ask(Request::Register(client, true)).await);
            registered += u32::from(outcome.is_ok());
            refused += u32::from(outcome.is_err());
            world.move_to(world.now + 2 * SECOND).await;
        }
    }
    (registered, refused)
}

#[tokio::test]
async fn a_class_registers_from_one_address_and_a_program_makes_no_thousands() {
    let (before, _) = class(Rules::Before, 1).await;
    let (now, refused) = class(Rules::Shipped, 1).await;
    say(&format!("class of 30: {before} registered before, {now} now"));
    assert_eq!((now, refused), (30, 0));
    let (three, refused) = class(Rules::Shipped, 3).await;
    assert_eq!((three, refused), (90, 0));
    for (rules, most) in [(Rules::Before, 10), (Rules::Shipped, 200)] {
        let mut world = World::under(rules);
        let mut made = 0;
        for second in 0..3_600 {
            world.move_to(second * SECOND).await;
            let client = Client {
                account: 0,
                device: None,
                address: 0,
            };
            made += u32::from(world.ask(Request::Register(client, true)).await.is_ok());
        }
        say(&format!(
            "a program that registers for an hour from one address, {rules:?}: {made}"
        ));
        assert!(made <= most, "{made}");
    }
}

/// What twelve hours of an attack gave each side.
#[derive(Debug, Default, PartialEq, Eq)]
struct Siege {
    /// Guesses that were looked at.
    looked_at: u32,
    /// Of the owner's 48 sign-ins on the known device, those that were refused.
    known_refused: u32,
    /// Of the owner's 12 sign-ins on a new device, those that had to wait for more than a minute.
    new_refused: u32,
    /// Of the 12 reset links that the owner asked for on a new device, those that were refused.
    resets_refused: u32,
}

const OWNER: u32 = 7;

/// For twelve hours an attacker guesses so many times a second from 2,400 addresses in turn, at the owner's account or at a new one each
/// time, while the owner signs in four times an hour on the known device (once an hour after a typo) and comes with a new one each hour.
async fn siege(rules: Rules, a_second: u64, at_the_owner: bool, addresses: u32) -> Siege {
    let mut world = World::under(rules);
    let mut told = Siege::default();
    let known = Client {
        account: OWNER,
        device: Some(1),
        address: 1_000_000,
    };
    let mut tries = 0;
    for second in 0..12 * 3_600 {
        for part in 0..a_second {
            world.move_to(second * SECOND + part * SECOND / a_second).await;
            let account = if at_the_owner { OWNER } else { 1_000 + tries };
            let client = Client {
                account,
                device: None,
                address: tries % addresses,
            };
            told.looked_at += u32::from(world.ask(Request::SignIn(client, false)).await.is_ok());
            tries += 1;
        }
        if second % 3_600 == 1_800 {
            let _typo = world.ask(Request::SignIn(known, false)).await;
        }
        if second % 900 == 850 {
            told.known_refused += u32::from(world.ask(Request::SignIn(known, true)).await.is_err());
        }
        if second % 3_600 == 3_000 {
            let new = Client {
                account: OWNER,
                device: None,
                address: 2_000_000 + tries,
            };
            let waits = match world.ask(Request::SignIn(new, true)).await {
                Ok(()) => 0,
                Err(wait) => wait.as_secs(),
            };
            told.new_refused += u32::from(waits > 60);
            told.resets_refused += u32::from(world.ask(Request::Mail(new)).await.is_err());
        }
    }
    told
}

#[tokio::test]
async fn guessing_at_one_account_is_as_hard_as_before_and_its_owner_gets_in() {
    let before = siege(Rules::Before, 1, true, 2_400).await;
    let now = siege(Rules::Shipped, 1, true, 2_400).await;
    say(&format!(
        "2,400 addresses guess at one account for 12 hours: before {before:?}, now {now:?}"
    ));
    assert_eq!(now, before);
    assert!(now.looked_at <= 10 + 12 * 10 && now.looked_at >= 120, "{now:?}");
    assert_eq!((now.known_refused, now.resets_refused), (0, 0));
}

#[tokio::test]
async fn stuffing_many_accounts_is_as_hard_as_before_and_the_owner_gets_in_and_recovers() {
    let before = siege(Rules::Before, 5, false, 2_400).await;
    let now = siege(Rules::Shipped, 5, false, 2_400).await;
    say(&format!(
        "2,400 addresses stuff many accounts for 12 hours: before {before:?}, now {now:?}"
    ));
    assert!(
        now.looked_at <= before.looked_at && now.looked_at <= 10_000 + 120_000,
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
    let before = siege(Rules::Before, 1, false, 1).await;
    let now = siege(Rules::Shipped, 1, false, 1).await;
    say(&format!(
        "one address stuffs many accounts for 12 hours: {} before, {} now",
        before.looked_at, now.looked_at
    ));
    assert!(
        before.looked_at >= 7_200 && now.looked_at <= 600 + 12 * 300,
        "{now:?}"
    );
}

#[tokio::test]
async fn thirty_stolen_device_tokens_are_one_budget_and_a_session_recovers() {
    let mut looked_at = [0, 0];
    for (rules, looked_at) in [Rules::Before, Rules::Shipped].into_iter().zip(&mut looked_at) {
        let mut world = World::under(rules);
        for minute in 0..12 * 60 {
            world.move_to(minute * MINUTE).await;
            for device in 0..30 {
                let client = Client {
                    account: OWNER,
                    device: Some(device),
                    address: device,
                };
                *looked_at += u32::from(world.ask(Request::SignIn(client, false)).await.is_ok());
            }
        }
        if rules == Rules::Shipped {
            let own = Client {
                account: OWNER,
                device: Some(99),
                address: 99,
            };
            assert!(world.ask(Request::SignIn(own, true)).await.is_err());
            // The owner's session is asked for the password all the same. The change makes the stolen tokens those of strangers.
            let user = auth_domain::ids::UserId::from_uuid(uuid::Uuid::from_u128(7));
            let check = Admission::password_check(user, digest(4, 1), digest(5, 1));
            world.spend(&check).await.unwrap();
            let after = Admission::sign_in(
                digest(1, OWNER),
                Some(auth_limits::Known {
                    device: digest(2, 99),
                    devices: digest(3, 1_000_000),
                }),
                None,
            );
            world.spend(&after).await.unwrap();
        }
    }
    let [before, now] = looked_at;
    say(&format!(
        "30 stolen device tokens guess for 12 hours: {before} looked at before, {now} now"
    ));
    assert!(before >= 30 * 120 && (100..=108).contains(&now), "{before} {now}");
}

#[tokio::test]
async fn an_address_of_five_thousand_people_stays_below_its_limit_all_day() {
    let told = office(Rules::Shipped, 5_000, 30, 8 * HOUR).await;
    say(&format!(
        "5,000 people behind one address within eight hours: refused {}, mistyped {}",
        told.refused, told.mistyped
    ));
    assert_eq!((told.in_at_last, told.refused), (5_000, 0));
}
