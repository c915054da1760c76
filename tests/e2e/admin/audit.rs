//! `GET /admin/audit`: the audit log, and the proof that it was not changed.

use auth_domain::time::Span;
use auth_service::{ChainStatus, NewUser, Pagination};
use serde_json::{Value, json};
use tests::{Builder, PASSWORD, TestApp, User, on_every_backend};

async fn events(root: &User, query: &str) -> Vec<Value> {
    let list = root
        .client
        .get(&format!("/admin/audit?limit=100&{query}"))
        .await
        .expect(200)
        .json();
    list["items"].as_array().unwrap().clone()
}

fn actions(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["action"].as_str().unwrap())
        .collect()
}

on_every_backend! {
    async fn everything_that_happens_to_an_account_is_logged(backend) {
        let app = TestApp::start(backend).await;
        let root = app.admin("root").await;
        let ada = app.user("ada").await;
        let wrong = json!({ "email": "ada@example.com", "password": "wrong" });
        let anonymous = app.anonymous();
        let request = anonymous.request(reqwest::Method::POST, "/login").header("x-request-id", "the-wrong-one").json(&wrong);
        anonymous.send(request).await.expect(401);
        let second = app.login("ada@example.com").await;
        second.client.post_nothing("/logout").await.expect(200);
        let third = app.login("ada@example.com").await;
        let next = app.refresh(&third.refresh).await.expect(200).field("refresh_token");
        app.refresh(&next).await.expect(200);
        app.clock.advance(Span::minutes(5));
        app.refresh(&third.refresh).await.expect(401);
        let path = format!("/admin/users/{}", ada.id);
        root.client.patch(&path, &json!({ "role": "viewer" })).await.expect(200);
        root.client.patch(&path, &json!({ "status": "disabled" })).await.expect(200);
        root.client.patch(&path, &json!({ "status": "active" })).await.expect(200);
        root.client.delete(&path).await.expect(204);

        let found = events(&root, &format!("user={}", ada.id)).await;
        let mut actions = actions(&found);
        actions.reverse();
        let expected = [
            "registered", "sign_in_failed", "signed_in", "session_ended", "signed_in", "refresh_token_reused",
            "role_changed", "user_disabled", "user_enabled", "user_deleted",
        ];
        for action in expected {
            assert!(actions.contains(&action), "{action} is not in {actions:?}");
        }
        let one = |action: &str| found.iter().find(|event| event["action"] == action).unwrap();
        let failed = one("sign_in_failed");
        assert_eq!(failed["actor"]["kind"], "anonymous");
        assert_eq!(failed["request_id"], "the-wrong-one");
        assert_eq!(failed["ip"], "127.0.0.1");
        let changed = one("role_changed");
        assert_eq!(changed["actor"]["user_id"].as_str(), Some(root.id.as_str()));
        assert_eq!(changed["details"], json!({ "from": "user", "to": "viewer" }));
        assert_eq!(one("signed_in")["actor"]["user_id"].as_str(), Some(ada.id.as_str()));
        assert!(one("signed_in")["session_id"].is_string());
        let whole = serde_json::to_string(&found).unwrap();
        for secret in ["ada@example.com", PASSWORD, "wrong\"", &ada.access, &ada.refresh] {
            assert!(!whole.contains(secret), "{secret}");
        }
    }

    /// The operator sees the reason; every client sees the same answer.
    async fn the_reason_of_a_failed_sign_in_is_shown_to_operators_only(backend) {
        let app = TestApp::start(backend).await;
        let root = app.admin("root").await;
        let [wrong, disabled, locked] = [app.user("wrong").await, app.user("disabled").await, app.user("locked").await];
        root.client.patch(&format!("/admin/users/{}", disabled.id), &json!({ "status": "disabled" })).await.expect(200);
        root.client.post_nothing(&format!("/admin/users/{}/lock-out", locked.id)).await.expect(204);
        let invited = NewUser { email: "none@example.com".to_owned(), password: None, name: None, role: "user".to_owned(), email_verified: true };
        let invited = app.service().admin().create_user(invited, &app.operator()).await.unwrap().settle(app.service()).await.id.to_string();
        let table = [
            ("wrong", "wrong_password", Some(&wrong.id)),
            ("disabled", "disabled", Some(&disabled.id)),
            ("locked", "locked_out", Some(&locked.id)),
            ("none", "no_password", Some(&invited)),
            ("unknown", "unknown_account", None),
        ];
        let mut answers = Vec::new();
        for (name, reason, subject) in table {
            let body = json!({ "email": format!("{name}@example.com"), "password": "not the password" });
            let anonymous = app.anonymous();
            let request = anonymous.request(reqwest::Method::POST, "/login").header("x-request-id", "one-and-the-same").json(&body);
            answers.push(anonymous.send(request).await.expect(401).json().to_string());
            let found = events(&root, "action=sign_in_failed").await;
            assert_eq!(found[0]["details"], json!({ "known_device": "false", "reason": reason }), "{name}");
            assert_eq!(found[0]["subject"].as_str(), subject.map(String::as_str), "{name}");
            assert!(!found[0].to_string().contains('@'), "{name}");
            app.clock.advance(Span::seconds(1));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        // The right password of a disabled account gets the same answer.
        let body = json!({ "email": "disabled@example.com", "password": PASSWORD });
        app.anonymous().post("/login", &body).await.expect(401);
        assert_eq!(events(&root, "action=sign_in_failed").await[0]["details"]["reason"], "disabled");
    }

    async fn a_users_log_has_what_happened_to_them_and_not_what_they_did_to_others(backend) {
        let app = TestApp::start(backend).await;
        let root = app.admin("root").await;
        let ada = app.user("ada").await;
        app.clock.advance(Span::minutes(1));
        root.client.patch(&format!("/admin/users/{}", ada.id), &json!({ "name": "Ada" })).await.expect(200);
        app.clock.advance(Span::minutes(1));
        root.client.delete(&format!("/admin/users/{}", ada.id)).await.expect(204);
        let page = Pagination { after: None, limit: 100 };
        let found = async |id: &str| {
            let events = app.service().events_of(id.parse().unwrap(), page).await.unwrap();
            events.iter().map(|event| event.action.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(found(&ada.id).await, ["user_deleted", "user_updated", "registered"]);
        let own = found(&root.id).await;
        assert!(!own.is_empty() && !own.iter().any(|one| one == "user_deleted" || one == "user_updated"), "{own:?}");
        let (principal, _) = app.acting(&root.access).await;
        assert_eq!(app.service().own_events(&principal, page).await.unwrap().len(), own.len());
        // The log filtered by a user has both.
        assert!(actions(&events(&root, &format!("user={}", root.id)).await).contains(&"user_deleted"));
    }

    async fn the_log_is_filtered_and_paged(backend) {
        let app = TestApp::start(backend).await;
        let root = app.admin("root").await;
        for name in ["ada", "bob"] {
            app.user(name).await;
            app.clock.advance(Span::minutes(20));
        }
        assert_eq!(events(&root, "action=registered").await.len(), 2);
        let all = events(&root, "").await;
        let since = all[0]["at"].as_str().unwrap().replace('+', "%2B");
        assert_eq!(events(&root, &format!("action=registered&since={since}")).await.len(), 1);
        assert_eq!(events(&root, &format!("action=registered&until={since}")).await.len(), 1);
        let first = root.client.get("/admin/audit?limit=2").await.expect(200).json();
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = root.client.get(&format!("/admin/audit?limit=2&cursor={cursor}")).await.expect(200).json();
        assert_eq!((&first["items"][0]["id"], &second["items"][0]["id"]), (&all[0]["id"], &all[2]["id"]));
        for bad in ["user=7", "action=danced", "since=yesterday", "since=-5000-01-01T00:00:00Z", "until=", "limit=1000"] {
            root.client.get(&format!("/admin/audit?{bad}")).await.expect(422);
        }
    }

    async fn the_log_is_sealed_and_verifies(backend) {
        let app = TestApp::start(backend).await;
        let log = app.service().audit_log();
        for round in 0..5 {
            app.user(&format!("user{round}")).await;
            log.seal(app.operator().now).await.unwrap();
        }
        let ChainStatus::Intact { batches, events, unsealed: 0, head: Some(head), .. } = log.verify(None, app.operator().now).await.unwrap() else {
            panic!("the chain is whole and sealed");
        };
        assert!(batches >= 5 && events >= 6, "{batches} {events}");
        assert!(matches!(log.verify(Some((head.number, head.mac)), app.operator().now).await.unwrap(), ChainStatus::Intact { .. }));
        assert!(matches!(log.verify(Some((head.number, [0; 32])), app.operator().now).await.unwrap(), ChainStatus::Broken { .. }));
        assert!(matches!(log.verify(Some((head.number + 1, head.mac)), app.operator().now).await.unwrap(), ChainStatus::Broken { .. }));
    }

    async fn old_batches_are_pruned_and_the_rest_still_verifies(backend) {
        // The sweep also uses the database's clock, so old rows have to be old by that clock.
        let app = Builder::new(backend).ago(Span::days(3)).set("audit.retention", "1d").start().await;
        let log = app.service().audit_log();
        for name in ["ada", "bob"] {
            app.user(name).await;
            log.seal(app.operator().now).await.unwrap();
        }
        app.clock.advance(Span::days(3));
        let root = app.admin("root").await;
        log.seal(app.operator().now).await.unwrap();
        app.service().sweep().await.unwrap();
        log.seal(app.operator().now).await.unwrap();
        let found = events(&root, "").await;
        assert!(!actions(&found).contains(&"registered"), "{found:?}");
        assert!(actions(&found).contains(&"audit_pruned") && actions(&found).contains(&"user_created"));
        let ChainStatus::Intact { head: Some(head), events, .. } = log.verify(None, app.operator().now).await.unwrap() else {
            panic!("the rest is whole: {:?}", log.verify(None, app.operator().now).await);
        };
        assert!(head.number > 2 && events >= 3, "{head:?} {events}");
        assert!(matches!(log.verify(Some((1, [0; 32])), app.operator().now).await.unwrap(), ChainStatus::HeadPruned { .. }));
    }

    async fn refreshes_are_logged_if_configured(backend) {
        let app = Builder::new(backend).set("audit.record_refreshes", "true").start().await;
        let (root, ada) = (app.admin("root").await, app.user("ada").await);
        app.refresh(&ada.refresh).await.expect(200);
        let found = events(&root, "action=refreshed").await;
        assert_eq!((found.len(), found[0]["details"]["number"].as_str()), (1, Some("1")));
    }
}
