//! The first administrator. The rule: even under races there is one token, it is used once, and it creates one administrator.

use crate::{
    builders::{admins, anonymous, at, new_user, one_time, session_of},
    fixture::{Fixture, all},
};
use auth_domain::{one_time::TokenKind, role::Role, user::Generation};
use auth_storage::{one_time_tokens, setup, users};

fn setup_token(letter: u8, seconds: i64) -> one_time_tokens::New {
    one_time(TokenKind::Setup, letter, at(seconds))
}

async fn redeem(fixture: &Fixture, letter: u8, user: users::New, seconds: i64) -> setup::Outcome {
    let session = session_of(user.id, Generation::FIRST, at(seconds));
    fixture
        .db
        .redeem_setup_token([letter; 32], user, session, admins(), anonymous(at(seconds)))
        .await
        .unwrap()
}

on_both! {
    fn a_token_creates_the_first_administrator_once_and_signs_them_in(fixture) {
        assert_eq!(fixture.db.issue_setup_token(setup_token(1, 0), admins(), false, anonymous(at(0))).await.unwrap(), setup::TokenIssue::Issued);
        let admin = new_user("admin@example.com", Role::ADMIN);
        let setup::Outcome::Created(user) = redeem(&fixture, 1, admin.clone(), 5).await else { panic!("created") };
        assert_eq!((user.id, user.role.clone(), user.last_login_at), (admin.id, Role::ADMIN, Some(at(5))));
        assert_eq!(fixture.number("SELECT count(*) AS n FROM sessions"), 1);
        assert_eq!(redeem(&fixture, 1, new_user("b@example.com", Role::ADMIN), 6).await, setup::Outcome::Closed);
        let issue = fixture.db.issue_setup_token(setup_token(2, 7), admins(), true, anonymous(at(0))).await.unwrap();
        assert_eq!(issue, setup::TokenIssue::AdministratorExists);
    }

    fn a_wrong_used_or_expired_token_is_refused(fixture) {
        fixture.db.issue_setup_token(setup_token(1, 0), admins(), false, anonymous(at(0))).await.unwrap();
        assert_eq!(redeem(&fixture, 2, new_user("a@example.com", Role::ADMIN), 1).await, setup::Outcome::InvalidToken);
        assert_eq!(redeem(&fixture, 1, new_user("a@example.com", Role::ADMIN), 900).await, setup::Outcome::InvalidToken);
        // Its user is no longer an administrator.
        let setup::Outcome::Created(admin) = redeem(&fixture, 1, new_user("a@example.com", Role::ADMIN), 2).await else { panic!() };
        fixture.execute(&format!("UPDATE users SET role = 'user' WHERE id = '{}'", admin.id));
        assert_eq!(redeem(&fixture, 1, new_user("b@example.com", Role::ADMIN), 3).await, setup::Outcome::InvalidToken);
        assert_eq!(fixture.number("SELECT count(*) AS n FROM users"), 1);
    }

    fn a_taken_address_leaves_the_token_valid(fixture) {
        fixture.db.issue_setup_token(setup_token(1, 0), admins(), false, anonymous(at(0))).await.unwrap();
        fixture.user("taken@example.com", Role::USER).await;
        assert_eq!(redeem(&fixture, 1, new_user("taken@example.com", Role::ADMIN), 1).await, setup::Outcome::EmailTaken);
        let outcome = redeem(&fixture, 1, new_user("free@example.com", Role::ADMIN), 2).await;
        assert!(matches!(outcome, setup::Outcome::Created(_)), "{outcome:?}");
    }

    fn one_token_is_valid_until_it_is_replaced_or_expires(fixture) {
        let issue = async |token, replace| fixture.db.issue_setup_token(token, admins(), replace, anonymous(at(0))).await.unwrap();
        assert_eq!(issue(setup_token(1, 0), false).await, setup::TokenIssue::Issued);
        assert_eq!(issue(setup_token(2, 1), false).await, setup::TokenIssue::AlreadyLive);
        assert_eq!(issue(setup_token(3, 2), true).await, setup::TokenIssue::Issued);
        assert_eq!(redeem(&fixture, 1, new_user("a@example.com", Role::ADMIN), 3).await, setup::Outcome::InvalidToken);
        assert_eq!(issue(setup_token(4, 902), false).await, setup::TokenIssue::Issued);
    }

    fn of_many_nodes_that_start_one_prints_a_token(fixture) {
        let issues = all((0..8).map(|n| {
            let db = fixture.db.clone();
            tokio::spawn(async move { db.issue_setup_token(setup_token(n, 0), admins(), false, anonymous(at(0))).await.unwrap() })
        })).await;
        assert_eq!(issues.iter().filter(|issue| **issue == setup::TokenIssue::Issued).count(), 1);
    }

    fn of_concurrent_redemptions_of_one_token_one_succeeds(fixture) {
        fixture.db.issue_setup_token(setup_token(1, 0), admins(), false, anonymous(at(0))).await.unwrap();
        let outcomes = all((0..16).map(|n| {
            let fixture = fixture.clone();
            tokio::spawn(async move { redeem(&fixture, 1, new_user(&format!("a{n}@example.com"), Role::ADMIN), 1).await })
        })).await;
        assert_eq!(outcomes.iter().filter(|o| matches!(o, setup::Outcome::Created(_))).count(), 1);
        assert!(outcomes.iter().all(|o| matches!(o, setup::Outcome::Created(_) | setup::Outcome::Closed)));
        assert_eq!(fixture.number("SELECT count(*) AS n FROM users"), 1);
    }
}
