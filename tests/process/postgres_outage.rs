//! An outage of PostgreSQL, at the start or later. The rule: it is a 503 and never a 4xx, and the node recovers without a restart.

use serde_json::json;
use std::time::{Duration, Instant};
use tests::{Backend, Browser, Database, OwnPostgres, PASSWORD, Server, eventually, run};

fn environment(postgres: &OwnPostgres, database: &Database) -> Vec<(String, String)> {
    let mut environment = database.environment();
    environment.push(("DATABASE_URL".to_owned(), postgres.url()));
    environment
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_not_a_sign_out() {
    let postgres = OwnPostgres::start();
    let database = Database::create(Backend::Fleet);
    let server = Server::try_start(&environment(&postgres, &database)).unwrap_or_else(|log| panic!("{log}"));
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let tokens = server.client().post("/register", &body).await.expect(201);
    let client = server.client().with_bearer(&tokens.field("access_token"));
    let refresh = json!({ "refresh_token": tokens.field("refresh_token") });
    let mut browser = Browser::new(server.origin());
    browser.sign_in("ada@example.com", PASSWORD).await.expect(303);
    browser.open("/account").await.expect(200);
    postgres.stop();
    for _ in 0..3 {
        let kept = browser.cookies.clone();
        let page = browser.open("/account").await.expect(503);
        assert!(page.text.contains("<h1>Unavailable</h1>"), "{}", page.text);
        assert!(page.header("retry-after").is_some());
        assert_eq!(browser.cookies, kept, "no cookie is removed");
        // The access token has expired, and the refresh token can't be looked up.
        browser.cookies.remove("kw_access");
        browser.open("/account").await.expect(503);
        assert_eq!(browser.cookies["kw_refresh"], kept["kw_refresh"]);
        let login = server.client().post("/login", &body).await.expect(503);
        assert_eq!(login.code(), "unavailable");
        assert!(login.header("retry-after").is_some());
        assert_eq!(
            server
                .client()
                .post("/refresh", &refresh)
                .await
                .expect(503)
                .code(),
            "unavailable"
        );
        assert_eq!(client.get("/me").await.expect(503).code(), "unavailable");
        assert_eq!(
            client.post_nothing("/logout").await.expect(503).code(),
            "unavailable",
            "nothing unrecorded is answered"
        );
        server.client().get("/health/ready").await.expect(503);
        server.client().get("/health/live").await.expect(200);
    }
    postgres.start_again();
    let runtime = tokio::runtime::Handle::current();
    let probe = server.client();
    tokio::task::spawn_blocking(move || {
        eventually("the server is ready again", || {
            runtime.block_on(probe.get("/health/ready")).status == 200
        });
    })
    .await
    .unwrap();
    client.get("/me").await.expect(200);
    browser.open("/account").await.expect(200);
    server.client().post("/login", &body).await.expect(200);
    server.client().post("/refresh", &refresh).await.expect(200);
}

/// The connections stay open, and no answer comes.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_in_flight_wait_at_most_five_seconds_for_a_frozen_database() {
    let postgres = OwnPostgres::start();
    let database = Database::create(Backend::Fleet);
    let server = Server::try_start(&environment(&postgres, &database)).unwrap_or_else(|log| panic!("{log}"));
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let tokens = server.client().post("/register", &body).await.expect(201);
    let client = server.client().with_bearer(&tokens.field("access_token"));
    let refresh = json!({ "refresh_token": tokens.field("refresh_token") });
    let (anybody, again) = (server.client(), server.client());
    postgres.freeze();
    let begun = Instant::now();
    let timed = |answer: tests::Answer| (answer, begun.elapsed());
    let (me, login, refreshed, logout) = tokio::join!(
        async { timed(client.get("/me").await) },
        async { timed(anybody.post("/login", &body).await) },
        async { timed(again.post("/refresh", &refresh).await) },
        async { timed(client.post_nothing("/logout-all").await) },
    );
    // Nothing is read again, so later requests find the memory too old to decide.
    let asked = Instant::now();
    let verified = client.get("/verify").await;
    let check = asked.elapsed();
    postgres.thaw();
    for (what, (answer, waited), most) in [
        ("/me", me, 4),
        ("/login", login, 5),
        ("/refresh", refreshed, 5),
        ("/logout-all", logout, 5),
    ] {
        assert_eq!(answer.expect(503).code(), "unavailable", "{what}");
        assert!(waited < Duration::from_secs(most), "{what}: {waited:?}");
    }
    verified.expect(503);
    assert!(check < Duration::from_secs(4), "{check:?}");
    let runtime = tokio::runtime::Handle::current();
    let probe = server.client();
    tokio::task::spawn_blocking(move || {
        eventually("the server is ready again", || {
            runtime.block_on(probe.get("/health/ready")).status == 200
        });
    })
    .await
    .unwrap();
    server.client().post("/login", &body).await.expect(200);
}

#[tokio::test]
async fn a_database_that_is_down_at_the_start_is_named() {
    let postgres = OwnPostgres::start();
    let database = Database::create(Backend::Fleet);
    let environment = environment(&postgres, &database);
    postgres.stop();
    let refused = run(&["serve", "--bind", "127.0.0.1:0"], &environment, "");
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("no PostgreSQL server answers"),
        "{}",
        refused.stderr
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_waits_for_the_database_if_configured_to() {
    let postgres = OwnPostgres::start();
    let database = Database::create(Backend::Fleet);
    let mut environment = environment(&postgres, &database);
    environment.push(("KEYWARD__DATABASE__WAIT".to_owned(), "60s".to_owned()));
    postgres.stop();
    let server = std::thread::scope(|scope| {
        let start = scope.spawn(|| Server::try_start(&environment));
        postgres.start_again();
        start.join().unwrap()
    });
    let server = server.unwrap_or_else(|log| panic!("{log}"));
    server.client().get("/health/ready").await.expect(200);
}

#[tokio::test]
async fn an_old_schema_on_postgresql_names_the_command() {
    let database = Database::create(Backend::Fleet);
    let mut environment = database.environment();
    environment.push(("KEYWARD__DATABASE__AUTO_MIGRATE".to_owned(), "false".to_owned()));
    let refused = run(&["serve", "--bind", "127.0.0.1:0"], &environment, "");
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("keyward migrate up"),
        "{}",
        refused.stderr
    );
    assert_eq!(run(&["migrate", "up"], &environment, "").code, 0);
    let server = Server::try_start(&environment).unwrap_or_else(|log| panic!("{log}"));
    server.client().get("/health/ready").await.expect(200);
}
