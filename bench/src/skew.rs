//! A user with a long past beside a new one: on one database, asked by one server, in turns. Whatever slows the machine slows both.

use crate::{
    Outcome,
    harvest::{self, tokens},
    http::Http,
    noise::Calibration,
    programs::Programs,
    results::Skewed,
    say, seed,
    server::{BASE, Hashing, Place, Server, migrate},
    services::{Postgres, Redis},
    stats::Spread,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

/// How many other users there are.
const USERS: u64 = 10_000;
/// How often each user does everything.
const TURNS: u32 = 200;
/// The user with a long past, and the one without.
const HEAVY: usize = 0;
const FRESH: usize = 1;

/// The times of a route in microseconds: of the new user, and of the one with a long past.
type Times = BTreeMap<&'static str, [Vec<f64>; 2]>;

/// Both databases.
///
/// # Errors
/// If something fails, or an answer was not as expected.
pub fn measure(
    programs: &Programs,
    http: &Http,
    folder: &Path,
    calibration: &mut Calibration,
) -> Outcome<Vec<Skewed>> {
    // Gone before the data of another measurement comes.
    let own = tempfile::tempdir_in(folder)?;
    let folder = own.path();
    let embedded = Place {
        folder: folder.join("skew-embedded"),
        postgres: None,
        redis: None,
    };
    std::fs::create_dir(&embedded.folder)?;
    migrate(&embedded)?;
    let file = embedded.folder.join("keyward.db");
    seed::sqlite(&file, USERS)?;
    seed::past::sqlite(&file, HEAVY)?;
    let mut all = in_turns("SQLite", &embedded, http, calibration)?;

    let (postgres, redis) = (
        Postgres::start(programs, folder)?,
        Redis::start(programs, folder, http)?,
    );
    let fleet = Place {
        folder: folder.join("skew-fleet"),
        postgres: Some(postgres.create("skew")?),
        redis: Some(redis.url()),
    };
    std::fs::create_dir(&fleet.folder)?;
    migrate(&fleet)?;
    seed::postgres(&postgres, "skew", USERS)?;
    seed::past::postgres(&postgres, "skew", HEAVY)?;
    all.extend(in_turns("PostgreSQL + Redis", &fleet, http, calibration)?);
    Ok(all)
}

fn in_turns(
    backend: &str,
    place: &Place,
    http: &Http,
    calibration: &mut Calibration,
) -> Outcome<Vec<Skewed>> {
    let server = Server::start(place, Hashing::Cheap, http)?;
    let mut times = Times::new();
    for turn in 0..TURNS {
        if turn % 20 == 0 {
            calibration.round()?;
        }
        // Each begins as often as the other.
        let order = if turn % 2 == 0 {
            [FRESH, HEAVY]
        } else {
            [HEAVY, FRESH]
        };
        for user in order {
            let all = turn % 4 == 0;
            a_visit(&server, http, user, all, &mut times)?;
        }
    }
    let mut skewed = Vec::new();
    for (route, [fresh, heavy]) in times {
        let spread = |times: &[f64]| Spread::of(times).ok_or("nothing was measured");
        let one = Skewed {
            backend: backend.to_owned(),
            route: route.to_owned(),
            fresh: spread(&fresh)?,
            heavy: spread(&heavy)?,
        };
        say(&format!(
            "{route} [{backend}]: {:.0} µs, with a long past {:.0} µs, {:.2}",
            one.fresh.median,
            one.heavy.median,
            one.ratio()
        ));
        skewed.push(one);
    }
    Ok(skewed)
}

/// Signs in, refreshes, looks at its lists and signs out; sometimes everywhere.
fn a_visit(server: &Server, http: &Http, user: usize, all: bool, times: &mut Times) -> Outcome<()> {
    let mut timed = |route: &'static str, bearer: Option<&str>, body: Option<&Value>| -> Outcome<Value> {
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
    let begun = tokens(&timed("/login", None, Some(&harvest::login(user)))?)?;
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
