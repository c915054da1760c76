//! Floods of requests. The rule: costly work is bounded, and cheap requests are still answered.

use futures::{StreamExt, stream::FuturesUnordered};
use serde_json::json;
use tests::{Builder, PASSWORD, on_every_backend};

on_every_backend! {
    async fn a_flood_of_sign_ins_is_shed_and_delays_nothing_else(backend) {
        let costly = [("password.memory_kib", "65536"), ("password.iterations", "8"), ("password.queue", "1")];
        let mut builder = Builder::new(backend);
        for (key, value) in costly {
            builder = builder.set(key, value);
        }
        let app = builder.start().await;
        let ada = app.user("ada").await;
        let client = app.anonymous();
        let guess = json!({ "email": ada.email, "password": "a wrong password" });
        let mut flood: FuturesUnordered<_> = (0..16).map(|_| client.post("/login", &guess)).collect();
        let mut shed = 0;
        while let Some(answer) = flood.next().await {
            if answer.status == 401 {
                continue;
            }
            assert_eq!((answer.status, answer.code()), (503, "overloaded".to_owned()));
            assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
            if shed == 0 {
                // The queue is full by now.
                ada.client.get("/verify").await.expect(204);
                ada.client.get("/me").await.expect(200);
                client.get("/health/live").await.expect(200);
                app.refresh(&ada.refresh).await.expect(200);
                for password in ["x".repeat(129), "é".repeat(300), "x".repeat(16_000)] {
                    let body = json!({ "email": "eve@example.com", "password": password });
                    let refused = client.post("/register", &body).await.expect(422);
                    assert_eq!((refused.code(), refused.json()["errors"][0]["code"].as_str()), ("weak_password".to_owned(), Some("too_long")));
                    let body = json!({ "email": ada.email, "password": "x".repeat(16_000) });
                    client.post("/login", &body).await.expect(401);
                }
            }
            shed += 1;
        }
        assert!(shed > 0, "sixteen sign-ins fitted a queue of one");
        client.post("/login", &json!({ "email": ada.email, "password": PASSWORD })).await.expect(200);
    }

    async fn costly_bodies_are_refused_with_short_answers(backend) {
        let app = tests::TestApp::start(backend).await;
        let client = app.anonymous();
        let deep = [
            "[".repeat(16_000),
            "{\"a\":".repeat(3_200),
            format!("{{\"email\":{}{},\"password\":\"x\"}}", "[".repeat(5_000), "]".repeat(5_000)),
        ];
        for body in deep {
            let request = client.request(reqwest::Method::POST, "/login").header("Content-Type", "application/json");
            let answer = client.send(request.body(body)).await.expect(400);
            assert_eq!(answer.code(), "malformed_json");
        }
        let wide: serde_json::Map<_, _> = (0..1_500).map(|number| (format!("f{number}"), json!(1))).collect();
        let answer = client.post("/login", &wide.into()).await.expect(422);
        assert!(answer.text.len() < 4_096, "{} bytes", answer.text.len());
        let names: Vec<String> = (0..1_500).map(|number| format!("f{number}")).collect();
        let fields: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
        let answer = client.form("/token", &fields).await.expect(400);
        assert_eq!(answer.field("error"), "invalid_request");
    }
}
