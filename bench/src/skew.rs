//! Compares a user with a long history and a new user: on one server and one database, in alternation, so that a slowdown of the machine
//! affects both.

use crate::{
    BenchResult,
    http::Http,
    noise::Calibration,
    programs::Programs,
    progress,
    results::SkewResult,
    seed,
    server::{BASE, Deployment, Hashing, Server, migrate},
    services::{Postgres, Redis},
    stats::Spread,
    token_pool::{self, tokens},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

/// The number of users in the database.
const USERS: u64 = 10_000;
/// How often each user sends all requests.
const TURNS: u32 = 200;
/// The user with a long history, and the new user.
const HEAVY: usize = 0;
const FRESH: usize = 1;

/// The latencies of a route in microseconds: those of the new user, and those of the user with a long history.
type Times = BTreeMap<&'static str, [Vec<f64>; 2]>;

/// Measures both databases.
///
/// # Errors
/// If a step fails or an answer is unexpected.
pub fn measure(
    programs: &Programs,
    http: &Http,
    folder: &Path,
    calibration: &mut Calibration,
) -> BenchResult<Vec<SkewResult>> {
    // Deleted before the next measurement creates its data.
    let own = tempfile::tempdir_in(folder)?;
    let folder = own.path();
    let embedded = Deployment {
        folder: folder.join("skew-embedded"),
        postgres: None,
        redis: None,
    };
    std::fs::create_dir(&embedded.folder)?;
    migrate(&embedded)?;
    let file = embedded.folder.join("keyward.db");
    seed::sqlite(&file, USERS)?;
    seed::past::sqlite(&file, HEAVY)?;
    let mut all = alternate("SQLite", &embedded, http, calibration)?;

    let (postgres, redis) = (
        Postgres::start(programs, folder)?,
        Redis::start(programs, folder, http)?,
    );
    let fleet = Deployment {
        folder: folder.join("skew-fleet"),
        postgres: Some(postgres.create("skew")?),
        redis: Some(redis.url()),
    };
    std::fs::create_dir(&fleet.folder)?;
    migrate(&fleet)?;
    seed::postgres(&postgres, "skew", USERS)?;
    seed::past::postgres(&postgres, "skew", HEAVY)?;
    all.extend(alternate("PostgreSQL + Redis", &fleet, http, calibration)?);
    Ok(all)
}

fn alternate(
    backend: &str,
    deployment: &Deployment,
    http: &Http,
    calibration: &mut Calibration,
) -> BenchResult<Vec<SkewResult>> {
    let server = Server::start(deployment, Hashing::Cheap, http)?;
    let mut times = Times::new();
    for turn in 0..TURNS {
        if turn % 20 == 0 {
            calibration.round()?;
        }
        // Each user goes first equally often.
        let order = if turn % 2 == 0 {
            [FRESH, HEAVY]
        } else {
            [HEAVY, FRESH]
        };
        for user in order {
            let all = turn % 4 == 0;
            send_all_requests(&server, http, user, all, &mut times)?;
        }
    }
    let mut skewed = Vec::new();
    for (route, [fresh, heavy]) in times {
        let spread = |times: &[f64]| Spread::of(times).ok_or("nothing was measured");
        let one = SkewResult {
            backend: backend.to_owned(),
            route: route.to_owned(),
            fresh: spread(&fresh)?,
            heavy: spread(&heavy)?,
        };
        progress(&format!(
            "{route} [{backend}]: {:.0} µs, with a long history {:.0} µs, {:.2}",
            one.fresh.median,
            one.heavy.median,
            one.ratio()
        ));
        skewed.push(one);
    }
    Ok(skewed)
}

/// Sends all requests of one user: sign-in, refresh, profile, sessions and sign-out (of all sessions if `all`).
fn send_all_requests(
    server: &Server,
    http: &Http,
    user: usize,
    all: bool,
    times: &mut Times,
) -> BenchResult<()> {
    let mut timed = |route: &'static str, bearer: Option<&str>, body: Option<&Value>| -> BenchResult<Value> {
        let (path, _) = route.split_once(' ').unwrap_or((route, ""));
        let path = if path == "/sessions" {
            "/sessions?status=all"
        } else {
            path
        };
        let url = format!("{}{BASE}{path}", server.origin);
        let (answer, took) = http.timed(&url, bearer, body)?;
        let of_route = times.entry(route).or_default();
        let place = usize::from(user == HEAVY);
        if let Some(figures) = of_route.get_mut(place) {
            figures.push(took.as_secs_f64() * 1e6);
        }
        Ok(answer)
    };
    let begun = tokens(&timed("/login", None, Some(&token_pool::login(user)))?)?;
    let refresh = json!({ "refresh_token": begun.refresh });
    let next = tokens(&timed("/refresh", None, Some(&refresh))?)?;
    let bearer = Some(next.access.as_str());
    timed("/me", bearer, None)?;
    timed("/sessions", bearer, None)?;
    let nothing = json!({});
    timed(
        if all { "/logout-all" } else { "/logout" },
        bearer,
        Some(&nothing),
    )?;
    Ok(())
}
