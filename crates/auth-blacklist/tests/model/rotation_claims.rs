//! The promises about refreshes and security events (docs/rules.md §2 and §3), and the proof that the model checker finds mistakes.

use crate::{
    report::{breaks, holds, large},
    rotation::{Bounds, Clients, Cut, Mutation, RefreshModel, Setting, policy},
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

/// A lifetime in ticks after which no token of the model expires within the run.
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
        mutation: Mutation::None,
    }
}

/// Checks that the promises hold in the quick model or, if requested, in the large one.
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
    holds(&name, &RefreshModel::new(Setting { bounds, ..setting }), 1_000);
}

#[test]
fn an_honest_client_always_gets_tokens_whatever_dies_or_is_lost() {
    let setting = setting(Clients::Honest, bounds(3, 4, 2, 0));
    hold("an honest client", setting, bounds(5, 5, 3, 0));
}

#[test]
fn an_honest_client_gets_tokens_from_nodes_whose_clocks_differ() {
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
fn an_honest_client_gets_tokens_until_its_session_expires() {
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
fn a_request_in_progress_does_not_refresh_an_ended_or_cut_session() {
    let setting = setting(Clients::Honest, bounds(1, 3, 2, 1));
    hold("an honest client and cuts", setting, bounds(3, 4, 2, 1));
}

#[test]
fn a_token_is_rotated_once_and_never_forks_with_thieves() {
    let setting = setting(Clients::Thieves, bounds(3, 3, 2, 0));
    hold("thieves", setting, bounds(4, 4, 2, 0));
}

#[test]
fn a_token_is_rotated_once_by_three_concurrent_requests() {
    let setting = setting(Clients::Thieves, bounds(0, 3, 3, 0));
    hold("thieves", setting, bounds(1, 4, 3, 0));
}

#[test]
fn a_token_is_rotated_once_if_a_late_request_gets_the_successor() {
    let setting = Setting {
        policy: policy(1, OnConcurrent::Repeat, LONG),
        ..setting(Clients::Thieves, bounds(2, 3, 2, 0))
    };
    hold("thieves, on_concurrent = repeat", setting, bounds(3, 4, 2, 0));
}

#[test]
fn a_token_is_rotated_once_without_leeway() {
    let setting = Setting {
        policy: policy(0, OnConcurrent::Repeat, LONG),
        ..setting(Clients::Thieves, bounds(2, 3, 2, 0))
    };
    hold("thieves, no leeway", setting, bounds(3, 4, 2, 0));
}

#[test]
fn thieves_get_no_tokens_of_an_ended_or_cut_session() {
    let setting = setting(Clients::Thieves, bounds(1, 2, 2, 1));
    hold("thieves and cuts", setting, bounds(1, 3, 2, 1));
}

#[test]
fn a_sign_in_that_verified_the_old_password_is_revoked_by_the_reset() {
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

/// The guard on the user's row is redundant: each cut writes each session's row, and the guards on that row notice it.
#[test]
fn the_guards_on_the_session_alone_are_sufficient() {
    let setting = Setting {
        mutation: Mutation::UserUnguarded,
        ..setting(Clients::Thieves, bounds(1, 2, 2, 1))
    };
    hold(
        "thieves and cuts, the user's row unguarded",
        setting,
        bounds(1, 3, 2, 1),
    );
}

/// Checks that the mistake is found, and that it violates this promise.
fn found(mutation: Mutation, clients: Clients, bounds: Bounds, promise: &str) {
    found_in(setting(clients, bounds), mutation, promise);
}

fn found_in(setting: Setting, mutation: Mutation, promise: &str) {
    let setting = Setting { mutation, ..setting };
    breaks(&format!("{mutation:?}"), &RefreshModel::new(setting), promise);
}

/// Two requests and one cut.
const FEW: Bounds = bounds(1, 2, 2, 1);
/// Four requests, and the time that the windows take.
const LONGER: Bounds = bounds(3, 4, 2, 0);

const REVIVED: &str = "revives what was ended or cut";

#[test]
fn the_model_finds_an_update_without_guards() {
    let none = Bounds { cuts: 0, ..FEW };
    found(Mutation::Unguarded, Clients::Honest, none, "a fork");
    found(Mutation::Unguarded, Clients::Honest, FEW, REVIVED);
}

#[test]
fn the_model_finds_an_update_without_the_guard_on_the_number() {
    found(Mutation::NumberUnguarded, Clients::Honest, FEW, "a fork");
}

#[test]
fn the_model_finds_an_update_without_the_guard_on_the_generation() {
    let promise = "a role that its generation never had";
    found(Mutation::GenerationUnguarded, Clients::Honest, FEW, promise);
}

#[test]
fn the_model_finds_an_update_of_an_ended_session() {
    found(Mutation::EndUnguarded, Clients::Honest, FEW, REVIVED);
}

#[test]
fn the_model_finds_a_cut_that_leaves_the_sessions_alone() {
    found(Mutation::CutsLeaveSessions, Clients::Honest, FEW, REVIVED);
}

#[test]
fn the_model_finds_a_sign_in_with_a_generation_read_late() {
    let setting = Setting {
        sign_in: true,
        ..setting(Clients::Honest, FEW)
    };
    let mutation = Mutation::SignInTakesTheNewGeneration;
    found_in(setting, mutation, "verified the old password lives");
}

#[test]
fn the_model_finds_a_repeat_that_extends_its_window() {
    found(Mutation::RepeatExtends, Clients::Honest, LONGER, "byte for byte");
}

#[test]
fn the_model_finds_absent_keys_that_are_equal() {
    found(
        Mutation::AbsentKeysEqual,
        Clients::Thieves,
        LONGER,
        "for another key",
    );
}

#[test]
fn the_model_finds_a_reuse_that_ends_nothing() {
    found(
        Mutation::ReuseSpares,
        Clients::Thieves,
        LONGER,
        "its session lives",
    );
}

#[test]
fn the_model_finds_access_tokens_that_a_revocation_would_not_cover() {
    found(
        Mutation::AccessUntilOverwritten,
        Clients::Honest,
        LONGER,
        "outlives",
    );
}

/// The definition of an honest client: one that presents the next token while an earlier attempt is still in progress may be taken for a
/// thief.
#[test]
fn the_model_finds_the_client_that_does_not_wait_for_its_earlier_attempt() {
    found(
        Mutation::ImpatientClient,
        Clients::Honest,
        LONGER,
        "taken for a reuse",
    );
}

/// A client that refreshes just before its token expires can't retry after that.
#[test]
fn the_model_finds_the_client_that_refreshes_in_the_last_moment() {
    let setting = Setting {
        policy: policy(1, OnConcurrent::Refuse, 3),
        ..setting(Clients::Honest, LONGER)
    };
    found_in(setting, Mutation::LastMoment, "stuck: Expired");
}
