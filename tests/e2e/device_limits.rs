//! The limits of known devices and of a user's sessions (docs/rules.md §7): each has a budget of its own, all of them have one ceiling,
//! and unknown devices can't use them up.

use crate::limits::{from, limited, limited_to, register, sign_in};
use auth_domain::time::Span;
use reqwest::Method;
use serde_json::json;
use tests::{Builder, PASSWORD, on_every_backend};

on_every_backend! {
    async fn a_device_token_is_good_for_its_user_alone(backend) {
        let app = limited(backend).await;
        let eve = register(&app, "192.0.2.66", "eve").await.expect(201);
        register(&app, "192.0.2.5", "ada").await.expect(201);
        let device = eve.header("x-device-token").unwrap();
        let mut codes = Vec::new();
        for n in 0..12 {
            let anonymous = app.anonymous();
            let request = anonymous
                .request(Method::POST, "/login")
                .header("x-forwarded-for", format!("10.0.1.{n}"))
                .header("x-device-token", device)
                .json(&json!({ "email": "ada@example.com", "password": "wrong" }));
            codes.push(anonymous.send(request).await.status);
        }
        assert_eq!(codes.iter().filter(|code| **code == 401).count(), 10, "{codes:?}");
    }

    async fn the_budget_of_the_whole_service_is_for_unknown_devices_and_never_for_refreshes(backend) {
        let app = Builder::new(backend)
            .set("limits.enabled", "true")
            .set("limits.service", "4/1h")
            .set("limits.sign_in_per_address", "2/1h")
            .set("server.trusted_proxies", r#"["127.0.0.1/32"]"#)
            .start()
            .await;
        let ada = register(&app, "192.0.2.1", "ada").await.expect(201);
        let device = ada.header("x-device-token").unwrap();
        sign_in(&app, "192.0.2.2", "n1@example.com", "wrong").await.expect(401);
        sign_in(&app, "192.0.2.2", "n2@example.com", "wrong").await.expect(401);
        // A request that the limit of its IP address refuses takes nothing of the whole service's budget.
        for _ in 0..5 {
            let refused = sign_in(&app, "192.0.2.2", "n3@example.com", "wrong").await.expect(429);
            assert!(refused.header("ratelimit").unwrap().contains("sign_in_per_address"));
        }
        sign_in(&app, "192.0.2.3", "n4@example.com", "wrong").await.expect(401);
        let refused = sign_in(&app, "192.0.2.4", "n5@example.com", "wrong").await.expect(429);
        assert_eq!(refused.header("ratelimit-policy"), Some("\"service\";q=4;w=3600"));
        register(&app, "192.0.2.5", "bob").await.expect(429);
        from(&app, "192.0.2.6", "/password/forgot", &json!({ "email": "ada@example.com" })).await.expect(429);
        let anonymous = app.anonymous();
        let request = anonymous
            .request(Method::POST, "/login")
            .header("x-forwarded-for", "192.0.2.7")
            .header("x-device-token", device)
            .json(&json!({ "email": "ada@example.com", "password": PASSWORD }));
        anonymous.send(request).await.expect(200);
        app.refresh(&ada.field("refresh_token")).await.expect(200);
    }

    async fn a_known_device_has_a_budget_of_its_own(backend) {
        let app = limited(backend).await;
        let ada = register(&app, "192.0.2.5", "ada").await.expect(201);
        let device = ada.header("x-device-token").unwrap();
        let guess = async |password: &str, n: usize| {
            let anonymous = app.anonymous();
            let request = anonymous
                .request(Method::POST, "/login")
                .header("x-forwarded-for", format!("10.0.2.{n}"))
                .header("x-device-token", device)
                .json(&json!({ "email": "ada@example.com", "password": password }));
            anonymous.send(request).await
        };
        for n in 0..10 {
            guess("wrong", n).await.expect(401);
        }
        let refused = guess(PASSWORD, 11).await.expect(429);
        assert_eq!(refused.header("ratelimit-policy"), Some("\"guesses_per_device\";q=10;w=3600"));
        sign_in(&app, "10.0.2.99", "ada@example.com", PASSWORD).await.expect(200);
    }

    /// Thirty sign-ins give thirty device tokens. A thief of all of them has one budget, not thirty.
    async fn all_known_devices_of_an_account_have_one_ceiling(backend) {
        let app = limited_to(backend, &[("guesses_over_devices", "12/1d")]).await;
        let ada = register(&app, "192.0.2.5", "ada").await.expect(201);
        let session = app.signed_in("ada@example.com", &ada);
        let own = ada.header("x-device-token").unwrap().to_owned();
        let mut stolen = Vec::new();
        for _ in 0..4 {
            let answer = sign_in(&app, "192.0.2.5", "ada@example.com", PASSWORD).await.expect(200);
            stolen.push(answer.header("x-device-token").unwrap().to_owned());
        }
        let on = async |device: &str, password: &str| {
            let anonymous = app.anonymous();
            let request = anonymous
                .request(Method::POST, "/login")
                .header("x-forwarded-for", "10.0.3.1")
                .header("x-device-token", device)
                .json(&json!({ "email": "ada@example.com", "password": password }));
            anonymous.send(request).await
        };
        let mut codes = Vec::new();
        for n in 0..20 {
            codes.push(on(&stolen[n % 4], "wrong").await.status);
        }
        assert_eq!(codes.iter().filter(|code| **code == 401).count(), 12, "{codes:?}");
        // The ceiling applies even if a device has some of its own budget left.
        let refused = on(&own, PASSWORD).await.expect(429);
        assert_eq!(refused.header("ratelimit-policy"), Some("\"guesses_over_devices\";q=12;w=86400"));
        // A device without a token is not counted with them, and a session is still asked for its password.
        sign_in(&app, "10.0.3.2", "ada@example.com", PASSWORD).await.expect(200);
        let change = json!({ "current_password": PASSWORD, "new_password": "another horse, another staple" });
        app.clock.advance(Span::seconds(1));
        let changed = session.client.post("/password/change", &change).await.expect(204);
        // A password change recovers the account: the stolen device tokens are unknown, and the device of the change has its own count.
        on(changed.header("x-device-token").unwrap(), "another horse, another staple").await.expect(200);
        assert_eq!(on(&stolen[0], "wrong").await.status, 401);
        // A reset recovers the account as well: the devices known from then on have a count of their own.
        app.clock.advance(Span::seconds(1));
        from(&app, "10.0.3.3", "/password/forgot", &json!({ "email": "ada@example.com" })).await.expect(202);
        let body = json!({ "token": app.link_to("ada@example.com", "reset").await, "new_password": PASSWORD });
        let reset = from(&app, "10.0.3.3", "/password/reset", &body).await.expect(204);
        on(reset.header("x-device-token").unwrap(), PASSWORD).await.expect(200);
    }

    async fn all_sessions_of_a_user_have_one_ceiling_when_the_password_is_asked_for(backend) {
        let app = limited_to(backend, &[("guesses_over_devices", "12/1d")]).await;
        let mut sessions = vec![app.user("ada").await];
        for _ in 0..3 {
            sessions.push(app.login("ada@example.com").await);
        }
        let mut codes = Vec::new();
        for n in 0..20 {
            let change = json!({ "current_password": "wrong", "new_password": "another horse, another staple" });
            codes.push(sessions[n % 4].client.post("/password/change", &change).await.status);
        }
        assert_eq!(codes.iter().filter(|code| **code == 403).count(), 12, "{codes:?}");
    }

    /// Without a device token a stranger can't use up the budget of a known device.
    async fn no_unknown_device_keeps_a_known_device_out_even_behind_the_same_ip_address(backend) {
        let limits = [
            ("sign_in_per_address", "5/1h"),
            ("service", "8/1h"),
            ("input_per_client", "5/1h"),
            ("guesses_per_account", "5/1h"),
            ("register_per_address", "2/1h"),
        ];
        let app = limited_to(backend, &limits).await;
        let ada = register(&app, "192.0.2.5", "ada").await.expect(201);
        let device = ada.header("x-device-token").unwrap();
        for n in 0..30 {
            let address = if n % 2 == 0 { "192.0.2.5" } else { "192.0.2.6" };
            sign_in(&app, address, "ada@example.com", "wrong").await;
            sign_in(&app, address, &format!("n{n}@example.com"), "wrong").await;
            sign_in(&app, address, "no address", "wrong").await;
        }
        sign_in(&app, "192.0.2.5", "ada@example.com", PASSWORD).await.expect(429);
        let anonymous = app.anonymous();
        let request = anonymous
            .request(Method::POST, "/login")
            .header("x-forwarded-for", "192.0.2.5")
            .header("x-device-token", device)
            .json(&json!({ "email": "ada@example.com", "password": PASSWORD }));
        anonymous.send(request).await.expect(200);
    }
}
