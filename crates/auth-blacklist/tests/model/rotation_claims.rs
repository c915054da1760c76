//! What is claimed of refreshes and cuts (docs/rules.md §2 and §3), and that the model would notice if it did not hold.

use crate::{
    report::{breaks, holds, large},
    rotation::{Bounds, Broken, Clients, Cut, Desk, Setting, policy},
};
use auth_domain::rotation::OnConcurrent;

const CUTS: &[Cut] = &[
    Cut::Logout,
    Cut::LogoutAll,
    Cut::PasswordChange,
    Cut::PasswordReset,
    Cut::RoleChange,
    Cut::Disable,
];

/// So many ticks that the model's tokens never expire.
const LONG: u8 = 40;

const fn bounds(ticks: u8, refreshes: u8, at_once: usize, cuts: u8) -> Bounds {
    Bounds {
        ticks,
        refreshes,
        at_once,
        cuts,
        skew: 0,
    }
}

fn setting(clients: Clients, bounds: Bounds) -> Setting {
    Setting {
        clients,
        cuts: CUTS,
        sign_in: false,
        policy: policy(1, OnConcurrent::Refuse, LONG),
        bounds,
        broken: Broken::Nothing,
    }
}

/// The promises hold in the quick size; in the large one, if that is asked for.
fn hold(name: &str, setting: Setting, more: Bounds) {
    let skew = setting.bounds.skew;
    let bounds = if large() {
        Bounds { skew, ..more }
    } else {
        setting.bounds
    };
    let name = format!(
        "{name}, {} ticks, {} refreshes, {} at once, {} cuts, clocks {} apart",
        bounds.ticks, bounds.refreshes, bounds.at_once, bounds.cuts, bounds.skew
    );
    holds(&name, &Desk::new(Setting { bounds, ..setting }), 1_000);
}

#[test]
fn an_honest_client_always_gets_on_whatever_dies_and_whatever_is_lost() {
    let setting = setting(Clients::Honest, bounds(3, 4, 2, 0));
    hold("an honest client", setting, bounds(5, 5, 3, 0));
}

#[test]
fn an_honest_client_gets_on_between_nodes_whose_clocks_differ() {
    let quick = Bounds {
        skew: 1,
        ..bounds(3, 3, 2, 0)
    };
    hold(
        "an honest client",
        setting(Clients::Honest, quick),
        bounds(5, 5, 2, 0),
    );
}

#[test]
fn an_honest_client_gets_on_until_its_session_expires() {
    let setting = Setting {
        policy: policy(1, OnConcurrent::Refuse, 3),
        ..setting(Clients::Honest, bounds(4, 3, 2, 0))
    };
    hold(
        "an honest client, tokens that expire",
        setting,
        bounds(8, 5, 2, 0),
    );
}

#[test]
fn nothing_that_was_ended_or_cut_is_refreshed_by_a_request_under_way() {
    let setting = setting(Clients::Honest, bounds(1, 3, 2, 1));
    hold("an honest client and cuts", setting, bounds(3, 4, 2, 1));
}

#[test]
fn a_token_is_rotated_once_and_never_forks_whoever_presents_it() {
    let setting = setting(Clients::Thieves, bounds(3, 3, 2, 0));
    hold("thieves", setting, bounds(4, 4, 2, 0));
}

#[test]
fn a_token_is_rotated_once_by_three_at_once() {
    let setting = setting(Clients::Thieves, bounds(0, 3, 3, 0));
    hold("thieves", setting, bounds(1, 4, 3, 0));
}

#[test]
fn a_token_is_rotated_once_where_whoever_comes_late_gets_the_successor() {
    let setting = Setting {
        policy: policy(1, OnConcurrent::Repeat, LONG),
        ..setting(Clients::Thieves, bounds(2, 3, 2, 0))
    };
    hold("thieves, on_concurrent = repeat", setting, bounds(3, 4, 2, 0));
}

#[test]
fn a_token_is_rotated_once_where_there_is_no_leeway() {
    let setting = Setting {
        policy: policy(0, OnConcurrent::Repeat, LONG),
        ..setting(Clients::Thieves, bounds(2, 3, 2, 0))
    };
    hold("thieves, no leeway", setting, bounds(3, 4, 2, 0));
}

#[test]
fn thieves_get_nothing_out_of_what_was_ended_or_cut() {
    let setting = setting(Clients::Thieves, bounds(1, 2, 2, 1));
    hold("thieves and cuts", setting, bounds(1, 3, 2, 1));
}

#[test]
fn a_sign_in_that_verified_the_old_password_is_dead_after_the_reset() {
    let setting = Setting {
        sign_in: true,
        ..setting(Clients::Honest, bounds(1, 1, 1, 2))
    };
    hold(
        "an honest client, a sign-in and cuts",
        setting,
        bounds(2, 2, 2, 2),
    );
}

/// The guard on the user's row is a second lock: each cut writes each session's row, and the guards there see it.
#[test]
fn the_guards_on_the_session_alone_would_do() {
    let setting = Setting {
        broken: Broken::UserUnguarded,
        ..setting(Clients::Thieves, bounds(1, 2, 2, 1))
    };
    hold(
        "thieves and cuts, the user not looked at",
        setting,
        bounds(1, 3, 2, 1),
    );
}

/// The mistake is found, and it breaks this promise.
fn found(broken: Broken, clients: Clients, bounds: Bounds, promise: &str) {
    found_in(setting(clients, bounds), broken, promise);
}

fn found_in(setting: Setting, broken: Broken, promise: &str) {
    let setting = Setting { broken, ..setting };
    breaks(&format!("{broken:?}"), &Desk::new(setting), promise);
}

/// Two requests and one cut.
const FEW: Bounds = bounds(1, 2, 2, 1);
/// Three requests, and the time that windows take.
const LONGER: Bounds = bounds(3, 4, 2, 0);

const REVIVED: &str = "revives what was ended or cut";

#[test]
fn the_model_finds_an_update_without_guards() {
    let none = Bounds { cuts: 0, ..FEW };
    found(Broken::Unguarded, Clients::Honest, none, "a fork");
    found(Broken::Unguarded, Clients::Honest, FEW, REVIVED);
}

#[test]
fn the_model_finds_an_update_that_names_no_number() {
    found(Broken::NumberUnguarded, Clients::Honest, FEW, "a fork");
}

#[test]
fn the_model_finds_an_update_that_names_no_generation() {
    let promise = "a role that its generation never had";
    found(Broken::GenerationUnguarded, Clients::Honest, FEW, promise);
}

#[test]
fn the_model_finds_an_update_of_an_ended_session() {
    found(Broken::EndUnguarded, Clients::Honest, FEW, REVIVED);
}

#[test]
fn the_model_finds_a_cut_that_leaves_the_sessions_alone() {
    found(Broken::CutsLeaveSessions, Clients::Honest, FEW, REVIVED);
}

#[test]
fn the_model_finds_a_sign_in_with_a_generation_read_late() {
    let setting = Setting {
        sign_in: true,
        ..setting(Clients::Honest, FEW)
    };
    let broken = Broken::SignInTakesTheNewGeneration;
    found_in(setting, broken, "verified the old password lives");
}

#[test]
fn the_model_finds_a_repeat_that_extends_its_window() {
    found(Broken::RepeatExtends, Clients::Honest, LONGER, "byte for byte");
}

#[test]
fn the_model_finds_absent_keys_that_are_equal() {
    found(
        Broken::AbsentKeysEqual,
        Clients::Thieves,
        LONGER,
        "for another key",
    );
}

#[test]
fn the_model_finds_a_reuse_that_ends_nothing() {
    found(Broken::ReuseSpares, Clients::Thieves, LONGER, "its session lives");
}

#[test]
fn the_model_finds_access_tokens_that_a_revocation_would_not_cover() {
    found(
        Broken::AccessUntilOverwritten,
        Clients::Honest,
        LONGER,
        "outlives",
    );
}

/// What honest means: who presents the next token while an earlier attempt is still under way may be taken for a thief.
#[test]
fn the_model_finds_the_client_that_does_not_wait_for_its_earlier_attempt() {
    found(
        Broken::ImpatientClient,
        Clients::Honest,
        LONGER,
        "taken for a reuse",
    );
}

/// And who refreshes in the last moment of a token's life can't retry once it has expired.
#[test]
fn the_model_finds_the_client_that_refreshes_in_the_last_moment() {
    let setting = Setting {
        policy: policy(1, OnConcurrent::Refuse, 3),
        ..setting(Clients::Honest, LONGER)
    };
    found_in(setting, Broken::LastMoment, "stuck: Expired");
}
