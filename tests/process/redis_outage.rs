//! Redis is flushed, killed, frozen, or restarted from an old snapshot. The rule: no revoked token is accepted and no valid one refused.

use serde_json::json;
use tests::{Backend, Client, Database, OwnRedis, PASSWORD, Server};

struct Fleet {
    one: Server,
    two: Server,
    redis: OwnRedis,
    number: u32,
    /// Access tokens of ended sessions, and of active ones.
    dead: Vec<String>,
    alive: Vec<String>,
    _database: Database,
}

impl Fleet {
    fn start() -> Self {
        let database = Database::create(Backend::Fleet);
        let redis = OwnRedis::start();
        let url = redis.url();
        let settings = [("REDIS_URL", url.as_str())];
        let (one, two) = (
            Server::start(&database, &settings),
            Server::start(&database, &settings),
        );
        Self {
            one,
            two,
            redis,
            number: 0,
            dead: Vec::new(),
            alive: Vec::new(),
            _database: database,
        }
    }

    /// One new user signs in on one node and out on the other; another stays signed in.
    async fn live(&mut self) {
        for stays in [false, true] {
            self.number += 1;
            let body = json!({ "email": format!("u{}@example.com", self.number), "password": PASSWORD });
            let access = self
                .one
                .client()
                .post("/register", &body)
                .await
                .expect(201)
                .field("access_token");
            if stays {
                self.alive.push(access);
            } else {
                let route = if self.number % 4 == 1 {
                    "/logout"
                } else {
                    "/logout-all"
                };
                self.two
                    .client()
                    .with_bearer(&access)
                    .post_nothing(route)
                    .await
                    .expect(200);
                self.dead.push(access);
            }
            self.check().await;
        }
    }

    async fn check(&self) {
        for server in [&self.one, &self.two] {
            let verify = |token: &str| -> Client { server.client().with_bearer(token) };
            for token in &self.dead {
                assert_eq!(
                    verify(token).get("/verify").await.status,
                    401,
                    "a revoked token was accepted"
                );
            }
            for token in &self.alive {
                assert_eq!(
                    verify(token).get("/verify").await.status,
                    204,
                    "a valid token was refused"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_flushed_redis_revives_nothing() {
    let mut fleet = Fleet::start();
    for _ in 0..5 {
        fleet.live().await;
        assert_eq!(fleet.redis.command("FLUSHALL"), "+OK\r\n");
        fleet.check().await;
    }
    fleet.live().await;
}

#[tokio::test]
async fn a_killed_redis_revives_nothing_and_nodes_reconnect_to_it() {
    let mut fleet = Fleet::start();
    fleet.live().await;
    fleet.redis.kill();
    fleet.check().await;
    fleet.live().await;
    fleet.redis.start_again();
    fleet.check().await;
    fleet.live().await;
}

#[tokio::test]
async fn a_frozen_redis_revives_nothing_and_delays_no_request_for_long() {
    let mut fleet = Fleet::start();
    fleet.live().await;
    fleet.redis.freeze();
    fleet.check().await;
    fleet.live().await;
    fleet.redis.thaw();
    fleet.check().await;
    fleet.live().await;
}

#[tokio::test]
async fn an_old_snapshot_of_redis_revives_nothing() {
    let mut fleet = Fleet::start();
    fleet.live().await;
    fleet.redis.snapshot();
    fleet.live().await;
    fleet.redis.kill();
    fleet.redis.start_again();
    fleet.check().await;
    fleet.live().await;
    fleet.check().await;
}

#[tokio::test]
async fn a_cluster_starts_without_redis_and_finds_it_later() {
    let database = Database::create(Backend::Fleet);
    let mut redis = OwnRedis::start();
    redis.kill();
    let url = redis.url();
    let server = Server::start(&database, &[("REDIS_URL", url.as_str())]);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let access = server
        .client()
        .post("/register", &body)
        .await
        .expect(201)
        .field("access_token");
    server.client().with_bearer(&access).get("/me").await.expect(200);
    redis.start_again();
    server
        .client()
        .with_bearer(&access)
        .post_nothing("/logout")
        .await
        .expect(200);
    server.client().with_bearer(&access).get("/me").await.expect(401);
}
