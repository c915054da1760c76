//! Hand-written histories. The rule: each kind of violation is found, and a history that only looks like one is accepted.

mod dialogue;

use super::*;
use dialogue::*;

#[test]
fn an_acknowledged_user_that_can_not_sign_in_is_a_violation() {
    let mut dialogue = Dialogue::registered();
    dialogue.ask(Op::Login, Outcome::SignedIn).unwrap();
    let lost = dialogue.ask(Op::Login, Outcome::BadCredentials).unwrap_err();
    assert!(lost.to_string().contains("{SignedIn}"), "{lost}");
}

#[test]
fn a_user_whose_registration_got_no_answer_either_exists_or_not_and_stays_so() {
    let lost = || {
        let mut dialogue = Dialogue {
            history: History::new("ada@example.com"),
            now: 0,
        };
        dialogue.lose(Op::Register { name: "ada".into() });
        dialogue
    };
    lost().ask(Op::Login, Outcome::SignedIn).unwrap();
    let mut absent = lost();
    absent.ask(Op::Login, Outcome::BadCredentials).unwrap();
    absent
        .ask(Op::Register { name: "bea".into() }, Outcome::SignedIn)
        .unwrap();
    let mut there = lost();
    there
        .ask(Op::Register { name: "bea".into() }, Outcome::EmailTaken)
        .unwrap();
    assert!(there.ask(Op::Login, Outcome::BadCredentials).is_err());
}

#[test]
fn an_acknowledged_name_that_is_gone_is_a_violation() {
    let mut dialogue = Dialogue::registered();
    dialogue.ask(ME, Outcome::Named("ada".into())).unwrap();
    let rename = Op::Rename {
        by: 0,
        name: "bea".into(),
    };
    dialogue
        .ask(rename.clone(), Outcome::Named("bea".into()))
        .unwrap();
    assert!(dialogue.ask(ME, Outcome::Named("ada".into())).is_err());
    let mut dialogue = Dialogue::registered();
    dialogue.lose(rename);
    dialogue.ask(ME, Outcome::Named("ada".into())).unwrap();
    dialogue.ask(ME, Outcome::Named("bea".into())).unwrap();
    assert!(dialogue.ask(ME, Outcome::Named("ada".into())).is_err());
}

#[test]
fn an_acknowledged_rotation_that_is_gone_is_a_violation() {
    let mut dialogue = Dialogue::registered();
    dialogue.ask(refresh(0, 1), Outcome::Pair(1)).unwrap();
    assert!(
        dialogue
            .ask(refresh(1, 2), Outcome::Other("401 invalid_token".into()))
            .is_err()
    );
    let mut dialogue = Dialogue::registered();
    dialogue.ask(refresh(0, 1), Outcome::Pair(1)).unwrap();
    assert!(
        dialogue.ask(refresh(0, 2), Outcome::Pair(1)).is_err(),
        "the used one lives again"
    );
}

#[test]
fn after_a_lost_refresh_the_old_token_or_its_repeat_works_and_nothing_else() {
    let lost = || {
        let mut dialogue = Dialogue::registered();
        dialogue.lose(refresh(0, 1));
        dialogue
    };
    lost().ask(refresh(0, 1), Outcome::Pair(1)).unwrap();
    lost().ask(refresh(0, 2), Outcome::Pair(1)).unwrap();
    lost().ask(refresh(0, 2), Outcome::AlreadyUsed).unwrap();
    assert!(lost().ask(refresh(0, 1), Outcome::AlreadyUsed).is_err());
    assert!(lost().ask(refresh(0, 1), Outcome::Revoked).is_err());
    let mut decided = lost();
    decided.ask(refresh(0, 2), Outcome::AlreadyUsed).unwrap();
    decided.ask(refresh(0, 1), Outcome::Pair(1)).unwrap();
}

#[test]
fn two_successors_of_one_token_are_a_fork() {
    let mut dialogue = Dialogue::registered();
    let (a, b) = (dialogue.begin(refresh(0, 1)), dialogue.begin(refresh(0, 1)));
    dialogue.end_with(a, Outcome::Pair(1), 0, "one", 1).unwrap();
    let fork = dialogue
        .end_with(b, Outcome::Pair(1), 0, "another", 1)
        .unwrap_err();
    assert!(fork.to_string().contains("a fork"), "{fork}");

    let mut dialogue = Dialogue::registered();
    let (a, b) = (dialogue.begin(refresh(0, 1)), dialogue.begin(refresh(0, 2)));
    dialogue.end(a, Outcome::Pair(1)).unwrap();
    assert!(
        dialogue.end(b, Outcome::Pair(1)).is_err(),
        "with another key it is no repeat"
    );

    let mut dialogue = Dialogue::registered();
    let (a, b) = (dialogue.begin(refresh(0, 1)), dialogue.begin(refresh(0, 2)));
    dialogue.end(a, Outcome::Pair(1)).unwrap();
    dialogue.end(b, Outcome::AlreadyUsed).unwrap();
    dialogue.ask(refresh(1, 3), Outcome::Pair(2)).unwrap();
}

#[test]
fn of_two_simultaneous_presentations_one_must_win() {
    let mut dialogue = Dialogue::registered();
    let (a, b) = (dialogue.begin(refresh(0, 1)), dialogue.begin(refresh(0, 2)));
    dialogue.end(a, Outcome::AlreadyUsed).unwrap();
    assert!(dialogue.end(b, Outcome::AlreadyUsed).is_err());
}

#[test]
fn a_refresh_token_of_another_session_is_a_violation() {
    let mut dialogue = Dialogue::registered();
    dialogue.ask(Op::Login, Outcome::SignedIn).unwrap();
    let call = dialogue.begin(refresh(0, 1));
    assert!(dialogue.end_with(call, Outcome::Pair(1), 1, "token", 1).is_err());
    let mut dialogue = Dialogue::registered();
    let call = dialogue.begin(Op::Login);
    assert!(
        dialogue.end_with(call, Outcome::SignedIn, 0, "token", 0).is_err(),
        "the same session twice"
    );
}

#[test]
fn a_reuse_ends_the_session_and_a_second_tab_does_not() {
    let mut dialogue = Dialogue::registered();
    dialogue.ask(bare_refresh(0), Outcome::Pair(1)).unwrap();
    dialogue.at(5).ask(bare_refresh(0), Outcome::AlreadyUsed).unwrap();
    dialogue.ask(VERIFY, Outcome::Accepted).unwrap();
    assert!(
        dialogue.ask(VERIFY, Outcome::Revoked).is_err(),
        "within the leeway it lives on"
    );

    let mut dialogue = Dialogue::registered();
    dialogue.ask(bare_refresh(0), Outcome::Pair(1)).unwrap();
    dialogue
        .at(12)
        .ask(bare_refresh(0), Outcome::AlreadyUsed)
        .unwrap();
    assert!(
        dialogue.at(13).ask(VERIFY, Outcome::Accepted).is_err(),
        "past it, it is over"
    );

    let mut dialogue = Dialogue::registered();
    dialogue.ask(bare_refresh(0), Outcome::Pair(1)).unwrap();
    dialogue.ask(bare_refresh(1), Outcome::Pair(2)).unwrap();
    dialogue.ask(bare_refresh(0), Outcome::AlreadyUsed).unwrap();
    dialogue.at(1).ask(bare_refresh(2), Outcome::Revoked).unwrap();
}

#[test]
fn a_repeat_ends_with_its_window() {
    let mut dialogue = Dialogue::registered();
    dialogue.ask(refresh(0, 1), Outcome::Pair(1)).unwrap();
    dialogue.at(29).ask(refresh(0, 1), Outcome::Pair(1)).unwrap();
    assert!(dialogue.at(40).ask(refresh(0, 1), Outcome::Pair(1)).is_err());
}

#[test]
fn a_token_reported_as_revoked_is_never_accepted_again() {
    for (op, refused) in [
        (LOGOUT, Outcome::Revoked),
        (LOGOUT_ALL, Outcome::Cut),
        (Op::LogoutByRefresh { session: 0 }, Outcome::Revoked),
        (Op::EndSession { by: 0, session: 0 }, Outcome::Revoked),
    ] {
        let dialogue = || {
            let mut dialogue = Dialogue::registered();
            dialogue.ask(op.clone(), Outcome::Ended).unwrap();
            dialogue.at(1);
            dialogue
        };
        dialogue().ask(VERIFY, refused.clone()).unwrap();
        dialogue().ask(refresh(0, 1), Outcome::Revoked).unwrap();
        assert!(dialogue().ask(VERIFY, Outcome::Accepted).is_err(), "{op:?}");
        assert!(
            dialogue().ask(ME, Outcome::Named("ada".into())).is_err(),
            "{op:?}"
        );
        assert!(dialogue().ask(refresh(0, 1), Outcome::Pair(1)).is_err(), "{op:?}");
    }
}

#[test]
fn a_valid_token_that_is_refused_is_a_violation() {
    for outcome in [
        Outcome::Revoked,
        Outcome::Cut,
        Outcome::Other("401 token_expired".into()),
    ] {
        assert!(Dialogue::registered().ask(VERIFY, outcome.clone()).is_err());
        assert!(Dialogue::registered().ask(refresh(0, 1), outcome).is_err());
    }
}

#[test]
fn while_a_sign_out_is_under_way_both_answers_are_right_until_one_node_has_refused_for_long() {
    let mut dialogue = Dialogue::registered();
    dialogue.lose(LOGOUT);
    dialogue.at(1).ask(VERIFY, Outcome::Accepted).unwrap();
    dialogue.ask(VERIFY, Outcome::Revoked).unwrap();
    dialogue.at(2).ask(VERIFY, Outcome::Accepted).unwrap();
    dialogue.ask(VERIFY, Outcome::Revoked).unwrap();
    assert!(dialogue.at(3).ask(VERIFY, Outcome::Accepted).is_err());
}

#[test]
fn a_check_that_began_before_the_answer_may_still_accept() {
    let mut dialogue = Dialogue::registered();
    let (logout, check) = (dialogue.begin(LOGOUT), dialogue.begin(VERIFY));
    dialogue.at(1).end(logout, Outcome::Ended).unwrap();
    dialogue.end(check, Outcome::Accepted).unwrap();
    assert!(dialogue.at(2).ask(VERIFY, Outcome::Accepted).is_err());
}

#[test]
fn a_lost_and_closed_call_is_decided_by_the_first_answer() {
    let closed = || {
        let mut dialogue = Dialogue::registered();
        dialogue.lose(LOGOUT);
        dialogue.history.closed(s(0), s(0));
        dialogue.at(5);
        dialogue
    };
    let mut alive = closed();
    alive.ask(VERIFY, Outcome::Accepted).unwrap();
    assert!(alive.ask(VERIFY, Outcome::Revoked).is_err());
    let mut dead = closed();
    dead.ask(VERIFY, Outcome::Revoked).unwrap();
    assert!(dead.ask(VERIFY, Outcome::Accepted).is_err());
}

#[test]
fn a_cut_ends_every_session_and_none_that_begins_after_it() {
    let mut dialogue = Dialogue::registered();
    dialogue.ask(Op::Login, Outcome::SignedIn).unwrap();
    dialogue.ask(LOGOUT_ALL, Outcome::Ended).unwrap();
    dialogue.at(1).ask(Op::Login, Outcome::SignedIn).unwrap();
    dialogue.ask(Op::Verify { by: 1 }, Outcome::Cut).unwrap();
    dialogue.ask(Op::Verify { by: 3 }, Outcome::Accepted).unwrap();
    assert!(dialogue.ask(Op::Verify { by: 3 }, Outcome::Cut).is_err());
}

#[test]
fn a_read_that_began_before_a_new_name_was_acknowledged_may_see_the_old_one() {
    let mut dialogue = Dialogue::registered();
    let name = "bea".to_owned();
    let (look, rename) = (dialogue.begin(ME), dialogue.begin(Op::Rename { by: 0, name }));
    dialogue.end(rename, Outcome::Named("bea".into())).unwrap();
    dialogue.end(look, Outcome::Named("ada".into())).unwrap();
    assert!(dialogue.ask(ME, Outcome::Named("ada".into())).is_err());
}

#[test]
fn many_checks_at_once_do_not_keep_a_sign_out_from_counting() {
    let mut dialogue = Dialogue::registered();
    let checks: Vec<Call> = (0..40).map(|_| dialogue.begin(VERIFY)).collect();
    dialogue.at(1).ask(LOGOUT, Outcome::Ended).unwrap();
    for (n, check) in checks.into_iter().enumerate() {
        let outcome = if n % 2 == 0 {
            Outcome::Accepted
        } else {
            Outcome::Revoked
        };
        dialogue.end(check, outcome).unwrap();
    }
    assert!(dialogue.at(2).ask(VERIFY, Outcome::Accepted).is_err());
}

#[test]
fn a_sign_in_that_races_a_cut_may_fail_and_a_later_one_may_not() {
    let mut dialogue = Dialogue::registered();
    let (login, cut) = (dialogue.begin(Op::Login), dialogue.begin(LOGOUT_ALL));
    dialogue.at(1).end(cut, Outcome::Ended).unwrap();
    dialogue.end(login, Outcome::BadCredentials).unwrap();
    assert!(dialogue.at(2).ask(Op::Login, Outcome::BadCredentials).is_err());
}

#[test]
fn a_refresh_that_raced_a_sign_out_revives_nothing() {
    let mut dialogue = Dialogue::registered();
    let (rotation, logout) = (dialogue.begin(refresh(0, 1)), dialogue.begin(LOGOUT));
    dialogue.end(logout, Outcome::Ended).unwrap();
    dialogue.end(rotation, Outcome::Pair(1)).unwrap();
    assert!(dialogue.at(1).ask(refresh(1, 2), Outcome::Pair(2)).is_err());
}

#[test]
fn a_call_that_was_never_sent_changed_nothing() {
    let mut dialogue = Dialogue::registered();
    let call = dialogue.begin(LOGOUT);
    dialogue.history.unsent(call, s(0));
    assert!(dialogue.ask(VERIFY, Outcome::Revoked).is_err());
}

#[test]
fn an_account_with_too_many_lost_calls_is_only_read_until_they_are_closed() {
    let mut dialogue = Dialogue::registered();
    for key in 0..3 {
        assert!(!dialogue.history.is_uncertain());
        dialogue.lose(refresh(0, key));
    }
    dialogue.lose(VERIFY);
    assert!(dialogue.history.is_uncertain());
    dialogue.history.closed(s(0), s(11));
    assert!(!dialogue.history.is_uncertain());
}

#[test]
fn a_violation_prints_the_whole_history() {
    let mut dialogue = Dialogue::registered();
    dialogue.ask(LOGOUT, Outcome::Ended).unwrap();
    let text = dialogue
        .at(7)
        .ask(VERIFY, Outcome::Accepted)
        .unwrap_err()
        .to_string();
    for part in [
        "ada@example.com",
        "Register",
        "#1 answered: Ended",
        "7.000s",
        "{Revoked}",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}
