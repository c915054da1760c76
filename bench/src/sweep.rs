//! Housekeeping while the service runs: a million rows that have had their day are swept, and nobody is to wait twice as long.
//!
//! A server's first sweep begins a minute after its start. Before that the same load is measured on the same rows: `/me`,
//! refreshes and sign-ins at a steady rate, far below what the server can do, so that a time is that of a request and not of a
//! queue; cheap hashes, so that it is the database's time that is looked at.

use crate::{
    Outcome,
    harvest::{self, Harvest},
    http::Http,
    load::{Load, Loaded},
    noise::Calibration,
    programs::Programs,
    results::{Beside, Swept},
    say,
    seed::{self, expired, expired::Target},
    server::{BASE, Hashing, Place, Server, migrate},
    services::{Postgres, Redis},
};
use std::{
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// How large a sweep is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Rows to be swept, of all kinds together.
    pub rows: u64,
    /// Seconds of quiet, and of the sweep.
    pub seconds: u32,
    /// Whether the sweep is waited for. Without it, both halves are quiet.
    pub waits: bool,
}

impl Size {
    /// Whether all of it works, but for the minute until the sweep; its figures mean nothing.
    #[must_use]
    pub const fn smoke() -> Self {
        Self {
            rows: 5_000,
            seconds: 1,
            waits: false,
        }
    }
}

/// Users; the first ones are signed in, the others sign in.
const USERS: u64 = 1_000;
/// Those who are signed in.
const KNOWN: usize = 50;
/// Sessions of each of them.
const SESSIONS: usize = 8;
/// How long after its start a server's first sweep begins.
const BEGINS: Duration = Duration::from_secs(60);
/// How much longer it may take until the first rows are gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked for, by how many connections, and how long each rests after an answer, in milliseconds.
const ROUTES: [(&str, u32, u32); 3] = [("/me", 4, 10), ("/refresh", 4, 40), ("/login", 2, 40)];

/// Embedded, and on PostgreSQL with Redis.
///
/// # Errors
/// If something fails.
pub fn measure(
    programs: &Programs,
    http: &Http,
    folder: &Path,
    size: Size,
    calibration: &mut Calibration,
) -> Outcome<Vec<Swept>> {
    let embedded = Place {
        folder: folder.join("swept"),
        postgres: None,
        redis: None,
    };
    std::fs::create_dir(&embedded.folder)?;
    migrate(&embedded)?;
    let file = embedded.folder.join("keyward.db");
    seed::sqlite(&file, USERS)?;
    let scene = Scene {
        programs,
        http,
        place: &embedded,
        target: Target::Sqlite(&file),
        size,
    };
    let mut all = vec![scene.sweep(calibration)?];
    let postgres = Postgres::start(programs, folder)?;
    let redis = Redis::start(programs, folder, http)?;
    let fleet = Place {
        folder: folder.join("swept-fleet"),
        postgres: Some(postgres.create("keyward")?),
        redis: Some(redis.url()),
    };
    std::fs::create_dir(&fleet.folder)?;
    migrate(&fleet)?;
    seed::postgres(&postgres, "keyward", USERS)?;
    let scene = Scene {
        place: &fleet,
        target: Target::Postgres(&postgres, "keyward"),
        ..scene
    };
    all.push(scene.sweep(calibration)?);
    Ok(all)
}

struct Scene<'a> {
    programs: &'a Programs,
    http: &'a Http,
    place: &'a Place,
    target: Target<'a>,
    size: Size,
}

impl Scene<'_> {
    fn sweep(&self, calibration: &mut Calibration) -> Outcome<Swept> {
        let each = self.size.rows.div_ceil(expired::KINDS);
        self.target.fill(each, USERS)?;
        let begun = Instant::now();
        let server = Server::start(self.place, Hashing::Cheap, self.http)?;
        let known: Vec<usize> = (0..KNOWN).collect();
        let mut harvest = Harvest::sign_in(&server, self.http, &known, SESSIONS)?;
        calibration.round()?;
        let quiet = self.load(&server, &mut harvest)?;
        let before = self.target.left()?;
        if self.size.waits {
            if begun.elapsed() > BEGINS {
                return Err("the sweep began before the quiet was over: take fewer --seconds".into());
            }
            self.until_it_sweeps(begun, before)?;
        }
        let swept_from = self.target.left()?;
        let swept = self.load(&server, &mut harvest)?;
        let left = self.target.left()?;
        calibration.round()?;
        let routes = ROUTES.iter().zip(quiet.iter().zip(&swept));
        let result = Swept {
            backend: self.place.name().to_owned(),
            rows: before,
            gone: swept_from.saturating_sub(left),
            left,
            routes: routes
                .map(|((route, ..), (quiet, swept))| Beside {
                    route: (*route).to_owned(),
                    quiet: quiet.into(),
                    swept: swept.into(),
                })
                .collect(),
        };
        say(&result.line());
        Ok(result)
    }

    fn until_it_sweeps(&self, begun: Instant, before: u64) -> Outcome<()> {
        self.http.rest(BEGINS.saturating_sub(begun.elapsed()));
        while self.target.left()? == before {
            if begun.elapsed() > BEGINS + PATIENCE {
                return Err(format!("nothing was swept within {PATIENCE:?}").into());
            }
            self.http.rest(Duration::from_millis(100));
        }
        Ok(())
    }

    /// All routes at the same time.
    fn load(&self, server: &Server, harvest: &mut Harvest) -> Outcome<Vec<Loaded>> {
        let under_way = ROUTES
            .iter()
            .map(|(route, connections, rest)| {
                let (script, mut arguments) = self.asks(route, harvest)?;
                arguments.push(rest.to_string());
                let load = Load {
                    origin: &server.origin,
                    script,
                    arguments,
                    connections: *connections,
                    seconds: self.size.seconds,
                    expected: &[],
                };
                let mut command = load.command(self.programs);
                Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
            })
            .collect::<Outcome<Vec<Child>>>()?;
        let said = under_way
            .into_iter()
            .map(|child| Loaded::said(&child.wait_with_output()?))
            .collect::<Outcome<Vec<_>>>()?;
        for ((route, ..), loaded) in ROUTES.iter().zip(&said) {
            let complaints = loaded.complaints(&[200]);
            if !complaints.is_empty() {
                return Err(format!("{route}: {}", complaints.join(", ")).into());
            }
        }
        Ok(said)
    }

    fn asks(&self, route: &str, harvest: &mut Harvest) -> Outcome<(&'static str, Vec<String>)> {
        let path = format!("{BASE}{route}");
        let file = |name: &str, lines: Vec<String>| {
            harvest::lines(&self.place.folder, name, lines).map(|path| path.display().to_string())
        };
        Ok(match route {
            "/me" => {
                let tokens = harvest.peek().into_iter().take(KNOWN).map(|one| one.access);
                let tokens = file("known", tokens.collect())?;
                (
                    "bearer.lua",
                    vec!["GET".to_owned(), path, tokens, "again".to_owned()],
                )
            }
            "/refresh" => {
                let chains = harvest.take(KNOWN)?.into_iter().map(|one| one.refresh);
                ("rotate.lua", vec![path, file("chains", chains.collect())?])
            }
            _ => {
                let bodies = (KNOWN..USERS as usize).map(|n| harvest::login(n).to_string());
                let bodies = file("logins", bodies.collect())?;
                ("bodies.lua", vec![path, bodies, "again".to_owned()])
            }
        })
    }
}
