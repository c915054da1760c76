//! Two servers on one PostgreSQL and one Redis act as one.

use serde_json::json;
use std::collections::HashSet;
use tests::{Backend, Database, PASSWORD, Server};

fn two() -> (Database, Server, Server) {
    let database = Database::create(Backend::Fleet);
    let one = Server::start(&database, &[]);
    let two = Server::start(&database, &[]);
    (database, one, two)
}

async fn register(server: &Server, email: &str) -> tests::Answer {
    server
        .client()
        .post("/register", &json!({ "email": email, "password": PASSWORD }))
        .await
        .expect(201)
}

#[tokio::test]
async fn a_token_signed_out_on_one_node_is_refused_on_the_other_at_once() {
    let (_database, one, two) = two();
    for round in 0..20 {
        let email = format!("ada{round}@example.com");
        let tokens = register(&one, &email).await;
        let (access, refresh) = (tokens.field("access_token"), tokens.field("refresh_token"));
        two.client().with_bearer(&access).get("/verify").await.expect(204);
        let (route, code) = if round % 2 == 0 {
            ("/logout", "token_revoked")
        } else {
            ("/logout-all", "all_sessions_revoked")
        };
        one.client()
            .with_bearer(&access)
            .post_nothing(route)
            .await
            .expect(200);
        assert_eq!(
            two.client()
                .with_bearer(&access)
                .get("/me")
                .await
                .expect(401)
                .code(),
            code
        );
        let refused = two
            .client()
            .post("/refresh", &json!({ "refresh_token": refresh }))
            .await
            .expect(401);
        assert_eq!(refused.code(), "token_revoked");
        let again = two
            .client()
            .post("/login", &json!({ "email": email, "password": PASSWORD }))
            .await
            .expect(200);
        one.client()
            .with_bearer(&again.field("access_token"))
            .get("/me")
            .await
            .expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_refreshes_over_both_nodes_have_one_winner() {
    let (_database, one, two) = two();
    let clients = [one.client(), two.client()];
    for round in 0..5 {
        let token = register(&one, &format!("ada{round}@example.com"))
            .await
            .field("refresh_token");
        let body = json!({ "refresh_token": token });
        let all = futures::future::join_all((0..64).map(|n| clients[n % 2].post("/refresh", &body))).await;
        let won: Vec<_> = all.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(won.len(), 1, "round {round}");
        for lost in all.iter().filter(|answer| answer.status != 200) {
            assert_eq!((lost.status, lost.code().as_str()), (401, "token_already_used"));
        }
        let next = json!({ "refresh_token": won[0].field("refresh_token") });
        two.client().post("/refresh", &next).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_of_a_session_works_after_a_sign_out_that_raced_a_refresh() {
    let (_database, one, two) = two();
    for round in 0..20 {
        let tokens = register(&one, &format!("ada{round}@example.com")).await;
        let (access, refresh) = (tokens.field("access_token"), tokens.field("refresh_token"));
        let (signed_in, other) = (one.client().with_bearer(&access), two.client());
        let body = json!({ "refresh_token": refresh });
        let (ended, refreshed) =
            tokio::join!(signed_in.post_nothing("/logout"), other.post("/refresh", &body));
        ended.expect(200);
        if refreshed.status == 200 {
            for server in [&one, &two] {
                let late = server
                    .client()
                    .with_bearer(&refreshed.field("access_token"))
                    .get("/me")
                    .await;
                late.expect(401);
            }
            let again = json!({ "refresh_token": refreshed.field("refresh_token") });
            two.client().post("/refresh", &again).await.expect(401);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_on_an_empty_database_agree_on_schema_and_keys() {
    let database = Database::create(Backend::Fleet);
    let environment = database.environment();
    let servers = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| Server::try_start(&environment)))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap().unwrap_or_else(|log| panic!("{log}")))
            .collect::<Vec<_>>()
    });
    let mut sets = HashSet::new();
    for server in &servers {
        sets.insert(
            server
                .client()
                .get("/.well-known/jwks.json")
                .await
                .expect(200)
                .text,
        );
    }
    assert_eq!(sets.len(), 1, "{sets:?}");
    let access = register(&servers[0], "ada@example.com")
        .await
        .field("access_token");
    for server in &servers {
        server.client().with_bearer(&access).get("/me").await.expect(200);
    }
    let printed = servers
        .iter()
        .filter(|server| server.log().contains("set-up token:"))
        .count();
    assert_eq!(printed, 1, "one node prints the set-up token");
}

#[tokio::test]
async fn without_redis_a_sign_out_is_answered_when_every_node_knows_it() {
    let database = Database::create(Backend::Postgres);
    let (one, two) = (Server::start(&database, &[]), Server::start(&database, &[]));
    for round in 0..2 {
        let access = register(&one, &format!("ada{round}@example.com"))
            .await
            .field("access_token");
        two.client().with_bearer(&access).get("/verify").await.expect(204);
        one.client()
            .with_bearer(&access)
            .post_nothing("/logout")
            .await
            .expect(200);
        two.client().with_bearer(&access).get("/verify").await.expect(401);
    }
}
