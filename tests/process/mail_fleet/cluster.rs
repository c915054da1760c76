//! A cluster: nodes on one database that send through one mail server.

use futures::future::join_all;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tests::{Backend, Client, Database, MailServer, PASSWORD, Received, Server, run};

/// How long any step may take. No passing test waits this long. A mail that a killed node had claimed waits for the end of its lease.
const PATIENCE: Duration = Duration::from_secs(90);
/// The password that links set.
const NEW_PASSWORD: &str = "another horse, another staple";
/// How many mails may be queued before the load requests more.
const ON_THE_WAY: usize = 60;

/// The purpose of a mail with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Verify,
    Reset,
}

impl Kind {
    pub(super) const fn page(self) -> &'static str {
        match self {
            Self::Verify => "verify-email",
            Self::Reset => "reset",
        }
    }

    pub(super) fn token(self, mail: &Received) -> Option<String> {
        mail.token(self.page())
    }
}

/// The recipient of a mail and its kind. Each address here is registered once and requests one reset.
pub(super) type Purpose = (String, Kind);

/// The arrivals of each mail with a link.
pub(super) fn mails_by_purpose(mails: &[Received]) -> BTreeMap<Purpose, Vec<&Received>> {
    let mut all: BTreeMap<Purpose, Vec<&Received>> = BTreeMap::new();
    for mail in mails {
        for kind in [Kind::Verify, Kind::Reset] {
            if kind.token(mail).is_some() {
                all.entry((mail.to.clone(), kind)).or_default().push(mail);
            }
        }
    }
    all
}

/// Waits until the condition holds.
#[track_caller]
pub(super) fn until(what: &str, mut question: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let begun = Instant::now();
    async move {
        while !question() {
            assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The nodes, the mail server, and the database between them.
pub(super) struct Cluster {
    pub(super) mail: MailServer,
    pub(super) nodes: Vec<Server>,
    /// The killed nodes. Their logs are checked as well.
    gone: Vec<Server>,
    /// The clients of the nodes that are up.
    clients: Arc<Mutex<Vec<Client>>>,
    environment: Vec<(String, String)>,
    pub(super) database: Database,
}

impl Cluster {
    /// Starts a mail server with these options of `server.py`, and this number of nodes with these settings, by their keys.
    pub(super) fn open(backend: Backend, nodes: usize, options: &[&str], settings: &[(&str, &str)]) -> Self {
        let (database, mail) = (Database::create(backend), MailServer::start(options));
        let mut environment = database.environment();
        environment.extend(mail.environment());
        let always = [
            ("MAIL__FROM", "Keyward <no-reply@id.example.com>"),
            ("MAIL__LINK_BASE", "https://id.example.com"),
        ];
        let settings = always.iter().chain(settings);
        environment.extend(settings.map(|(key, value)| (format!("KEYWARD__{key}"), (*value).to_owned())));
        let nodes: Vec<_> = (0..nodes).map(|_| started(&environment)).collect();
        Self {
            mail,
            clients: Arc::new(Mutex::new(nodes.iter().map(Server::client).collect())),
            nodes,
            gone: Vec::new(),
            environment,
            database,
        }
    }

    /// How many different mails have arrived, by their Message-ID.
    pub(super) fn arrived(&self) -> usize {
        let ids: BTreeSet<String> = self.mail.mails().into_iter().map(|mail| mail.id).collect();
        ids.len()
    }

    /// Asserts that each mail arrived once, and once more for each answer of the mail server that came too late on a busy machine. In
    /// that case the log says so for this mail, and the repeated mail is identical to the byte.
    pub(super) fn each_came_once_or_its_answer_was_late(&self) {
        let (mails, log) = (self.mail.mails(), self.nodes[0].log());
        let mut by_id: BTreeMap<&str, Vec<&Received>> = BTreeMap::new();
        for mail in &mails {
            by_id.entry(&mail.id).or_default().push(mail);
        }
        for (id, same) in by_id {
            let row = id.trim_start_matches('<').split('@').next().unwrap();
            let late = log
                .lines()
                .filter(|line| line.contains(row) && line.contains("did not answer the message"))
                .count();
            assert!(same.len() <= 1 + late, "{id} came {} times:\n{log}", same.len());
            assert!(same.iter().all(|mail| mail.raw == same[0].raw), "{id}");
        }
    }

    /// A client of one of the nodes, in turn.
    pub(super) fn client(&self, n: usize) -> Client {
        let clients = self.clients.lock().unwrap();
        clients[n % clients.len()].clone()
    }

    /// How many mails wait and how many were given up, according to `keyward mail status`.
    pub(super) fn status(&self) -> (u64, u64) {
        let said = run(&["mail", "status", "--json"], &self.environment, "");
        assert_eq!(said.code, 0, "{}", said.stderr);
        let said: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        let count = |name: &str| said[name].as_u64().unwrap();
        (count("waiting"), count("failed"))
    }

    /// The mails that are not sent, according to `keyward mail list`.
    pub(super) fn unsent(&self) -> Vec<serde_json::Value> {
        let said = run(&["mail", "list", "--json"], &self.environment, "");
        assert_eq!(said.code, 0, "{}", said.stderr);
        serde_json::from_str(&said.stdout).unwrap()
    }

    /// Retries mails with `keyward mail retry`.
    pub(super) fn retry(&self, which: &[&str]) -> String {
        let said = run(&[&["mail", "retry"], which].concat(), &self.environment, "");
        assert_eq!(said.code, 0, "{}", said.stderr);
        said.stdout
    }

    /// Waits until the outbox is empty; nothing was given up.
    pub(super) async fn all_are_sent(&self) {
        until("the outbox is empty", || {
            let (waiting, failed) = self.status();
            assert_eq!(failed, 0, "mails were given up");
            waiting == 0
        })
        .await;
    }

    /// Kills a node as a power cut would, and starts another in its place.
    pub(super) fn kill_and_start_again(&mut self, node: usize) {
        self.nodes[node].kill();
        let new = started(&self.environment);
        self.clients.lock().unwrap()[node] = new.client();
        self.gone.push(std::mem::replace(&mut self.nodes[node], new));
    }

    /// A worker that requests mails from all nodes until `stop` is set. Returns the mails that were promised.
    pub(super) fn load(
        &self,
        worker: usize,
        stop: Arc<AtomicBool>,
    ) -> impl Future<Output = Vec<Purpose>> + use<> {
        let (clients, arrived) = (Arc::clone(&self.clients), self.mail.counter());
        async move {
            let mut promised: Vec<Purpose> = Vec::new();
            let mut turn = worker;
            let mut next = || {
                turn += 1;
                let clients = clients.lock().unwrap();
                clients[turn % clients.len()].clone()
            };
            for n in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                if promised.len() > arrived() / WORKERS + ON_THE_WAY / WORKERS {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
                let email = format!("w{worker}n{n}@example.com");
                let body = json!({ "email": email, "password": PASSWORD });
                // A killed node acknowledges nothing, but its mail may arrive nevertheless.
                if accepted(&next(), "/register", &body, 201).await {
                    promised.push((email.clone(), Kind::Verify));
                    if accepted(&next(), "/password/forgot", &json!({ "email": email }), 202).await {
                        promised.push((email, Kind::Reset));
                    }
                }
            }
            promised
        }
    }

    /// Uses the link of every mail once, however often the mail arrived, and asserts that each works. All are used at once, because
    /// without Redis the answer to a reset waits until every node knows that the earlier sessions have ended.
    pub(super) async fn links_work(&self, mails: &[Received]) {
        let all = mails_by_purpose(mails);
        for kind in [Kind::Verify, Kind::Reset] {
            let of_kind = all.iter().filter(|((_, of), _)| *of == kind).enumerate();
            let used = of_kind.map(|(n, ((email, _), same))| {
                let (client, token) = (self.client(n), kind.token(same[0]).unwrap());
                async move {
                    // A first confirmation would end the reset link of the same user. The kind of refusal shows that the link is valid.
                    let (path, body, expected) = match kind {
                        Kind::Verify => ("/email/verify", json!({ "token": token }), 422),
                        Kind::Reset => (
                            "/password/reset",
                            json!({ "token": token, "new_password": NEW_PASSWORD }),
                            204,
                        ),
                    };
                    let answer = client.post(path, &body).await;
                    assert_eq!(answer.status, expected, "{kind:?} of {email}: {}", answer.text);
                }
            });
            join_all(used).await;
        }
    }

    /// Shuts the nodes down gracefully, and asserts that none of their logs contains a link or a password.
    pub(super) fn close(mut self) {
        let mut logs: Vec<String> = self.nodes.iter_mut().map(Server::log_to_the_end).collect();
        logs.extend(self.gone.iter().map(Server::log));
        let mails = self.mail.mails();
        let tokens = mails.iter().flat_map(Received::tokens);
        let secrets: Vec<_> = tokens
            .chain([PASSWORD.to_owned(), NEW_PASSWORD.to_owned()])
            .collect();
        for log in &logs {
            assert!(!log.is_empty());
            for secret in &secrets {
                assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
            }
        }
    }
}

/// How many workers request mails at the same time.
pub(super) const WORKERS: usize = 4;

fn started(environment: &[(String, String)]) -> Server {
    Server::try_start(environment).unwrap_or_else(|log| panic!("the server did not start:\n{log}"))
}

async fn accepted(client: &Client, path: &str, body: &serde_json::Value, status: u16) -> bool {
    let request = client.request(reqwest::Method::POST, path).json(body);
    let Ok(answer) = client.try_send(request).await else {
        return false;
    };
    answer.expect(status);
    true
}

/// Registers a user, who receives a mail with a link.
pub(super) async fn register(client: &Client, email: &str) {
    let body = json!({ "email": email, "password": PASSWORD });
    client.post("/register", &body).await.expect(201);
}

/// Requests a password reset. The answer is the same for every email address.
pub(super) async fn forgot(client: &Client, email: &str) {
    client
        .post("/password/forgot", &json!({ "email": email }))
        .await
        .expect(202);
}
