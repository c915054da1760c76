//! What the limits refuse, and the throttling of guesses (docs/rules.md §7). What they must not refuse: `honest.rs`.

use auth_domain::time::Span;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Backend, Builder, PASSWORD, TestApp, on_every_backend};

/// A server with its limits on, behind a proxy that forwards the clients' IP addresses.
pub(crate) async fn limited(backend: Backend) -> TestApp {
    limited_to(backend, &[]).await
}

/// The same with some limits set by the test.
pub(crate) async fn limited_to(backend: Backend, limits: &[(&str, &str)]) -> TestApp {
    let builder = Builder::new(backend)
        .set("limits.enabled", "true")
        // A long timeout, so that a busy machine never makes a node count in its own memory instead of in Redis.
        .set("limits.timeout", "5s")
        .set("server.trusted_proxies", r#"["127.0.0.1/32"]"#);
    let set = |builder: Builder, (name, limit): &(&str, &str)| builder.set(&format!("limits.{name}"), limit);
    limits.iter().fold(builder, set).start().await
}

/// Ten wrong passwords a minute from an IP address.
const TEN_A_MINUTE: [(&str, &str); 1] = [("sign_in_per_address", "10/1m")];

/// A request from an IP address.
pub(crate) async fn from(app: &TestApp, address: &str, path: &str, body: &Value) -> Answer {
    let anonymous = app.anonymous();
    let request = anonymous
        .request(Method::POST, path)
        .header("x-forwarded-for", address);
    anonymous.send(request.json(body)).await
}

pub(crate) async fn sign_in(app: &TestApp, address: &str, email: &str, password: &str) -> Answer {
    from(
        app,
        address,
        "/login",
        &json!({ "email": email, "password": password }),
    )
    .await
}

pub(crate) async fn register(app: &TestApp, address: &str, name: &str) -> Answer {
    let body = json!({ "email": format!("{name}@example.com"), "password": PASSWORD });
    from(app, address, "/register", &body).await
}

fn retry_after(answer: &Answer) -> i64 {
    answer.header("retry-after").unwrap().parse().unwrap()
}

on_every_backend! {
    async fn an_ip_address_has_the_configured_number_of_guesses_and_a_retry_after(backend) {
        let app = limited_to(backend, &TEN_A_MINUTE).await;
        for n in 0..10 {
            let answer = sign_in(&app, "192.0.2.1", &format!("nobody{n}@example.com"), "wrong").await;
            assert_eq!(answer.status, 401, "{n}");
        }
        let refused = sign_in(&app, "192.0.2.1", "nobody@example.com", "wrong").await.expect(429);
        assert_eq!(refused.code(), "rate_limited");
        assert_eq!(retry_after(&refused), 6);
        assert_eq!(refused.json()["retry_after"], json!(6));
        assert_eq!(refused.field("detail"), "Too many attempts. Try again in 6 seconds.");
        assert_eq!(refused.header("ratelimit"), Some("\"sign_in_per_address\";r=0;t=6"));
        assert_eq!(refused.header("ratelimit-policy"), Some("\"sign_in_per_address\";q=10;w=60"));
        sign_in(&app, "192.0.2.2", "nobody@example.com", "wrong").await.expect(401);
        app.clock.advance(Span::seconds(6));
        sign_in(&app, "192.0.2.1", "nobody@example.com", "wrong").await.expect(401);
        sign_in(&app, "192.0.2.1", "nobody@example.com", "wrong").await.expect(429);
    }

    async fn an_ipv6_client_has_one_budget_whichever_of_its_addresses_it_uses(backend) {
        let app = limited_to(backend, &TEN_A_MINUTE).await;
        for n in 0..10 {
            sign_in(&app, &format!("2001:db8:1:2::{n}"), &format!("nobody{n}@example.com"), "wrong").await.expect(401);
        }
        sign_in(&app, "2001:db8:1:2:ffff::1", "other@example.com", "wrong").await.expect(429);
        sign_in(&app, "2001:db8:1:3::1", "other@example.com", "wrong").await.expect(401);
    }

    async fn forwarded_headers_of_an_untrusted_peer_change_nothing(backend) {
        let app = Builder::new(backend)
            .set("limits.enabled", "true")
            .set("limits.sign_in_per_address", "10/1m")
            .start()
            .await;
        let mut statuses = Vec::new();
        for n in 0..12 {
            let anonymous = app.anonymous();
            let request = anonymous
                .request(Method::POST, "/login")
                .header("x-forwarded-for", format!("10.0.0.{n}"))
                .header("forwarded", format!("for=10.0.0.{n}"))
                .header("x-real-ip", format!("10.0.0.{n}"))
                .header("true-client-ip", "\u{fffd}garbage")
                .json(&json!({ "email": format!("n{n}@example.com"), "password": "wrong" }));
            statuses.push(anonymous.send(request).await.status);
        }
        assert_eq!(statuses, [401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 429, 429]);
    }

    async fn registrations_and_mails_are_counted_an_address_and_a_recipient(backend) {
        let app = limited_to(backend, &[("register_per_address", "5/1h"), ("mail_per_address", "5/1h")]).await;
        for n in 0..5 {
            register(&app, "192.0.2.1", &format!("ada{n}")).await.expect(201);
        }
        let refused = register(&app, "192.0.2.1", "ada5").await.expect(429);
        assert_eq!(refused.header("ratelimit-policy"), Some("\"register_per_address\";q=5;w=3600"));
        for n in 0..8 {
            let address = format!("198.51.100.{n}");
            from(&app, &address, "/password/forgot", &json!({ "email": "ada0@example.com" })).await.expect(202);
            // Sent one by one, because a newer mail voids an older one that still waits.
            app.mails_to("ada0@example.com").await;
            app.clock.advance(Span::seconds(1));
        }
        let mails = app.mails_to("ada0@example.com").await;
        assert_eq!(mails.iter().filter(|mail| mail.text.contains("/reset?token=")).count(), 5);
        for _ in 0..5 {
            from(&app, "192.0.2.9", "/password/forgot", &json!({ "email": "x@example.com" })).await.expect(202);
        }
        from(&app, "192.0.2.9", "/password/forgot", &json!({ "email": "y@example.com" })).await.expect(429);
        sign_in(&app, "192.0.2.9", "ada0@example.com", PASSWORD).await.expect(200);
    }

    async fn a_signed_in_user_has_a_hundred_an_hour_and_reads_are_free(backend) {
        let app = limited(backend).await;
        let ada = app.user("ada").await;
        let mut token = ada.refresh.clone();
        for n in 0..100 {
            let answer = app.refresh(&token).await;
            assert_eq!(answer.status, 200, "{n}: {}", answer.text);
            token = answer.field("refresh_token");
        }
        let refused = app.refresh(&token).await.expect(429);
        assert_eq!(refused.header("ratelimit-policy"), Some("\"per_user\";q=100;w=3600"));
        let oauth = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let oauth = app.anonymous().form("/token", &oauth).await.expect(429);
        assert_eq!(oauth.field("error"), "temporarily_unavailable");
        assert!(oauth.header("ratelimit").is_some());
        assert_eq!(oauth.json()["retry_after"], json!(retry_after(&oauth)));
        assert!(oauth.field("error_description").starts_with("Too many attempts. Try again in "));
        for _ in 0..120 {
            ada.client.get("/verify").await.expect(204);
            ada.client.get("/me").await.expect(200);
        }
        app.clock.advance(Span::seconds(retry_after(&refused)));
        app.refresh(&token).await.expect(200);
    }

    async fn of_two_hundred_parallel_guesses_at_most_ten_are_verified(backend) {
        let app = limited(backend).await;
        app.user("ada").await;
        let guesses = (0..200).map(|n| {
            let app = &app;
            async move { sign_in(app, &format!("10.1.{}.{}", n / 100, n % 100), "ada@example.com", &format!("wrong {n}")).await }
        });
        let answers = futures::future::join_all(guesses).await;
        let evaluated = answers.iter().filter(|answer| answer.status == 401).count();
        assert!((1..=10).contains(&evaluated), "{evaluated}");
        assert!(answers.iter().all(|answer| [401, 429, 503].contains(&answer.status)));
        assert!(answers.iter().any(|answer| answer.status == 429));
    }

    async fn guesses_at_a_known_and_an_unknown_address_are_slowed_down_alike(backend) {
        let app = limited(backend).await;
        app.user("ada").await;
        for email in ["ada@example.com", "nobody@example.com"] {
            let mut codes = Vec::new();
            for n in 0..12 {
                // Every spelling of the email address is the same account.
                let spelt = if n % 2 == 0 { email.to_uppercase() } else { email.to_owned() };
                codes.push(sign_in(&app, &format!("10.0.0.{n}"), &spelt, "wrong").await.status);
            }
            assert_eq!(codes, [401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 429, 429], "{email}");
        }
        // The right password from an unknown device has to wait like the wrong ones, and works after the wait.
        let waits = sign_in(&app, "10.9.9.9", "ada@example.com", PASSWORD).await.expect(429);
        assert_eq!(waits.header("ratelimit-policy"), Some("\"guesses_per_account\";q=10;w=3600"));
        app.clock.advance(Span::seconds(retry_after(&waits)));
        sign_in(&app, "10.9.9.9", "ada@example.com", PASSWORD).await.expect(200);
        // It was no guess, so it cost nothing; nor did it refund the guesses.
        sign_in(&app, "10.9.9.8", "ada@example.com", "wrong").await.expect(401);
        sign_in(&app, "10.9.9.7", "ada@example.com", "wrong").await.expect(429);
    }

    async fn every_way_to_ask_for_the_password_counts_on_one_counter(backend) {
        let app = limited(backend).await;
        let ada = app.user("ada").await;
        let change = json!({ "current_password": "wrong", "new_password": "another horse, another staple" });
        for _ in 0..5 {
            ada.client.post("/password/change", &change).await.expect(403);
        }
        for n in 0..5 {
            let fields = [("grant_type", "password"), ("username", "ada@example.com"), ("password", "wrong")];
            let anonymous = app.anonymous();
            let request = anonymous.request(Method::POST, "/token").header("x-forwarded-for", format!("10.2.0.{n}"));
            anonymous.send(request.form(&fields)).await.expect(400);
        }
        sign_in(&app, "10.3.0.1", "ada@example.com", PASSWORD).await.expect(429);
        // The owner's session continues.
        let good = json!({ "current_password": PASSWORD, "new_password": "another horse, another staple" });
        ada.client.post("/password/change", &good).await.expect(204);
    }

    async fn other_accounts_failures_give_nothing_back(backend) {
        let app = limited(backend).await;
        app.user("ada").await;
        for n in 0..10 {
            sign_in(&app, &format!("10.0.0.{n}"), "ada@example.com", "wrong").await.expect(401);
        }
        for n in 0..300 {
            let address = format!("10.7.{}.{}", n / 200, n % 200);
            sign_in(&app, &address, &format!("other{n}@example.com"), "wrong").await.expect(401);
        }
        sign_in(&app, "10.8.0.1", "ada@example.com", PASSWORD).await.expect(429);
    }

    /// A simulation in the test's time: thousands of IP addresses guess at one account for half a day. Meanwhile its owner signs in at
    /// any time from their known device, refreshes, and recovers by mail on a new device.
    async fn attackers_from_everywhere_never_lock_the_owner_out(backend) {
        let app = limited(backend).await;
        let registered = register(&app, "203.0.113.5", "ada").await.expect(201);
        let device = registered.header("x-device-token").unwrap().to_owned();
        let mut refresh = registered.field("refresh_token");
        let (mut tried, mut evaluated) = (0, 0);
        for hour in 0..12 {
            for minute in 0..200 {
                let address = format!("10.{hour}.{minute}.{}", tried % 250);
                let answer = sign_in(&app, &address, "ada@example.com", &format!("guess {tried}")).await;
                tried += 1;
                evaluated += i32::from(answer.status == 401);
                assert!([401, 429].contains(&answer.status), "{}", answer.text);
                app.clock.advance(Span::seconds(18));
            }
            let anonymous = app.anonymous();
            let request = anonymous
                .request(Method::POST, "/login")
                .header("x-forwarded-for", "203.0.113.5")
                .header("x-device-token", &device)
                .json(&json!({ "email": "ada@example.com", "password": PASSWORD }));
            anonymous.send(request).await.expect(200);
            refresh = app.refresh(&refresh).await.expect(200).field("refresh_token");
        }
        // Ten at once, and ten an hour after that, of 2,400 guesses from 2,400 IP addresses.
        assert!((100..=10 + 12 * 10 + 1).contains(&evaluated), "{evaluated} of {tried}");
        // On a new device the owner recovers by mail. From then on that device is known.
        sign_in(&app, "203.0.113.77", "ada@example.com", "wrong").await;
        from(&app, "203.0.113.77", "/password/forgot", &json!({ "email": "ada@example.com" })).await.expect(202);
        let token = app.link_to("ada@example.com", "reset").await;
        let body = json!({ "token": token, "new_password": "a quite new horse" });
        let reset = from(&app, "203.0.113.77", "/password/reset", &body).await.expect(204);
        let new_device = reset.header("x-device-token").unwrap();
        let login = json!({ "email": "ada@example.com", "password": "a quite new horse" });
        let with_device = async |device: &str| {
            let anonymous = app.anonymous();
            let request = anonymous.request(Method::POST, "/login").header("cookie", format!("__Host-kw_device={device}"));
            anonymous.send(request.header("x-forwarded-for", "203.0.113.77").json(&login)).await
        };
        with_device(new_device).await.expect(200);
        // A device from before the reset is unknown.
        for n in 0..12 {
            sign_in(&app, &format!("10.77.0.{n}"), "ada@example.com", "wrong").await;
        }
        with_device(&device).await.expect(429);
        with_device(new_device).await.expect(200);
    }

    async fn a_flood_of_guesses_keeps_no_owner_from_a_reset(backend) {
        let app = limited_to(backend, &[("service", "20/1h")]).await;
        app.user_of_role("ada", "user").await;
        let mut codes = Vec::new();
        for n in 0..25 {
            codes.push(sign_in(&app, &format!("10.4.0.{n}"), &format!("n{n}@example.com"), "wrong").await.status);
        }
        assert_eq!(codes.iter().filter(|code| **code == 401).count(), 18, "{codes:?}");
        from(&app, "192.0.2.9", "/password/forgot", &json!({ "email": "ada@example.com" })).await.expect(202);
        app.link_to("ada@example.com", "reset").await;
    }

    /// A right password costs a hash as well, so a caller who knows one is bounded, too.
    async fn sign_ins_to_one_account_are_bounded_right_or_wrong(backend) {
        let app = limited_to(backend, &[("sign_in_per_account", "5/1h")]).await;
        register(&app, "192.0.2.5", "ada").await.expect(201);
        for _ in 0..5 {
            sign_in(&app, "192.0.2.5", "ada@example.com", PASSWORD).await.expect(200);
        }
        let refused = sign_in(&app, "192.0.2.5", "ada@example.com", PASSWORD).await.expect(429);
        assert_eq!(refused.header("ratelimit-policy"), Some("\"sign_in_per_account\";q=5;w=3600"));
    }

    async fn what_the_limits_refused_is_summed_in_the_audit_log(backend) {
        let app = limited_to(backend, &TEN_A_MINUTE).await;
        let root = app.admin("root").await;
        for n in 0..14 {
            sign_in(&app, "192.0.2.1", &format!("n{n}@example.com"), "wrong").await;
        }
        app.service().note_refusals().await.unwrap();
        let found = root.client.get("/admin/audit?action=limit_refused").await.expect(200).json();
        let details: Vec<&Value> = found["items"].as_array().unwrap().iter().map(|event| &event["details"]).collect();
        assert_eq!(details, [&json!({ "limit": "sign_in_per_address", "key": "192.0.2.1", "count": "4" })]);
    }
}

/// Nodes share their counts.
#[cfg(feature = "services")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_have_one_budget() {
    let one = limited_to(Backend::Fleet, &TEN_A_MINUTE).await;
    let two = one.another_node().await;
    let mut codes = Vec::new();
    for n in 0..12 {
        let node = if n % 2 == 0 { &one } else { &two };
        codes.push(
            sign_in(node, "192.0.2.1", &format!("n{n}@example.com"), "wrong")
                .await
                .status,
        );
    }
    assert_eq!(
        codes,
        [401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 429, 429]
    );
}
