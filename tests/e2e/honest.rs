//! No honest user meets a limit (docs/rules.md §7): a right password refunds what a guess would cost, and malformed input counts only
//! against a wide budget of its own.

use crate::limits::{from, limited_to, register, sign_in};
use reqwest::Method;
use serde_json::json;
use tests::{Backend, Builder, PASSWORD, TestApp, on_every_backend};

const OFFICE: &str = "192.0.2.1";

async fn staff(app: &TestApp, count: usize) {
    for n in 0..count {
        register(app, &format!("198.51.100.{n}"), &format!("n{n}"))
            .await
            .expect(201);
    }
}

on_every_backend! {
    async fn right_sign_ins_behind_one_ip_address_use_up_no_budget(backend) {
        let app = limited_to(backend, &[("sign_in_per_address", "10/1m"), ("service", "60/1h")]).await;
        staff(&app, 22).await;
        for n in 0..110 {
            sign_in(&app, OFFICE, &format!("n{}@example.com", n % 22), PASSWORD).await.expect(200);
        }
        // None of the ten permits is used up; a wrong password uses one up.
        for n in 0..10 {
            sign_in(&app, OFFICE, &format!("x{n}@example.com"), "wrong").await.expect(401);
        }
        sign_in(&app, OFFICE, "x@example.com", "wrong").await.expect(429);
    }

    async fn thirty_known_devices_of_an_office_get_in_at_nine(backend) {
        let app = limited_to(backend, &[("sign_in_per_address", "10/1m")]).await;
        let mut devices = Vec::new();
        for n in 0..30 {
            let answer = register(&app, OFFICE, &format!("n{n}")).await.expect(201);
            devices.push(answer.header("x-device-token").unwrap().to_owned());
        }
        for (n, device) in devices.iter().enumerate() {
            let anonymous = app.anonymous();
            let request = anonymous
                .request(Method::POST, "/login")
                .header("x-forwarded-for", OFFICE)
                .header("x-device-token", device)
                .json(&json!({ "email": format!("n{n}@example.com"), "password": PASSWORD }));
            anonymous.send(request).await.expect(200);
        }
    }

    async fn a_registration_that_is_refused_for_its_form_costs_none(backend) {
        let app = limited_to(backend, &[("register_per_address", "1/1h"), ("service", "1/1h")]).await;
        for password in ["Password123!", "short", "aaaaaaaaaaaa", "qwertyuiop", "ada@example.com"] {
            let body = json!({ "email": "ada@example.com", "password": password });
            from(&app, OFFICE, "/register", &body).await.expect(422);
        }
        for email in ["ada", "ada@", "@example.com"] {
            let body = json!({ "email": email, "password": PASSWORD });
            from(&app, OFFICE, "/register", &body).await.expect(422);
        }
        from(&app, OFFICE, "/register", &json!({ "email": 7 })).await.expect(422);
        let mut browser = app.browser();
        for _ in 0..3 {
            let fields = [("email", "eve@example.com"), ("password", "Password123!")];
            browser.submit("/register", "/register", &fields).await.expect(422);
        }
        register(&app, OFFICE, "ada").await.expect(201);
        register(&app, OFFICE, "bob").await.expect(429);
    }

    async fn a_sign_in_with_an_invalid_email_address_is_not_counted_as_a_guess(backend) {
        let limits = [("guesses_per_account", "2/1h"), ("sign_in_per_address", "2/1h"), ("service", "2/1h")];
        let app = limited_to(backend, &limits).await;
        app.user_of_role("ada", "user").await;
        for n in 0..6 {
            sign_in(&app, OFFICE, &format!("ada at example{n}"), PASSWORD).await.expect(401);
        }
        sign_in(&app, OFFICE, "ada@example.com", PASSWORD).await.expect(200);
    }

    async fn weak_passwords_at_a_reset_and_at_set_up_cost_none(backend) {
        let app = limited_to(backend, &[("sign_in_per_address", "1/1h"), ("mail_per_address", "1/1h")]).await;
        app.user_of_role("ada", "user").await;
        // An invalid email address requests no mail.
        for _ in 0..3 {
            from(&app, OFFICE, "/password/forgot", &json!({ "email": "ada at example" })).await.expect(202);
        }
        from(&app, OFFICE, "/password/forgot", &json!({ "email": "ada@example.com" })).await.expect(202);
        let token = app.link_to("ada@example.com", "reset").await;
        for _ in 0..4 {
            let body = json!({ "token": token, "new_password": "Password123!" });
            from(&app, OFFICE, "/password/reset", &body).await.expect(422);
        }
        let body = json!({ "token": token, "new_password": "another horse, another staple" });
        from(&app, OFFICE, "/password/reset", &body).await.expect(204);
        // An invalid token is a guess.
        from(&app, OFFICE, "/password/reset", &body).await.expect(400);
        from(&app, OFFICE, "/password/reset", &body).await.expect(429);
    }

    async fn a_weak_new_password_costs_none_of_the_changes(backend) {
        let app = limited_to(backend, &[("per_user", "2/1h")]).await;
        let ada = app.user("ada").await;
        for _ in 0..4 {
            let weak = json!({ "current_password": PASSWORD, "new_password": "Password123!" });
            ada.client.post("/password/change", &weak).await.expect(422);
        }
        let good = json!({ "current_password": PASSWORD, "new_password": "another horse, another staple" });
        ada.client.post("/password/change", &good).await.expect(204);
    }

    async fn malformed_requests_have_a_wide_budget_of_their_own(backend) {
        let app = limited_to(backend, &[("input_per_client", "3/1h")]).await;
        let weak = json!({ "email": "ada@example.com", "password": "Password123!" });
        for _ in 0..3 {
            from(&app, OFFICE, "/register", &weak).await.expect(422);
        }
        let refused = from(&app, OFFICE, "/register", &weak).await.expect(429);
        assert_eq!(refused.header("ratelimit-policy"), Some("\"input_per_client\";q=3;w=3600"));
        sign_in(&app, OFFICE, "ada at example", PASSWORD).await.expect(429);
        sign_in(&app, OFFICE, "ada@example.com", PASSWORD).await.expect(401);
    }

    async fn a_page_says_in_plain_words_when_to_try_again(backend) {
        let app = Builder::new(backend)
            .set("limits.enabled", "true")
            .set("limits.guesses_per_account", "5/1h")
            .set("limits.register_per_address", "1/1h")
            .start()
            .await;
        app.user("ada").await;
        let mut browser = app.browser();
        for _ in 0..5 {
            browser.sign_in("ada@example.com", "x").await.expect(401);
        }
        let refused = browser.sign_in("ada@example.com", "x").await.expect(429);
        assert!(refused.text.contains("Too many attempts. Try again in 12 minutes."), "{}", refused.text);
        let fields = [("email", "eve@example.com"), ("password", PASSWORD)];
        let refused = browser.submit("/register", "/register", &fields).await.expect(429);
        assert!(refused.text.contains("Too many attempts. Try again in 60 minutes."), "{}", refused.text);
        assert!(!refused.text.contains("Retry-After"), "{}", refused.text);
    }
}

/// The default limits are wide enough for a class behind one IP address.
#[tokio::test]
async fn a_class_of_thirty_registers_from_one_address() {
    let app = limited_to(Backend::Sqlite, &[]).await;
    for n in 0..30 {
        let weak = json!({ "email": format!("n{n}@example.com"), "password": "Password123!" });
        from(&app, OFFICE, "/register", &weak).await.expect(422);
        register(&app, OFFICE, &format!("n{n}")).await.expect(201);
    }
}
