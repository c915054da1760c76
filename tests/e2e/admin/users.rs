//! How administrators find, create, change and delete users.

use auth_domain::{ids::ApiKeyId, time::Span};
use auth_service::{AdminError, ApiKeyError, Bearer, KeyError, NewUser};
use serde_json::{Value, json};
use tests::{PASSWORD, TestApp, User, on_every_backend};

fn emails(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|user| user["email"].as_str().unwrap().to_owned())
        .collect()
}

on_every_backend! {
    async fn users_are_found_and_paged(backend) {
        let app = TestApp::start(backend).await;
        let root = app.admin("root").await;
        for name in ["ada", "adam", "bob", "eve"] {
            app.clock.advance(Span::seconds(1));
            app.user(name).await;
        }
        let found = async |query: &str| emails(&root.client.get(&format!("/admin/users?{query}")).await.expect(200).json());
        assert_eq!(found("query=AD").await, ["adam@example.com", "ada@example.com"]);
        assert_eq!(found("role=admin").await, ["root@example.com"]);
        assert_eq!(found("status=disabled").await, Vec::<String>::new());
        assert_eq!(found("query=nobody").await, Vec::<String>::new());
        assert_eq!(found("query=@exam").await.len(), 5);

        let mut seen = Vec::new();
        let mut path = "/admin/users?limit=2".to_owned();
        loop {
            let page = root.client.get(&path).await.expect(200).json();
            seen.extend(emails(&page));
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/admin/users?limit=2&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(seen, ["eve@example.com", "bob@example.com", "adam@example.com", "ada@example.com", "root@example.com"]);
        for bad in ["limit=0", "limit=101", "cursor=x", "status=odd", "role=Odd", "limit=1&limit=2"] {
            root.client.get(&format!("/admin/users?{bad}")).await.expect(422);
        }
    }

    async fn a_created_user_chooses_their_own_password(backend) {
        let app = TestApp::start(backend).await;
        let root = app.admin("root").await;
        let body = json!({ "email": "new@example.com", "name": "New", "role": "viewer" });
        let made = root.client.post("/admin/users", &body).await.expect(201).json();
        assert_eq!((made["role"].as_str(), made["name"].as_str()), (Some("viewer"), Some("New")));
        let login = json!({ "email": "new@example.com", "password": PASSWORD });
        app.anonymous().post("/login", &login).await.expect(401);
        let token = app.link_to("new@example.com", "reset").await;
        let reset = json!({ "token": token, "new_password": PASSWORD });
        app.anonymous().post("/password/reset", &reset).await.expect(204);
        app.anonymous().post("/login", &login).await.expect(200);

        assert_eq!(root.client.post("/admin/users", &body).await.expect(409).code(), "email_taken");
        let refused = [
            (json!({ "email": "x@example.com", "role": "nobody" }), "unknown_role"),
            (json!({ "email": "x" }), "invalid_email"),
            (json!({ "email": "x@example.com", "name": "a\nb" }), "invalid_name"),
            (json!({ "email": "x@example.com", "password": PASSWORD }), "unknown_field"),
            (json!({ "email": "x@example.com", "email_verified": "yes" }), "invalid_input"),
            (json!({}), "invalid_input"),
        ];
        for (body, code) in refused {
            assert_eq!(root.client.post("/admin/users", &body).await.expect(422).code(), code, "{body}");
        }
    }

    async fn a_user_is_changed_piece_by_piece(backend) {
        let app = TestApp::start(backend).await;
        let (root, ada) = (app.admin("root").await, app.user("ada").await);
        let path = format!("/admin/users/{}", ada.id);
        let changed = root.client.patch(&path, &json!({ "name": "Ada", "email_verified": true })).await.expect(200).json();
        assert_eq!((changed["name"].as_str(), changed["email_verified"].as_bool()), (Some("Ada"), Some(true)));
        ada.client.get("/me").await.expect(200);
        let changed = root.client.patch(&path, &json!({ "name": null })).await.expect(200).json();
        assert_eq!((changed["name"].as_str(), changed["email_verified"].as_bool()), (None, Some(true)));
        root.client.patch(&path, &json!({})).await.expect(200);
        root.client.patch(&path, &json!({ "status": "gone" })).await.expect(422);
        root.client.patch(&path, &json!({ "role": "gone" })).await.expect(422);
        root.client.patch(&path, &json!({ "email": "x@example.com" })).await.expect(422);
        root.client.patch("/admin/users/7", &json!({ "name": "x" })).await.expect(404);
        root.client.patch(&format!("/admin/users/{}", unknown_uuid()), &json!({ "name": "x" })).await.expect(404);

        root.client.patch(&path, &json!({ "status": "disabled" })).await.expect(200);
        ada.client.get("/me").await.expect(401);
        assert_eq!(app.refresh(&ada.refresh).await.expect(401).code(), "token_revoked");
        root.client.patch(&path, &json!({ "status": "active" })).await.expect(200);
        app.login("ada@example.com").await.client.get("/me").await.expect(200);
    }

    async fn sessions_of_a_user_are_seen_and_ended(backend) {
        let app = TestApp::start(backend).await;
        let (root, ada) = (app.admin("root").await, app.user("ada").await);
        let (other, eve) = (app.login("ada@example.com").await, app.user("eve").await);
        let path = format!("/admin/users/{}/sessions", ada.id);
        let list = root.client.get(&path).await.expect(200).json();
        let ids: Vec<&str> = list["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 2);
        let eves = eve.client.get("/sessions").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
        root.client.delete(&format!("{path}/{eves}")).await.expect(404);
        let adas = ada.client.get("/sessions").await.json();
        let mine = adas["items"].as_array().unwrap().iter().find(|one| one["current"] == true).unwrap();
        root.client.delete(&format!("{path}/{}", mine["id"].as_str().unwrap())).await.expect(204);
        assert_eq!(ada.client.get("/me").await.expect(401).code(), "token_revoked");
        other.client.get("/me").await.expect(200);
        let ended = root.client.delete(&path).await.expect(200).json();
        assert_eq!(ended["sessions_revoked"], 1);
        assert_eq!(other.client.get("/me").await.expect(401).code(), "all_sessions_revoked");
        eve.client.get("/me").await.expect(200);
    }

    async fn the_last_administrator_stays_even_if_two_leave_at_once(backend) {
        let app = TestApp::start(backend).await;
        let mut before: Option<User> = None;
        for round in 0..5 {
            let (one, two) = (app.admin(&format!("one{round}")).await, app.admin(&format!("two{round}")).await);
            if let Some(before) = before.take() {
                one.client.delete(&format!("/admin/users/{}", before.id)).await.expect(204);
            }
            let (demote, disable) = (json!({ "role": "user" }), json!({ "status": "disabled" }));
            let (path_one, path_two) = (format!("/admin/users/{}", one.id), format!("/admin/users/{}", two.id));
            let (first, second) =
                futures::join!(one.client.patch(&path_two, &demote), two.client.patch(&path_one, &disable));
            // The second one was the last administrator, or no longer an administrator.
            let statuses = [first.status, second.status];
            assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
            assert!(!statuses.contains(&404), "the other one is there: {statuses:?}");
            let left = if first.status == 200 { one } else { two };
            let me = format!("/admin/users/{}", left.id);
            for change in [demote, disable] {
                assert_eq!(left.client.patch(&me, &change).await.expect(409).code(), "last_admin");
            }
            assert_eq!(left.client.delete(&me).await.expect(409).code(), "last_admin");
            let mine = json!({ "password": PASSWORD });
            assert_eq!(left.client.delete_with("/me", &mine).await.expect(409).code(), "last_admin");
            before = Some(left);
        }
    }

    /// Time passes between the check of a token and the change: a password may be hashed, or the node may be slow.
    async fn an_administrator_who_lost_the_permission_meanwhile_changes_nothing(backend) {
        let app = TestApp::start(backend).await;
        let (root, other, ada) = (app.admin("root").await, app.admin("other").await, app.user("ada").await);
        let (principal, caller) = app.acting(&other.access).await;
        let (ada_now, _) = app.acting(&ada.access).await;
        let (id, session) = (ada_now.user(), ada_now.session());
        root.client.patch(&format!("/admin/users/{}", other.id), &json!({ "role": "user" })).await.expect(200);
        let service = app.service();
        let admin = service.admin();
        for refused in [
            admin.lock_out(id, &caller).await.map(drop),
            admin.delete_user(id, &caller).await.map(drop),
            admin.send_reset(id, &caller).await.map(drop),
            admin.end_sessions(id, &caller).await.map(drop),
            admin.end_session(session, Some(id), &caller).await.map(drop),
        ] {
            assert!(matches!(refused, Err(AdminError::Forbidden)), "{refused:?}");
        }
        let guest = NewUser { email: "guest@example.com".to_owned(), password: None, name: None, role: "user".to_owned(), email_verified: false };
        let invited = service.invite_user(&Bearer::Session(principal), guest, &caller).await;
        assert!(matches!(invited, Err(AdminError::Forbidden)), "{invited:?}");
        let key = ApiKeyId::from_uuid(session.as_uuid());
        let revoked = service.admin().revoke_api_key(id, key, &caller).await;
        assert!(matches!(revoked, Err(ApiKeyError::Forbidden)), "{revoked:?}");
        let rotated = service.rotate_keys(true, &caller).await;
        assert!(matches!(rotated, Err(KeyError::Forbidden)), "{rotated:?}");
        ada.client.get("/me").await.expect(200);
        app.refresh(&ada.refresh).await.expect(200);
    }

    async fn a_deleted_user_and_their_tokens_are_gone(backend) {
        let app = TestApp::start(backend).await;
        let (root, ada) = (app.admin("root").await, app.user("ada").await);
        let path = format!("/admin/users/{}", ada.id);
        root.client.delete(&path).await.expect(204);
        root.client.delete(&path).await.expect(404);
        root.client.get(&path).await.expect(404);
        ada.client.get("/me").await.expect(401);
        app.refresh(&ada.refresh).await.expect(401);
        app.mail_containing("ada@example.com", "deleted").await;
    }
}

fn unknown_uuid() -> &'static str {
    "018f3f5e-7c1a-7a30-8d2e-0123456789ab"
}
