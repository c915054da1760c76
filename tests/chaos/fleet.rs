//! The nodes of a run and their backends, the load, and the rounds: load, fault, recovery, audit.

use crate::{
    audit::{Depth, audit, check_everywhere},
    load::{Caller, Load},
    random::Random,
    report::Row,
    scenario::Scenario,
};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tests::Server;

/// How soon every node must have recovered once the cause is gone: "seconds".
const WELL_WITHIN: Duration = Duration::from_secs(30);

/// The settings of every server of a run: few threads, tokens that outlive the run, and idle connections that the client closes first
/// (after 90 s). When the server closes an unused connection it sends a 408, which would answer a request that crosses it.
pub(crate) const SETTINGS: [(&str, &str); 8] = [
    // All nodes share the secret, so a repeated token is identical on each, byte for byte.
    ("KEYWARD__SERVER__PUBLIC_URL", "http://127.0.0.1:8080"),
    ("KEYWARD__SERVER__WORKERS", "1"),
    ("KEYWARD__PASSWORD__THREADS", "1"),
    ("KEYWARD__DATABASE__POOL_SIZE", "4"),
    ("KEYWARD__TOKENS__ACCESS_TTL", "12h"),
    ("KEYWARD__LOG__LEVEL", "warn"),
    ("KEYWARD__SERVER__HEADER_TIMEOUT", "120s"),
    ("KEYWARD__SERVER__KEEP_ALIVE", "120s"),
];

/// How a server of the run is started: its program, its launcher, and its environment.
#[derive(Clone, Default)]
pub(crate) struct Launch {
    /// `None`: the program that this build made.
    pub(crate) program: Option<PathBuf>,
    pub(crate) launcher: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
}

impl Launch {
    /// A launch with this environment and [`SETTINGS`].
    pub(crate) fn with(environment: Vec<(String, String)>) -> Self {
        let mut launch = Self {
            program: None,
            launcher: Vec::new(),
            environment,
        };
        for (name, value) in SETTINGS {
            launch.set(name, value);
        }
        launch
    }

    /// Sets a variable.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    fn start(&self) -> Server {
        self.try_start()
            .unwrap_or_else(|log| panic!("the server did not start:\n{log}"))
    }
}

impl Launch {
    /// Starts it, or returns what it printed.
    pub(crate) fn try_start(&self) -> Result<Server, String> {
        let program = self.program.clone().unwrap_or_else(tests::binary);
        Server::try_start_of(&program, &self.launcher, &self.environment)
    }
}

/// The nodes and the callers of a run.
pub(crate) struct Fleet {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) random: Random,
    launches: Vec<Launch>,
    servers: Vec<Server>,
    callers: Vec<Caller>,
    load: Option<Load>,
    name: &'static str,
    seed: u64,
    rounds: u32,
    slowest: Duration,
}

impl Fleet {
    /// Starts a node for each launch, and creates this number of callers.
    #[expect(clippy::print_stdout, reason = "kept back, and shown where the test fails")]
    pub(crate) fn start(name: &'static str, launches: Vec<Launch>, callers: usize, seed: u64) -> Self {
        println!("{name}: KEYWARD_CHAOS_SEED={seed}");
        let mut random = Random::of(seed);
        let scenario = Arc::new(Scenario::new(launches.len()));
        let servers: Vec<Server> = launches.iter().map(Launch::start).collect();
        for (node, server) in servers.iter().enumerate() {
            scenario.up(node, server.client());
        }
        Self {
            scenario,
            callers: Caller::several(callers, &mut random),
            random,
            launches,
            servers,
            load: None,
            name,
            seed,
            rounds: 0,
            slowest: Duration::ZERO,
        }
    }

    /// How many nodes there are.
    pub(crate) fn nodes(&self) -> usize {
        self.servers.len()
    }

    /// Starts the load.
    pub(crate) fn load(&mut self) {
        self.load = Some(Load::start(&self.scenario, std::mem::take(&mut self.callers)));
    }

    /// Stops the load: each caller finishes its call.
    pub(crate) async fn stop_load(&mut self) {
        if let Some(load) = self.load.take() {
            self.callers = load.stop(&self.scenario).await;
        }
    }

    /// Kills a node.
    pub(crate) fn kill(&mut self, node: usize) {
        self.scenario.killed(node);
        self.servers[node].kill();
        self.scenario.down(node);
    }

    /// Restarts a node on its data.
    pub(crate) fn start_again(&mut self, node: usize) {
        self.servers[node] = self.launches[node].start();
        self.scenario.up(node, self.servers[node].client());
    }

    /// Adds a node, and waits until it is ready.
    pub(crate) async fn join(&mut self, launch: Launch) {
        let node = self.scenario.add_node();
        self.servers.push(launch.start());
        self.launches.push(launch);
        self.until_ready(node, true).await;
        self.scenario.up(node, self.servers[node].client());
    }

    /// Replaces a node under load, as an operator does: it gets no more requests, shuts down gracefully, and another node takes its place
    /// once it is ready. No other answer is allowed meanwhile.
    pub(crate) async fn replace(&mut self, node: usize, launch: Launch) {
        self.scenario.down(node);
        // No request to it is in flight any longer. The load then continues with the other nodes.
        self.stop_load().await;
        self.load();
        let _log = self.servers[node].log_to_the_end();
        self.servers[node] = launch.start();
        self.launches[node] = launch;
        self.until_ready(node, true).await;
        self.scenario.up(node, self.servers[node].client());
    }

    /// The callers, while the load is stopped.
    pub(crate) fn callers(&mut self) -> &mut [Caller] {
        &mut self.callers
    }

    /// Waits until every node reports that it is ready: within seconds, without a restart. From then on only decisions are allowed.
    pub(crate) async fn recover(&mut self) {
        let begun = Instant::now();
        for node in 0..self.nodes() {
            self.until_ready(node, true).await;
        }
        self.slowest = self.slowest.max(begun.elapsed());
        self.scenario.well();
    }

    /// Waits until a node reports that it is ready, or that it is not, and returns the report.
    pub(crate) async fn until_ready(&self, node: usize, ready: bool) -> String {
        let (client, begun) = (self.servers[node].client(), Instant::now());
        let wanted = if ready { 200 } else { 503 };
        loop {
            let answer = client.get("/health/ready").await;
            if answer.status == wanted {
                return answer.text;
            }
            assert!(
                begun.elapsed() < WELL_WITHIN,
                "{}, seed {}: node {node} is not {wanted} within {WELL_WITHIN:?}: {}\n{}",
                self.name,
                self.seed,
                answer.text,
                self.servers[node].log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// In the middle of a fault: checks on every node what was revoked meanwhile, and continues the load.
    pub(crate) async fn check_during_fault(&mut self) {
        self.stop_load().await;
        check_everywhere(&self.scenario, &mut self.callers).await;
        self.load();
    }

    /// Ends a round: audits the accounts that the load has used. Returns false after a violation.
    pub(crate) async fn end_round(&mut self) -> bool {
        self.rounds += 1;
        self.audit(Depth::Recent).await;
        for caller in &mut self.callers {
            caller.retire_the_uncertain();
        }
        !self.scenario.is_broken()
    }

    /// Ends the run: audits every account, and returns the row of the table.
    pub(crate) async fn finish(mut self) -> Row {
        self.stop_load().await;
        if !self.scenario.is_broken() {
            self.audit(Depth::Everything).await;
        }
        Row {
            name: self.name,
            seed: self.seed,
            rounds: self.rounds,
            counts: self.scenario.counts(),
            slowest: self.slowest,
            violations: self.scenario.violations(),
            took: self.scenario.now(),
        }
    }

    async fn audit(&mut self, depth: Depth) {
        audit(&self.scenario, &mut self.callers, depth, &mut self.random).await;
    }
}
