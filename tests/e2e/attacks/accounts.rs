//! Attacks on accounts: what is stored of a password, what a stranger learns about an email address, and what still works after an
//! account is disabled or deleted.

use crate::login::comparable;
use auth_domain::{
    email::EmailAddress,
    ids::UserId,
    password_hash::PasswordHash,
    role::Role,
    user::{User as Account, UserStatus},
};
use auth_service::{Pagination, UserRef};
use auth_storage::users;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde_json::json;
use std::time::{Duration, Instant};
use tests::{Builder, Client, PASSWORD, TestApp, on_every_backend};

/// The bcrypt hash (cost 6) of [`OLD_PASSWORD`], as an older service stored it.
const OLD_HASH: &str = "$2b$06$f5/uiAaaJZn8ki7svWU2/e6zhUgVuSIyKPxVKiBKkxJcSa/XujH9q";
const OLD_PASSWORD: &str = "hunter2 but longer";

async fn stored_hash(app: &TestApp, email: &str) -> String {
    let storage = app.running().service().admin().storage();
    let found = storage
        .credentials(&EmailAddress::parse(email).unwrap())
        .await
        .unwrap();
    found.unwrap().password_hash.unwrap().expose().to_owned()
}

async fn import(app: &TestApp, email: &str, hash: Option<&str>) {
    let service = app.running().service();
    let now = service.now().unwrap();
    let user = users::New {
        id: UserId::from_parts(now, [email.len().try_into().unwrap(); 10]),
        email: EmailAddress::parse(email).unwrap(),
        name: None,
        password_hash: hash.map(|hash| PasswordHash::parse(hash).unwrap()),
        role: Role::USER,
        status: UserStatus::Active,
        email_verified_at: None,
        created_at: now,
    };
    assert!(
        service
            .admin()
            .import_users(vec![user], &app.operator())
            .await
            .is_ok()
    );
}

async fn account(app: &TestApp, email: &str) -> Account {
    let account: UserRef = email.parse().unwrap();
    app.running().service().admin().user(&account).await.unwrap()
}

async fn change(app: &TestApp, email: &str, change: users::Change) {
    let service = app.running().service();
    let id = account(app, email).await.id;
    let changed = service.admin().change_user(id, change, &app.operator()).await;
    changed.unwrap().settle(service).await;
}

fn disabled() -> users::Change {
    users::Change {
        status: Some(UserStatus::Disabled),
        ..users::Change::default()
    }
}

/// An operator's command takes effect on a server with the server's next read of the database.
async fn refused_soon(client: &Client) {
    let begun = Instant::now();
    while client.get("/verify").await.status != 401 {
        assert!(begun.elapsed() < Duration::from_secs(10), "still accepted");
    }
}

on_every_backend! {
    async fn a_password_is_stored_as_argon2id_with_a_salt_of_its_own(backend) {
        let shipped = Builder::new(backend).set("password.memory_kib", "19456").set("password.iterations", "2");
        let app = shipped.start().await;
        let mut salts = Vec::new();
        for name in ["ada", "bob"] {
            app.user(name).await;
            let hash = stored_hash(&app, &format!("{name}@example.com")).await;
            let parts: Vec<&str> = hash.split('$').collect();
            assert_eq!(parts[1..4], ["argon2id", "v=19", "m=19456,t=2,p=1"]);
            assert_eq!(STANDARD_NO_PAD.decode(parts[5]).unwrap().len(), 32);
            salts.push(STANDARD_NO_PAD.decode(parts[4]).unwrap());
        }
        assert_eq!(salts[0].len(), 16);
        assert_ne!(salts[0], salts[1]);
    }

    async fn twenty_sign_ins_at_once_upgrade_an_old_hash_once(backend) {
        let app = TestApp::start(backend).await;
        import(&app, "old@example.com", Some(OLD_HASH)).await;
        let client = app.anonymous();
        let body = json!({ "email": "old@example.com", "password": OLD_PASSWORD });
        let all = futures::future::join_all((0..20).map(|_| client.post("/login", &body))).await;
        for answer in all {
            let signed_in = app.signed_in("old@example.com", &answer.expect(200));
            signed_in.client.get("/me").await.expect(200);
            app.refresh(&signed_in.refresh).await.expect(200);
        }
        let upgraded = stored_hash(&app, "old@example.com").await;
        assert!(upgraded.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{upgraded}");
        client.post("/login", &body).await.expect(200);
        assert_eq!(stored_hash(&app, "old@example.com").await, upgraded);
    }

    async fn a_disabled_account_or_one_without_a_password_cannot_sign_in(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        app.user("gone").await;
        change(&app, "gone@example.com", disabled()).await;
        import(&app, "bare@example.com", None).await;
        import(&app, "old.one@example.com", Some(OLD_HASH)).await;
        let cases = [
            ("ada@example.com", "a wrong password"),
            ("nobody@example.com", PASSWORD),
            ("gone@example.com", PASSWORD),
            ("gone@example.com", "a wrong password"),
            ("bare@example.com", ""),
            ("bare@example.com", PASSWORD),
            ("old.one@example.com", PASSWORD),
            ("", ""),
        ];
        let (mut json_answers, mut form_answers) = (Vec::new(), Vec::new());
        for (email, password) in cases {
            let answer = app.anonymous().post("/login", &json!({ "email": email, "password": password })).await;
            json_answers.push(comparable(&answer.expect(401)));
            if !email.is_empty() && !password.is_empty() {
                let fields = [("grant_type", "password"), ("username", email), ("password", password)];
                let answer = app.anonymous().form("/token", &fields).await.expect(400);
                form_answers.push(comparable(&answer));
            }
        }
        assert!(json_answers.iter().all(|answer| *answer == json_answers[0]), "{json_answers:#?}");
        assert!(form_answers.iter().all(|answer| *answer == form_answers[0]), "{form_answers:#?}");
    }

    async fn nothing_of_a_deleted_user_passes_to_the_next_owner_of_the_address(backend) {
        let app = TestApp::start(backend).await;
        let before = app.user("ada").await;
        let service = app.running().service();
        let id = account(&app, "ada@example.com").await.id;
        service.admin().delete_user(id, &app.operator()).await.unwrap().settle(service).await;
        let after = app.user("ada").await;
        assert_ne!(before.id, after.id);
        assert_eq!(app.refresh(&before.refresh).await.expect(401).code(), "token_revoked");
        let body = json!({ "refresh_token": before.refresh });
        app.anonymous().post("/logout", &body).await.expect(401);
        refused_soon(&before.client).await;
        after.client.get("/me").await.expect(200);
        app.refresh(&after.refresh).await.expect(200);
        let sessions = after.client.get("/sessions?status=all").await.expect(200).json();
        assert_eq!(sessions["items"].as_array().unwrap().len(), 1);
    }

    async fn a_new_password_or_a_disabling_ends_every_token_and_a_new_role_every_permission(backend) {
        let app = TestApp::start(backend).await;
        let service = app.running().service();
        let (ada, bob, cyd) = (app.user("ada").await, app.user("bob").await, app.user("cyd").await);
        let user = account(&app, "ada@example.com").await;
        let password = "quite another zebra".to_owned().into();
        service.admin().set_password(&user, password, &app.operator()).await.unwrap().settle(service).await;
        change(&app, "bob@example.com", disabled()).await;
        for dead in [&ada, &bob] {
            assert_eq!(app.refresh(&dead.refresh).await.expect(401).code(), "token_revoked");
            refused_soon(&dead.client).await;
        }
        let promoted = users::Change { role: Some(Role::ADMIN), ..users::Change::default() };
        change(&app, "cyd@example.com", promoted).await;
        refused_soon(&cyd.client).await;
        let answer = app.refresh(&cyd.refresh).await.expect(200);
        assert_eq!(answer.json()["user"]["role"], "admin");
        app.signed_in(&cyd.email, &answer).client.get("/verify?role=admin").await.expect(204);
    }

    async fn a_search_for_users_takes_its_text_as_it_is(backend) {
        let app = TestApp::start(backend).await;
        for name in ["a_b", "axb"] {
            app.user(name).await;
        }
        let service = app.running().service();
        let found = async |query: &str| {
            let filter = users::Filter { query: Some(query.to_owned()), ..users::Filter::default() };
            service.admin().users(filter, Pagination { after: None, limit: 100 }).await.unwrap().len()
        };
        assert_eq!(found("A_B").await, 1);
        assert_eq!(found("@example").await, 2);
        assert_eq!(found("_b").await, 0, "it is what an address or a name begins with");
        for query in ["%", "a%b", "a\\_b", "\\", "' OR 1=1 --", "'; DROP TABLE users; --", "*", "[a-z]", "\0"] {
            assert_eq!(found(query).await, 0, "{query:?}");
        }
    }

    async fn a_client_id_is_plain_text_and_any_other_is_refused(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let service = app.running().service();
        let odd = ["", "a b", "a:b", "../x", "A", "ünï", "a\0", "';--", "a%3A", &"a".repeat(65)];
        for name in odd {
            assert!(service.admin().create_client(name, &app.operator()).await.is_err(), "{name:?}");
            for path in ["/introspect", "/revoke"] {
                let request = app.anonymous().request(reqwest::Method::POST, path);
                let request = request.basic_auth(name, Some("x")).form(&[("token", &ada.access)]);
                let answer = app.anonymous().send(request).await.expect(401);
                assert_eq!(answer.field("error"), "invalid_client");
            }
        }
        ada.client.get("/me").await.expect(200);
    }
}
