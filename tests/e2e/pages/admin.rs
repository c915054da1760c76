//! `/admin` and the pages below it. The rule: permissions decide what is shown and what can be done.

use super::leads_to;
use auth_api::http::route::Access;
use auth_domain::{role::Permission, time::Span};
use std::collections::BTreeSet;
use tests::{Backend, Browser, Builder, PASSWORD, TestApp, on_every_backend};

const NOBODY: &str = "018f3f5e-7c1a-7a30-8d2e-0123456789ab";

/// Every page and form of the administration, and the permission that opens it.
const ROUTES: [(&str, &str, Permission); 15] = [
    ("GET", "/admin", Permission::StatsRead),
    ("GET", "/admin/users", Permission::UsersRead),
    ("POST", "/admin/users", Permission::UsersWrite),
    ("GET", "/admin/users/{id}", Permission::UsersRead),
    ("POST", "/admin/users/{id}", Permission::UsersWrite),
    ("POST", "/admin/users/{id}/reset", Permission::UsersWrite),
    ("POST", "/admin/users/{id}/lock-out", Permission::UsersWrite),
    ("POST", "/admin/users/{id}/delete", Permission::UsersWrite),
    (
        "POST",
        "/admin/users/{id}/sessions/end",
        Permission::SessionsRevoke,
    ),
    (
        "POST",
        "/admin/users/{id}/sessions/{id}/end",
        Permission::SessionsRevoke,
    ),
    (
        "POST",
        "/admin/users/{id}/keys/{id}/revoke",
        Permission::UsersWrite,
    ),
    ("GET", "/admin/audit", Permission::AuditRead),
    ("POST", "/admin/audit/verify", Permission::AuditRead),
    ("GET", "/admin/keys", Permission::KeysRead),
    ("POST", "/admin/keys", Permission::KeysRotate),
];

/// The form of a user's page: the values that it showed, and the new ones (name, role, status, confirmed).
fn form<'a>(was: [&'a str; 4], now: [&'a str; 4]) -> Vec<(&'a str, &'a str)> {
    let names = [
        ("was_name", "name"),
        ("was_role", "role"),
        ("was_status", "status"),
        ("was_email_verified", "email_verified"),
    ];
    let shown = names.iter().zip(was).map(|((was, _), value)| (*was, value));
    // A box that is not ticked is not sent.
    let sent = names.iter().zip(now).map(|((_, name), value)| (*name, value));
    let sent = sent.filter(|(name, value)| *name != "email_verified" || !value.is_empty());
    shown.chain(sent).collect()
}

#[test]
fn the_listed_routes_are_those_that_the_pages_declare() {
    let pages = auth_api::pages::declared("");
    let operations = pages.iter().flat_map(|page| page.operations());
    let declared: BTreeSet<_> = operations
        .filter_map(|operation| match operation.access() {
            Access::Permission(needs) => {
                let path = operation
                    .path()
                    .replace("{session}", "{id}")
                    .replace("{key}", "{id}");
                Some(format!("{} {path} {}", operation.method(), needs.as_str()))
            }
            _ => None,
        })
        .collect();
    let routes = ROUTES.map(|(method, path, needs)| format!("{method} {path} {}", needs.as_str()));
    assert_eq!(declared, BTreeSet::from(routes));
}

async fn with_a_role_for_each_permission(backend: Backend) -> TestApp {
    let roles = Permission::ALL
        .iter()
        .fold(Builder::new(backend), |builder, permission| {
            let word = permission.as_str();
            builder.set(
                &format!("roles.{}", word.replace(':', "_")),
                &format!("[\"{word}\"]"),
            )
        });
    roles.start().await
}

on_every_backend! {
    async fn each_page_and_form_opens_to_its_one_permission(backend) {
        let app = with_a_role_for_each_permission(backend).await;
        app.admin("root").await;
        for held in Permission::ALL {
            let role = held.as_str().replace(':', "_");
            let user = app.user_of_role(&role, &role).await;
            let mut browser = app.browser_of(&user.email).await;
            for (method, path, needs) in ROUTES {
                let path = path.replace("{id}", NOBODY);
                let status = if method == "GET" {
                    browser.open(&path).await.status
                } else {
                    browser.open("/account").await.expect(200);
                    browser.send(&path, &[]).await.status
                };
                assert_eq!(status == 403, held != needs, "{method} {path} with {role}: {status}");
                assert!(status < 500, "{method} {path} with {role}: {status}");
            }
        }
        let mut nobody = app.browser();
        for (method, path, _) in ROUTES.iter().filter(|(method, ..)| *method == "GET") {
            let answer = nobody.open(&path.replace("{id}", NOBODY)).await;
            assert!(leads_to(&answer).starts_with("/login?return_to=%2Fadmin"), "{method} {path}");
        }
    }

    async fn what_may_not_be_done_is_not_shown(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let viewer = app.user_of_role("vera", "viewer").await;
        let mut browser = app.browser_of(&viewer.email).await;
        for place in ["/admin/users".to_owned(), format!("/admin/users/{}", ada.id), "/admin/keys".to_owned()] {
            let page = browser.open(&place).await.expect(200);
            let forms: Vec<&str> = page.text.split("method=\"post\" action=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
            assert_eq!(forms, ["/logout"], "{place}");
        }
        let plain = app.browser_of("ada@example.com").await.open("/account").await.expect(200);
        assert!(!plain.text.contains("/admin"), "{}", plain.text);
    }

    async fn a_user_is_found_changed_locked_out_and_deleted(backend) {
        let app = TestApp::start(backend).await;
        let root = app.admin("root").await;
        let ada = app.user("ada").await;
        for number in 0..25 {
            app.user(&format!("user{number}")).await;
        }
        let mut victim = app.browser_of("ada@example.com").await;
        let mut admin = app.browser_of(&root.email).await;
        let found = admin.open("/admin/users?query=ada&role=user&status=active").await.expect(200);
        assert_eq!(found.text.matches("href=\"/admin/users/0").count(), 1, "{}", found.text);
        let first = admin.open("/admin/users?query=user&role=&status=").await.expect(200);
        let next = first.text.split_once("class=\"button\" href=\"").unwrap().1.split('"').next().unwrap().replace("&#38;", "&");
        let second = admin.open(&next).await.expect(200);
        let rows = |text: &str| text.matches("href=\"/admin/users/0").count();
        assert_eq!((rows(&first.text), rows(&second.text)), (20, 5));
        let page = format!("/admin/users/{}", ada.id);
        // A form that changes nothing ends no session.
        let as_made = ["", "user", "active", ""];
        assert_eq!(leads_to(&admin.submit(&page, &page, &form(as_made, as_made)).await), format!("{page}?done=saved"));
        ada.client.get("/me").await.expect(200);
        let role = form(as_made, ["Ada", "viewer", "active", "yes"]);
        admin.submit(&page, &page, &role).await.expect(303);
        victim.open("/admin/users?query=ada").await.expect(200);
        assert!(victim.page.contains("Ada"), "a new role acts at once, and its session goes on");
        // What another administrator has changed since the form was shown stays as it is.
        admin.submit(&page, &page, &form(["", "user", "active", ""], ["Countess", "user", "active", ""])).await.expect(303);
        let stored = admin.open(&page).await.expect(200).text;
        assert!(stored.contains("<dt>Role</dt><dd>viewer</dd>") && stored.contains("value=\"Countess\""), "{stored}");
        let nonsense = form(["", "user", "active", ""], ["", "user", "asleep", ""]);
        admin.submit(&page, &page, &nonsense).await.expect(422);
        admin.submit(&page, &format!("{page}/lock-out"), &[]).await.expect(422);
        admin.submit(&page, &format!("{page}/lock-out"), &[("sure", "yes")]).await.expect(303);
        assert!(leads_to(&victim.open("/account").await).ends_with("&ended=1"));
        victim.sign_in("ada@example.com", PASSWORD).await.expect(401);
        admin.submit(&page, &format!("{page}/reset"), &[]).await.expect(303);
        let link = app.link_to("ada@example.com", "reset").await;
        let fields = [("token", link.as_str()), ("new_password", "violet kettle 41 harbour")];
        victim.submit(&format!("/reset?token={link}"), "/reset", &fields).await.expect(303);
        assert_eq!(leads_to(&admin.submit(&page, &format!("{page}/delete"), &[("sure", "yes")]).await), "/admin/users?done=user_deleted");
        admin.open(&page).await.expect(404);
        let own = format!("/admin/users/{}", root.id);
        let last = admin.submit(&own, &format!("{own}/delete"), &[("sure", "yes")]).await.expect(409);
        assert!(last.text.contains("last active administrator"), "{}", last.text);
        let last = admin.send(&own, &form(["", "admin", "active", "yes"], ["", "user", "active", "yes"])).await.expect(409);
        assert!(last.text.contains("role=\"alert\""), "{}", last.text);
    }

    async fn a_status_and_a_role_that_this_version_does_not_know_are_shown_and_stay_until_another_one_is_chosen(backend) {
        let app = TestApp::start(backend).await;
        let root = app.admin("root").await;
        let ada = app.user("ada").await;
        app.database.sql(&format!("UPDATE users SET status = 'suspended', role = 'auditor' WHERE id = '{}'", ada.id));
        let mut admin = app.browser_of(&root.email).await;
        let found = admin.open("/admin/users?query=ada").await.expect(200);
        assert!(found.text.contains("<span class=\"tag bad\">suspended</span>"), "{}", found.text);
        let page = format!("/admin/users/{}", ada.id);
        let shown = admin.open(&page).await.expect(200).text;
        assert!(shown.contains("<span class=\"tag bad\">suspended</span>"), "{shown}");
        assert!(shown.contains("<option value=\"suspended\" selected>suspended</option>"), "{shown}");
        assert!(shown.contains("<option selected>auditor</option>"), "{shown}");
        assert_eq!(shown.matches(" selected>").count(), 2, "{shown}");
        let as_shown = ["", "auditor", "suspended", ""];
        admin.submit(&page, &page, &form(as_shown, ["Ada", "auditor", "suspended", ""])).await.expect(303);
        let stored = async || root.client.get(&page).await.expect(200).json();
        let kept = stored().await;
        assert_eq!((&kept["name"], &kept["status"], &kept["role"]), (&"Ada".into(), &"suspended".into(), &"auditor".into()));
        let chosen = form(["Ada", "auditor", "suspended", ""], ["Ada", "user", "disabled", ""]);
        admin.submit(&page, &page, &chosen).await.expect(303);
        let chosen = stored().await;
        assert_eq!((&chosen["status"], &chosen["role"]), (&"disabled".into(), &"user".into()));
    }

    async fn sessions_and_keys_of_a_user_are_ended(backend) {
        let app = TestApp::start(backend).await;
        let root = app.admin("root").await;
        let ada = app.user("ada").await;
        let body = serde_json::json!({ "name": "backup" });
        let key = ada.client.post("/api-keys", &body).await.expect(201).json();
        let mut admin = app.browser_of(&root.email).await;
        let page = format!("/admin/users/{}", ada.id);
        app.clock.advance(Span::seconds(1));
        let mut phone = app.browser_of("ada@example.com").await;
        let shown = admin.open(&page).await.expect(200);
        let own = format!("action=\"{page}/sessions/");
        let newest = shown.text.split_once(&own).unwrap().1.split('/').next().unwrap().to_owned();
        admin.send(&format!("{page}/sessions/{newest}/end"), &[]).await.expect(303);
        assert!(leads_to(&phone.open("/account").await).ends_with("&ended=1"));
        ada.client.get("/me").await.expect(200);
        admin.submit(&page, &format!("{page}/sessions/end"), &[]).await.expect(303);
        ada.client.get("/me").await.expect(401);
        let script = app.anonymous().with_bearer(key["key"].as_str().unwrap());
        script.get("/me").await.expect(200);
        let revoke = format!("{page}/keys/{}/revoke", key["api_key"]["id"].as_str().unwrap());
        admin.submit(&page, &revoke, &[]).await.expect(303);
        script.get("/me").await.expect(401);
    }

    async fn a_user_is_invited_and_no_administrator_grants_what_they_do_not_hold(backend) {
        let app = Builder::new(backend).set("roles.support", "[\"users:read\", \"users:write\"]").start().await;
        let support = app.user_of_role("sue", "support").await;
        let mut browser = app.browser_of(&support.email).await;
        let fields = [("email", "ada@example.com"), ("name", "Ada"), ("new_role", "user"), ("email_verified", "yes")];
        let invited = browser.submit("/admin/users", "/admin/users", &fields).await;
        let page = leads_to(&invited).replace("?done=user_invited", "");
        assert!(browser.open(&page).await.expect(200).text.contains("<h1>ada@example.com</h1>"));
        app.link_to("ada@example.com", "reset").await;
        let taken = browser.submit("/admin/users", "/admin/users", &fields).await.expect(409);
        assert!(taken.text.contains("id=\"email-fault\"") && taken.text.contains("value=\"Ada\""), "{}", taken.text);
        for (role, status) in [("admin", 403), ("nobody", 422)] {
            let more = [("email", "eve@example.com"), ("new_role", role)];
            let refused = browser.submit("/admin/users", "/admin/users", &more).await.expect(status);
            assert!(refused.text.contains("id=\"new_role-fault\""), "{}", refused.text);
        }
        let raise = form(["Ada", "user", "active", "yes"], ["Ada", "admin", "active", "yes"]);
        let refused = browser.submit(&page, &page, &raise).await.expect(403);
        assert!(refused.text.contains("id=\"role-fault\""), "{}", refused.text);
    }

    async fn the_audit_log_is_filtered_paged_and_verified(backend) {
        let app = TestApp::start(backend).await;
        let root = app.admin("root").await;
        let ada = app.user("ada").await;
        for _ in 0..21 {
            app.login("ada@example.com").await;
        }
        let mut admin = app.browser_of(&root.email).await;
        let page = admin.open(&format!("/admin/audit?action=signed_in&user={}&since=&until=", ada.id)).await.expect(200);
        assert_eq!(page.text.matches("<code>signed_in</code>").count(), 20, "{}", page.text);
        let next = page.text.split_once("class=\"button\" href=\"").unwrap().1.split('"').next().unwrap().replace("&#38;", "&");
        let page = admin.open(&next).await.expect(200);
        assert_eq!(page.text.matches("<code>signed_in</code>").count(), 1, "{}", page.text);
        let none = admin.open("/admin/audit?since=2000-01-01T00:00&until=2000-01-02T00:00").await.expect(200);
        assert!(none.text.contains("Nothing to show."), "{}", none.text);
        for (bad, field) in [("user=ada", "user"), ("since=yesterday", "since"), ("until=-5000-01-01T00:00:00Z", "until")] {
            let refused = admin.open(&format!("/admin/audit?{bad}")).await.expect(422);
            assert!(refused.text.contains(&format!("id=\"{field}-fault\"")), "{}", refused.text);
        }
        let refused = admin.open("/admin/audit?cursor=x").await.expect(422);
        assert!(refused.text.contains("<li>The cursor was not given out here.</li>") && refused.text.contains("href=\"/admin\""), "{}", refused.text);
        app.service().audit_log().seal(app.operator().now).await.unwrap();
        let verified = admin.submit("/admin/audit", "/admin/audit/verify", &[]).await.expect(200);
        assert!(verified.text.contains("No tampering found:"), "{}", verified.text);
    }

    async fn keys_are_rotated_when_the_next_one_is_old_enough(backend) {
        let app = TestApp::start(backend).await;
        let root = app.admin("root").await;
        let mut admin = app.browser_of(&root.email).await;
        let early = admin.submit("/admin/keys", "/admin/keys", &[]).await.expect(409);
        assert!(early.text.contains("role=\"alert\"") && early.text.contains("it may sign from "), "{}", early.text);
        app.clock.advance(Span::minutes(21));
        assert_eq!(leads_to(&admin.submit("/admin/keys", "/admin/keys", &[]).await), "/admin/keys?done=keys_rotated");
        let page = admin.open("/admin/keys").await.expect(200);
        for state in ["active", "next", "retiring"] {
            assert!(page.text.contains(&format!(">{state}</span>")), "{}", page.text);
        }
        let stolen = admin.send("/admin/keys", &[("compromised", "yes")]).await;
        assert_eq!(leads_to(&stolen), "/admin/keys?done=keys_rotated");
        // The access tokens that it signed are invalid now; a refresh issues new ones.
        admin.open("/admin/keys").await.expect(200);
    }

    async fn the_overview_draws_what_happened(backend) {
        let app = Builder::new(backend).set("limits.enabled", "true").set("limits.register_per_address", "1/1h").start().await;
        let ada = app.user("ada").await;
        let root = app.admin("root").await;
        app.refresh(&ada.refresh).await.expect(200);
        app.browser().sign_in("ada@example.com", "violet kettle").await.expect(401);
        let fields = [("email", "eve@example.com"), ("password", PASSWORD)];
        app.browser().submit("/register", "/register", &fields).await.expect(429);
        let mut admin: Browser = app.browser_of(&root.email).await;
        for range in ["day", "week", "month", "century"] {
            let page = admin.open(&format!("/admin?range={range}")).await.expect(200);
            let total = |title: &str| {
                let (_, rest) = page.text.split_once(&format!("<strong>{title}</strong>")).unwrap();
                rest.split_once("hint\">").unwrap().1.split(' ').next().unwrap().parse::<u64>().unwrap()
            };
            // The user registered; the administrator signed in twice, by the API and here.
            assert_eq!((total("Sign-ins"), total("Failed sign-ins"), total("Refreshes")), (3, 1, 1), "{range}");
            assert_eq!(page.text.matches("<rect class=\"bar").count(), 3, "{}", page.text);
            let (_, limit) = page.text.split_once("<code>register_per_address</code>").unwrap();
            assert!(limit.contains("up to 1 at once, refilled within 1 h"), "{limit}");
            assert!(limit.split("</tr>").next().unwrap().ends_with(">1</td>"), "{limit}");
        }
    }
}
