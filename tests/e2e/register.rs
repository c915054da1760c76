//! `POST /register`.

use serde_json::json;
use tests::{Builder, PASSWORD, TestApp, on_every_backend};

on_every_backend! {
    async fn registering_signs_in_and_shows_no_secret(backend) {
        let app = TestApp::start(backend).await;
        let body = json!({ "email": "Ada@Example.com", "password": PASSWORD, "name": "Ada" });
        let answer = app.anonymous().post("/register", &body).await.expect(201);
        let user = &answer.json()["user"];
        assert_eq!((user["role"].as_str(), user["status"].as_str()), (Some("user"), Some("active")));
        assert_eq!((user["name"].as_str(), user["email_verified"].as_bool()), (Some("Ada"), Some(false)));
        assert_eq!(answer.json()["token_type"], "bearer");
        assert_eq!(answer.json()["expires_in"], 3600);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(!answer.text.contains("argon2") && !answer.text.contains("password"));
        let ada = app.signed_in("ada@example.com", &answer);
        assert_eq!(ada.client.get("/me").await.expect(200).field("id"), ada.id);
    }

    async fn an_address_is_taken_in_any_spelling(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        for email in ["ada@example.com", "ADA@example.com", "Ada@EXAMPLE.com"] {
            let body = json!({ "email": email, "password": PASSWORD });
            let answer = app.anonymous().post("/register", &body).await.expect(409);
            assert_eq!(answer.code(), "email_taken");
        }
    }

    async fn a_role_cannot_be_chosen(backend) {
        let app = TestApp::start(backend).await;
        for (field, value) in [("role", json!("admin")), ("is_admin", json!(true)), ("email_verified", json!(true)), ("id", json!("1"))] {
            let mut body = json!({ "email": "eve@example.com", "password": PASSWORD });
            body[field] = value;
            let answer = app.anonymous().post("/register", &body).await.expect(422);
            assert_eq!(answer.code(), "unknown_field", "{field}");
        }
    }

    async fn a_weak_password_is_refused_with_every_fault_and_how_to_fix_it(backend) {
        let app = TestApp::start(backend).await;
        let try_password = async |password: String| {
            let body = json!({ "email": "ada@example.com", "password": password, "name": "Ada" });
            app.anonymous().post("/register", &body).await
        };
        for password in ["short".to_owned(), "password1".to_owned(), "ada@example.com".to_owned(), "x".repeat(129), "é".repeat(300)] {
            let answer = try_password(password.clone()).await.expect(422);
            assert_eq!(answer.code(), "weak_password", "{password}");
            let errors = answer.json()["errors"].as_array().unwrap().clone();
            assert!(!errors.is_empty() && errors.iter().all(|error| error["field"] == "password"));
            assert!(password == "short" || !answer.text.contains(&password));
        }
        try_password("8 Zebras".to_owned() + "kj").await.expect(201);
    }

    async fn eight_code_points_are_enough_and_emoji_count_as_characters(backend) {
        let app = TestApp::start(backend).await;
        for (number, password) in ["ж9Qx7!vT", "🦓🎻🧭🪁🥝🛶🪗🧿", &"k9 q".repeat(32)].into_iter().enumerate() {
            let body = json!({ "email": format!("u{number}@example.com"), "password": password });
            let answer = app.anonymous().post("/register", &body).await;
            assert_ne!(answer.status, 500);
            if number < 2 {
                let answer = answer.expect(201);
                assert_eq!(answer.header("cache-control"), Some("no-store"));
            }
        }
    }

    async fn an_invalid_email_address_is_refused_and_not_echoed(backend) {
        let app = TestApp::start(backend).await;
        let long = format!("{}@example.com", "a".repeat(65));
        for email in ["", "ada", "a@b@c.example", "a＠b@example.com", "a,b@example.com", "a\r\nb@example.com", "\"a b\"@example.com", "a@[127.0.0.1]", "a\0@example.com", "a\u{202e}@example.com", &long] {
            let body = json!({ "email": email, "password": PASSWORD });
            let answer = app.anonymous().post("/register", &body).await.expect(422);
            assert_eq!(answer.code(), "invalid_email", "{email:?}");
        }
        let body = json!({ "email": ["ada@example.com", "eve@example.com"], "password": PASSWORD });
        app.anonymous().post("/register", &body).await.expect(422);
    }

    async fn a_look_alike_is_another_address(backend) {
        let app = TestApp::start(backend).await;
        app.user("kim").await;
        for email in ["\u{212a}im@example.com", "ｋim@example.com"] {
            let body = json!({ "email": email, "password": PASSWORD });
            app.anonymous().post("/register", &body).await.expect(422);
        }
        let dotless = json!({ "email": "k\u{131}m@example.com", "password": PASSWORD });
        let answer = app.anonymous().post("/register", &dotless).await;
        assert!(answer.status == 201 || answer.status == 422, "{}", answer.text);
    }

    /// The answer depends on the address only: a known one is refused like a new one.
    async fn an_operator_may_refuse_addresses_beyond_ascii(backend) {
        let body = |email: &str| json!({ "email": email, "password": PASSWORD });
        let open = TestApp::start(backend).await;
        open.anonymous().post("/register", &body("josé@example.com")).await.expect(201);

        let app = Builder::new(backend).set("registration.internationalised_addresses", "false").start().await;
        let refused = app.anonymous().post("/register", &body("josé@example.com")).await.expect(422);
        assert_eq!((refused.code().as_str(), refused.json()["errors"][0]["code"].as_str()), ("invalid_email", Some("internationalised")));
        // A domain is converted to ASCII, so any mail server can reach it.
        app.anonymous().post("/register", &body("jose@münchen.example")).await.expect(201);
        let ada = app.user("ada").await;
        let change = json!({ "new_email": "josé@example.com", "current_password": PASSWORD });
        assert_eq!(ada.client.post("/email/change", &change).await.expect(422).code(), "invalid_email");
    }

    async fn closed_registration_says_so(backend) {
        let app = Builder::new(backend).set("registration.open", "false").start().await;
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        let answer = app.anonymous().post("/register", &body).await.expect(403);
        assert_eq!(answer.code(), "registration_closed");
    }

    async fn sixteen_registrations_at_once_create_one_user(backend) {
        let app = TestApp::start(backend).await;
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        let client = app.anonymous();
        let all = futures::future::join_all((0..16).map(|_| client.post("/register", &body))).await;
        assert_eq!(all.iter().filter(|answer| answer.status == 201).count(), 1);
        assert_eq!(all.iter().filter(|answer| answer.status == 409).count(), 15);
    }
}
