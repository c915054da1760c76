//! Account takeover: a thief who got into an account, or a stranger who registered its address first, tries to keep access.

use auth_domain::time::Span;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Builder, PASSWORD, TestApp, User, on_every_backend};

const THIEFS: &str = "the thief's own horse";
const OWNERS: &str = "the owner's new horse";

async fn login(app: &TestApp, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    app.anonymous().post("/login", &body).await
}

async fn report(app: &TestApp, token: &str) -> Answer {
    app.anonymous().post("/not-me", &json!({ "token": token })).await
}

async fn verify(app: &TestApp, token: &str) -> Answer {
    let body = json!({ "token": token, "current_password": PASSWORD });
    app.anonymous().post("/email/verify", &body).await
}

/// The owner of an address opens a link that a stranger caused to be mailed there. The owner does not know the account's password.
async fn click(app: &TestApp, token: &str) -> Answer {
    app.anonymous()
        .post("/email/verify", &json!({ "token": token }))
        .await
}

async fn register(app: &TestApp, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    app.anonymous().post("/register", &body).await
}

async fn reset_by_mail(app: &TestApp, email: &str, password: &str) {
    app.clock.advance(Span::seconds(1));
    let body = json!({ "email": email });
    app.anonymous().post("/password/forgot", &body).await.expect(202);
    let token = app.link_to(email, "reset").await;
    let body = json!({ "token": token, "new_password": password });
    app.anonymous().post("/password/reset", &body).await.expect(204);
}

/// Moves a user to another email address of their own.
async fn move_to(app: &TestApp, user: &User, email: &str) -> User {
    let change = json!({ "new_email": email, "current_password": PASSWORD });
    user.client.post("/email/change", &change).await.expect(202);
    verify(app, &app.link_to(email, "verify-email").await)
        .await
        .expect(204);
    app.clock.advance(Span::seconds(1));
    app.login(email).await
}

async fn key_of(user: &User, body: &Value) -> String {
    user.client.post("/api-keys", body).await.expect(201).field("key")
}

on_every_backend! {
    /// docs/rules.md §5.
    async fn a_strangers_registration_gives_them_nothing_once_the_owner_confirms_the_address(backend) {
        let app = TestApp::start(backend).await;
        let stranger = app.user("ada").await;
        let key = key_of(&stranger, &json!({ "name": "stranger's" })).await;
        stranger.client.send(stranger.client.request(Method::PATCH, "/me").json(&json!({ "name": "Call 555 now" }))).await.expect(200);
        let change = json!({ "new_email": "thief@example.com", "current_password": PASSWORD });
        stranger.client.post("/email/change", &change).await.expect(202);
        let moved = app.link_to("thief@example.com", "verify-email").await;
        let link = app.link_to("ada@example.com", "verify-email").await;
        // Opening the page alone changes nothing, and does not use the link up.
        for _ in 0..2 {
            assert_eq!(click(&app, &link).await.expect(422).code(), "password_required");
        }
        let other = app.user("eve").await;
        other.client.post("/email/verify", &json!({ "token": link })).await.expect(422);
        assert_eq!(stranger.client.get("/me").await.expect(200).json()["email_verified"], false);

        app.clock.advance(Span::seconds(1));
        let weak = json!({ "token": link, "new_password": "password" });
        assert_eq!(app.anonymous().post("/email/verify", &weak).await.expect(422).code(), "weak_password");
        let wrong = json!({ "token": link, "current_password": OWNERS });
        assert_eq!(app.anonymous().post("/email/verify", &wrong).await.expect(403).code(), "wrong_current_password");
        let both = json!({ "token": link, "current_password": PASSWORD, "new_password": OWNERS });
        assert_eq!(app.anonymous().post("/email/verify", &both).await.expect(422).code(), "invalid_input");
        let chosen = json!({ "token": link, "new_password": OWNERS });
        let confirmed = app.anonymous().post("/email/verify", &chosen).await.expect(204);
        assert!(confirmed.header("x-device-token").is_some(), "this device is known from now on");

        stranger.client.get("/me").await.expect(401);
        app.refresh(&stranger.refresh).await.expect(401);
        app.anonymous().with_bearer(&key).get("/me").await.expect(401);
        login(&app, "ada@example.com", PASSWORD).await.expect(401);
        verify(&app, &moved).await.expect(400);
        let owner = login(&app, "ada@example.com", OWNERS).await.expect(200);
        assert_eq!(owner.json()["user"]["email_verified"], true);
        assert_eq!(owner.json()["user"]["name"], Value::Null, "nothing that the stranger chose is left");
    }

    async fn a_user_who_types_the_registration_password_keeps_it_and_nothing_else(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let key = key_of(&ada, &json!({ "name": "backup" })).await;
        verify(&app, &app.link_to("ada@example.com", "verify-email").await).await.expect(204);
        app.refresh(&ada.refresh).await.expect(401);
        app.anonymous().with_bearer(&key).get("/me").await.expect(401);
        login(&app, "ada@example.com", PASSWORD).await.expect(200);
    }

    async fn only_the_session_that_confirms_continues(backend) {
        let app = TestApp::start(backend).await;
        let (ada, other) = (app.user("ada").await, app.login("ada@example.com").await);
        let link = app.link_to("ada@example.com", "verify-email").await;
        ada.client.post("/email/verify", &json!({ "token": link })).await.expect(204);
        app.refresh(&other.refresh).await.expect(401);
        let ada = app.signed_in(&ada.email, &app.refresh(&ada.refresh).await.expect(200));
        ada.client.get("/me").await.expect(200);
        login(&app, "ada@example.com", PASSWORD).await.expect(200);
    }

    async fn a_click_completes_no_registration_that_waits_for_its_address(backend) {
        let app = Builder::new(backend)
            .set("registration.require_verified_email", "true")
            .start()
            .await;
        register(&app, "ada@example.com", THIEFS).await.expect(202);
        let link = app.link_to("ada@example.com", "verify-email").await;
        assert_eq!(click(&app, &link).await.expect(422).code(), "password_required");
        assert_eq!(login(&app, "ada@example.com", THIEFS).await.expect(403).code(), "email_not_verified");
        let chosen = json!({ "token": link, "new_password": OWNERS });
        app.anonymous().post("/email/verify", &chosen).await.expect(204);
        login(&app, "ada@example.com", THIEFS).await.expect(401);
        login(&app, "ada@example.com", OWNERS).await.expect(200);
    }

    /// The same attack in another way: the stranger has an account of their own, and moves it to another user's address.
    async fn a_click_moves_no_account_to_the_address_of_the_user_who_clicked(backend) {
        let app = TestApp::start(backend).await;
        let thief = app.user("thief").await;
        let change = json!({ "new_email": "ada@example.com", "current_password": PASSWORD });
        thief.client.post("/email/change", &change).await.expect(202);
        let link = app.link_to("ada@example.com", "verify-email").await;
        assert_eq!(click(&app, &link).await.expect(422).code(), "password_required");
        let chosen = json!({ "token": link, "new_password": OWNERS });
        assert_eq!(app.anonymous().post("/email/verify", &chosen).await.expect(422).code(), "password_required");
        login(&app, "ada@example.com", PASSWORD).await.expect(401);
        thief.client.post("/email/verify", &json!({ "token": link })).await.expect(204);
        login(&app, "ada@example.com", PASSWORD).await.expect(200);
    }

    /// A session that ended may have requested the change (docs/accounts.md).
    async fn a_pending_change_of_address_ends_with_the_sessions_that_end(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let change = json!({ "new_email": "thief@example.com", "current_password": PASSWORD });
        ada.client.post("/email/change", &change).await.expect(202);
        let moved = app.link_to("thief@example.com", "verify-email").await;
        ada.client.post_nothing("/logout-all").await.expect(200);
        assert_eq!(verify(&app, &moved).await.expect(400).code(), "invalid_or_expired_token");
    }

    async fn requests_made_under_a_stolen_session_end_with_it(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let key = key_of(&ada, &json!({ "name": "thief's" })).await;
        let change = json!({ "new_email": "thief@example.com", "current_password": PASSWORD });
        ada.client.post("/email/change", &change).await.expect(202);
        let confirm = app.link_to("thief@example.com", "verify-email").await;
        ada.client.send(ada.client.request(Method::PATCH, "/me").json(&json!({ "name": "Call 555 now" }))).await.expect(200);
        reset_by_mail(&app, "ada@example.com", OWNERS).await;
        app.anonymous().with_bearer(&key).get("/me").await.expect(401);
        verify(&app, &confirm).await.expect(400);
        for path in ["/password/change", "/email/change"] {
            let body = json!({ "current_password": PASSWORD, "new_password": THIEFS, "new_email": "thief@example.com" });
            ada.client.post(path, &body).await.expect(401);
        }
        let owner = login(&app, "ada@example.com", OWNERS).await.expect(200);
        assert_eq!(owner.json()["user"]["name"], Value::Null, "a reset of an unconfirmed address is a first confirmation");
        let notice = app.mail_containing("ada@example.com", "API key").await;
        assert!(notice.text.contains("/not-me?token="), "{}", notice.text);
    }

    /// A thief who moves the account twice gets a "this was not me" link of their own. It must not override the owner's.
    async fn the_owners_link_brings_the_address_back_however_often_a_thief_moved_and_reported(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let thief = move_to(&app, &ada, "thief@example.com").await;
        let owners = app.mail_containing("ada@example.com", "no longer go").await.token("not-me");
        move_to(&app, &thief, "second@example.com").await;
        let thiefs = app.mail_containing("thief@example.com", "no longer go").await.token("not-me");
        report(&app, &thiefs).await.expect(204);
        report(&app, &owners).await.expect(204);
        app.clock.advance(Span::seconds(1));
        report(&app, &thiefs).await.expect(400);
        for lost in ["thief@example.com", "second@example.com"] {
            login(&app, lost, PASSWORD).await.expect(401);
        }
        reset_by_mail(&app, "ada@example.com", OWNERS).await;
        login(&app, "ada@example.com", OWNERS).await.expect(200);
    }

    /// The link of a notice from before the change of address brings the account back as well.
    async fn an_earlier_notice_to_the_owner_brings_the_address_back(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let thief = app.anonymous();
        let request = thief
            .request(Method::POST, "/login")
            .header("user-agent", "thief/1")
            .json(&json!({ "email": "ada@example.com", "password": PASSWORD }));
        let thief = app.signed_in("ada@example.com", &thief.send(request).await.expect(200));
        let noticed = app.mail_containing("ada@example.com", "/not-me?token=").await.token("not-me");
        app.clock.advance(Span::seconds(1));
        let thief = move_to(&app, &thief, "thief@example.com").await;
        report(&app, &noticed).await.expect(204);
        thief.client.get("/me").await.expect(401);
        reset_by_mail(&app, "ada@example.com", OWNERS).await;
        login(&app, "ada@example.com", OWNERS).await.expect(200);
    }

    async fn no_registration_takes_over_an_account_that_an_administrator_created(backend) {
        let app = Builder::new(backend)
            .set("registration.require_verified_email", "true")
            .start()
            .await;
        let root = app.admin("root").await;
        let body = json!({ "email": "boss@example.com", "role": "admin" });
        root.client.post("/admin/users", &body).await.expect(201);
        register(&app, "boss@example.com", THIEFS).await.expect(202);
        let mails = app.mails_to("boss@example.com").await;
        let links = mails.iter().filter(|mail| mail.text.contains("/verify-email?token=")).count();
        assert_eq!(links, 0, "no link completes a stranger's registration: {mails:#?}");
        reset_by_mail(&app, "boss@example.com", OWNERS).await;
        login(&app, "boss@example.com", THIEFS).await.expect(401);
        login(&app, "boss@example.com", OWNERS).await.expect(200);
    }

    async fn registrations_with_an_owners_address_void_none_of_their_reset_links(backend) {
        let app = Builder::new(backend)
            .set("limits.enabled", "true")
            .set("registration.require_verified_email", "true")
            .set("limits.register_per_address", "100/1h")
            .set("limits.mail_per_address", "100/1h")
            .start()
            .await;
        register(&app, "ada@example.com", PASSWORD).await.expect(202);
        verify(&app, &app.link_to("ada@example.com", "verify-email").await).await.expect(204);
        let before = app.mails_to("ada@example.com").await.len();
        for _ in 0..10 {
            register(&app, "ada@example.com", THIEFS).await.expect(202);
        }
        let sent = app.mails_to("ada@example.com").await.len() - before;
        assert!((1..=5).contains(&sent), "{sent} mails");
        reset_by_mail(&app, "ada@example.com", OWNERS).await;
    }

    /// The holder of a revoked refresh token of an account must not be able to keep its owner from refreshing.
    async fn a_revoked_refresh_token_takes_nothing_of_its_owners_budget(backend) {
        let app = Builder::new(backend)
            .set("limits.enabled", "true")
            .set("limits.per_user", "5/1h")
            .start()
            .await;
        let (stolen, ada) = (app.user("ada").await, app.login("ada@example.com").await);
        stolen.client.post_nothing("/logout").await.expect(200);
        let answers = [401, 401, 401, 401, 401, 429, 429];
        for status in answers {
            app.refresh(&stolen.refresh).await.expect(status);
        }
        app.refresh(&ada.refresh).await.expect(200);
    }

    /// Anyone may have registered an unverified address, so the owner of the address must not be flooded with notices.
    async fn notices_to_an_unverified_address_are_few(backend) {
        let app = Builder::new(backend)
            .set("limits.enabled", "true")
            .set("limits.sign_in_per_address", "1000/1h")
            .start()
            .await;
        app.user("ada").await;
        for n in 0..12 {
            let anonymous = app.anonymous();
            let request = anonymous
                .request(Method::POST, "/login")
                .header("user-agent", format!("agent {n}"))
                .json(&json!({ "email": "ada@example.com", "password": PASSWORD }));
            anonymous.send(request).await.expect(200);
        }
        let sent = async |email| {
            let mails = app.mails_to(email).await;
            mails.into_iter().filter(|mail| mail.subject.contains("new device")).count()
        };
        assert_eq!(sent("ada@example.com").await, 5);
        // Once it is verified, its owner gets a notice of each.
        verify(&app, &app.link_to("ada@example.com", "verify-email").await).await.expect(204);
        for n in 12..20 {
            let anonymous = app.anonymous();
            let request = anonymous
                .request(Method::POST, "/login")
                .header("user-agent", format!("agent {n}"))
                .json(&json!({ "email": "ada@example.com", "password": PASSWORD }));
            anonymous.send(request).await.expect(200);
        }
        assert_eq!(sent("ada@example.com").await, 13);
    }

    async fn no_administrator_grants_a_role_with_more_permissions_than_their_own(backend) {
        let app = Builder::new(backend)
            .set("roles.support", r#"["users:read", "users:write"]"#)
            .start()
            .await;
        let (root, sue, ada) = (app.admin("root").await, app.user_of_role("sue", "support").await, app.user("ada").await);
        let key = key_of(&root, &json!({ "name": "sync", "permissions": ["users:read", "users:write"] })).await;
        let script = app.anonymous().with_bearer(&key);
        let path = format!("/admin/users/{}", ada.id);
        for client in [&sue.client, &script] {
            let promote = client.patch(&path, &json!({ "role": "admin" })).await.expect(403);
            assert_eq!(promote.code(), "permission_not_held");
            let made = json!({ "email": "mine@example.com", "role": "admin" });
            assert_eq!(client.post("/admin/users", &made).await.expect(403).code(), "permission_not_held");
            client.patch(&path, &json!({ "role": "support" })).await.expect(200);
            client.patch(&path, &json!({ "role": "user" })).await.expect(200);
        }
        assert_eq!(app.anonymous().with_bearer(&key).get("/admin/users?query=mine").await.json()["items"], json!([]));
        // An API key creates no API key, and has no role for a service that demands one.
        assert_eq!(script.post("/api-keys", &json!({ "name": "more" })).await.status, 401);
        script.get("/verify?role=admin").await.expect(403);
    }

    /// A thief who knows the password must not be able to void the owner's reset link by signing in again and again.
    async fn a_stranger_who_signs_in_voids_no_reset_link(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        app.clock.advance(Span::seconds(1));
        app.anonymous().post("/password/forgot", &json!({ "email": "ada@example.com" })).await.expect(202);
        app.clock.advance(Span::seconds(1));
        login(&app, "ada@example.com", PASSWORD).await.expect(200);
        let token = app.link_to("ada@example.com", "reset").await;
        login(&app, "ada@example.com", PASSWORD).await.expect(200);
        let body = json!({ "token": token, "new_password": OWNERS });
        app.anonymous().post("/password/reset", &body).await.expect(204);
        login(&app, "ada@example.com", PASSWORD).await.expect(401);
    }

    /// An export lists what was done to an account, and not the IP addresses of the staff who did it.
    async fn an_export_reveals_no_other_users_address(backend) {
        let app = TestApp::start(backend).await;
        let (root, ada) = (app.admin("root").await, app.user("ada").await);
        let path = format!("/admin/users/{}", ada.id);
        root.client.patch(&path, &json!({ "name": "Ada" })).await.expect(200);
        let export = ada.client.get("/me/export").await.expect(200);
        assert!(!export.text.contains(&root.id), "{}", export.text);
        let events = export.json()["audit"].as_array().unwrap().clone();
        let changed = events.iter().find(|event| event["action"] == "user_updated").unwrap();
        assert_eq!((&changed["ip"], &changed["request_id"]), (&Value::Null, &Value::Null));
        let registered = events.iter().find(|event| event["action"] == "registered").unwrap();
        assert_eq!(registered["ip"], "127.0.0.1");
    }
}
