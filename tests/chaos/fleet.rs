//! The nodes of a run and what they stand on, the load, and the rounds: load, fault, recovery, audit.

use crate::{
    audit::{Depth, audit, check_everywhere},
    chance::Chance,
    load::{Caller, Load},
    report::Row,
    scenario::Scenario,
};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tests::Server;

/// How soon all must be well again once the cause is gone: "seconds".
const WELL_WITHIN: Duration = Duration::from_secs(30);

/// What every server of a run is told: few threads, tokens that outlive the run, and idle connections that the client gives up
/// first (after 90 s). An unused one that the server gives up is told 408, which would answer a request that crosses it.
pub(crate) const SETTINGS: [(&str, &str); 8] = [
    // All nodes have the same: a token that is repeated is the same on each, byte for byte.
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
    /// With this environment and [`SETTINGS`].
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
    /// Starts it, or tells what it printed.
    pub(crate) fn try_start(&self) -> Result<Server, String> {
        let program = self.program.clone().unwrap_or_else(tests::binary);
        Server::try_start_of(&program, &self.launcher, &self.environment)
    }
}

/// The nodes and the callers of a run.
pub(crate) struct Fleet {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) chance: Chance,
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
    /// Starts a node for each launch, and calls in so many callers.
    #[expect(clippy::print_stdout, reason = "kept back, and shown where the test fails")]
    pub(crate) fn start(name: &'static str, launches: Vec<Launch>, callers: usize, seed: u64) -> Self {
        println!("{name}: KEYWARD_CHAOS_SEED={seed}");
        let mut chance = Chance::of(seed);
        let scenario = Arc::new(Scenario::new(launches.len()));
        let servers: Vec<Server> = launches.iter().map(Launch::start).collect();
        for (node, server) in servers.iter().enumerate() {
            scenario.up(node, server.client());
        }
        Self {
            scenario,
            callers: Caller::several(callers, &mut chance),
            chance,
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

    /// Sets the callers to work.
    pub(crate) fn load(&mut self) {
        self.load = Some(Load::start(&self.scenario, std::mem::take(&mut self.callers)));
    }

    /// Lets the callers finish.
    pub(crate) async fn quiet(&mut self) {
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

    /// Starts a node anew on what it left.
    pub(crate) fn start_again(&mut self, node: usize) {
        self.servers[node] = self.launches[node].start();
        self.scenario.up(node, self.servers[node].client());
    }

    /// One node more, once it is ready.
    pub(crate) async fn join(&mut self, launch: Launch) {
        let node = self.scenario.one_more();
        self.servers.push(launch.start());
        self.launches.push(launch);
        self.until_ready(node, true).await;
        self.scenario.up(node, self.servers[node].client());
    }

    /// Replaces a node under load, as an operator does: it is asked no more, ends in order, and another takes its place once it is
    /// ready. Nothing is excused meanwhile.
    pub(crate) async fn replace(&mut self, node: usize, launch: Launch) {
        self.scenario.down(node);
        // Nothing is on its way to it any more; the load then goes on with the others.
        self.quiet().await;
        self.load();
        let _log = self.servers[node].log_to_the_end();
        self.servers[node] = launch.start();
        self.launches[node] = launch;
        self.until_ready(node, true).await;
        self.scenario.up(node, self.servers[node].client());
    }

    /// The callers, while they rest.
    pub(crate) fn callers(&mut self) -> &mut [Caller] {
        &mut self.callers
    }

    /// Waits until every node says that it is ready: in seconds, without a restart. From then on nothing is excused.
    pub(crate) async fn well_again(&mut self) {
        let begun = Instant::now();
        for node in 0..self.nodes() {
            self.until_ready(node, true).await;
        }
        self.slowest = self.slowest.max(begun.elapsed());
        self.scenario.well();
    }

    /// Waits until a node says that it is ready, or that it is not, and gives what it said.
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

    /// At the height of a fault: what was revoked meanwhile is asked for on every node, and then the load goes on.
    pub(crate) async fn checked_meanwhile(&mut self) {
        self.quiet().await;
        check_everywhere(&self.scenario, &mut self.callers).await;
        self.load();
    }

    /// Ends a round: asks after everybody that the load has dealt with. False after a violation.
    pub(crate) async fn audited(&mut self) -> bool {
        self.rounds += 1;
        self.audit(Depth::Recent).await;
        for caller in &mut self.callers {
            caller.retire_the_uncertain();
        }
        !self.scenario.is_broken()
    }

    /// Ends the run: asks after everybody that there ever was, and gives the row of the table.
    pub(crate) async fn finished(mut self) -> Row {
        self.quiet().await;
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
        audit(&self.scenario, &mut self.callers, depth, &mut self.chance).await;
    }
}
