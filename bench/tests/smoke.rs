//! The harness works: every scenario runs briefly against the built server, on both backends, without an unexpected answer. The tests don't
//! check times, so the machine may be busy.
#![cfg(feature = "services")]

use bench::{
    BenchResult, flood, growth,
    http::Http,
    limits::{group_commit::Writer, pgbench},
    load::Load,
    noise::Calibration,
    paths,
    programs::Programs,
    rounds::Plan,
    scenarios::{self, Size},
    server::{Deployment, Hashing, Server, migrate},
    services::{POSTGRES_SETTINGS, Postgres},
    sweep,
};
use diesel::{prelude::*, sql_types::Text};
use std::{collections::BTreeSet, path::Path};

/// A folder, which may be in memory here.
#[cfg(test)]
fn folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[cfg(test)]
fn embedded_deployment(folder: &Path) -> Deployment {
    Deployment {
        folder: folder.to_owned(),
        postgres: None,
        redis: None,
    }
}

#[test]
fn every_embedded_scenario_gets_the_answers_it_expects() {
    let (programs, http, folder) = (Programs::find().unwrap(), Http::new().unwrap(), folder());
    let mut quiet = Calibration::none();
    let routes = scenarios::embedded(&programs, &http, folder.path(), Size::smoke(), &mut quiet).unwrap();
    let names: Vec<&str> = routes.comparisons.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "verify-first",
            "verify-known",
            "me-sqlite",
            "refresh-sqlite",
            "sign-in",
            "register",
            "mixed",
            "logout"
        ]
    );
    assert!(routes.comparisons.iter().all(|one| one.subject.rate.median > 0.0));
    assert!(routes.start.unwrap().resident_mb.median > 1.0);
}

#[test]
fn every_scenario_on_postgres_and_redis_gets_the_answers_it_expects() {
    let (programs, http, folder) = (Programs::find().unwrap(), Http::new().unwrap(), folder());
    let mut quiet = Calibration::none();
    let all = scenarios::fleet(&programs, &http, folder.path(), Size::smoke(), &mut quiet).unwrap();
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "verify-redis",
            "me-postgres",
            "refresh-postgres",
            "sign-in",
            "register",
            "mixed",
            "logout"
        ]
    );
    assert!(all.iter().all(|one| one.subject.rate.median > 0.0));
}

/// The columns of a user that the product does not read.
#[cfg(test)]
const NOT_READ: [&str; 7] = [
    "email_key",
    "email_domain",
    "name_key",
    "password_hash",
    "updated_at",
    "devices_from",
    "password_changed_at",
];

/// The columns of sessions, and the columns of users that the product reads, in a migrated database.
#[cfg(test)]
fn expected(sessions: Vec<String>, users: Vec<String>) -> [BTreeSet<String>; 2] {
    let read = users
        .into_iter()
        .filter(|name| !NOT_READ.contains(&name.as_str()));
    [sessions.into_iter().collect(), read.collect()]
}

#[test]
fn pgbench_reads_the_columns_of_the_schema_on_a_server_with_the_documented_settings() {
    let (programs, folder) = (Programs::find().unwrap(), folder());
    let postgres = Postgres::start(&programs, folder.path()).unwrap();
    let deployment = Deployment {
        folder: folder.path().to_owned(),
        postgres: Some(postgres.create("columns").unwrap()),
        redis: None,
    };
    migrate(&deployment).unwrap();
    let columns = |table: &str| -> Vec<String> {
        let ask = format!("SELECT column_name FROM information_schema.columns WHERE table_name = '{table}'");
        let said = postgres.sql("columns", &ask).unwrap();
        said.lines().map(str::to_owned).collect()
    };
    let listed =
        |list: &str| -> BTreeSet<String> { list.split(", ").map(|name| name[2..].to_owned()).collect() };
    assert_eq!(
        [listed(pgbench::SESSION), listed(pgbench::USER)],
        expected(columns("sessions"), columns("users"))
    );
    let shown = |name: &str| postgres.sql("columns", &format!("SHOW {name}")).unwrap();
    for (name, value) in POSTGRES_SETTINGS {
        assert_eq!(shown(name), value, "{name}");
    }
    assert_eq!(shown("fsync"), "on");
}

#[test]
fn the_bare_writer_reads_the_columns_of_the_schema() {
    let folder = folder();
    let deployment = embedded_deployment(folder.path());
    migrate(&deployment).unwrap();
    let file = folder.path().join("keyward.db");
    let mut c = SqliteConnection::establish(&file.display().to_string()).unwrap();
    let mut columns = |table: &str| -> Vec<String> {
        diesel::sql_query(format!("SELECT name FROM pragma_table_info('{table}')"))
            .load::<Named>(&mut c)
            .unwrap()
            .into_iter()
            .map(|one| one.name)
            .collect()
    };
    let statement = Writer::reading();
    let (list, _) = statement.split_once(" FROM ").unwrap();
    let listed = |table: &str| -> BTreeSet<String> {
        let start = format!("`{table}`.`");
        let parts = list.split(&start).skip(1);
        parts
            .map(|rest| rest.split('`').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        [listed("sessions"), listed("users")],
        expected(columns("sessions"), columns("users"))
    );
}

#[cfg(test)]
#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

#[test]
fn seeded_users_can_do_what_registered_ones_can() {
    let (programs, http, folder) = (Programs::find().unwrap(), Http::new().unwrap(), folder());
    let plan = Plan {
        rounds: 1,
        seconds: 2,
        warm_up: 0,
    };
    let mut quiet = Calibration::none();
    let grown = growth::measure(&programs, &http, folder.path(), &[500, 1_000], plan, &mut quiet).unwrap();
    assert_eq!(grown.len(), 12, "six routes on two databases");
    assert!(grown.iter().all(|one| one.ratio().is_some()));
}

#[test]
fn a_flood_is_measured_beside_checks_and_refreshes() {
    let (programs, http, folder) = (Programs::find().unwrap(), Http::new().unwrap(), folder());
    let deployment = embedded_deployment(folder.path());
    let mut quiet = Calibration::none();
    let flooded = flood::flood(&programs, &http, &deployment, flood::Size::smoke(), &mut quiet).unwrap();
    // The number of unexpected answers depends on the load of the machine: a flood measures that, in an optimised build.
    assert!(flooded.offered > 0.0 && flooded.admitted > 0.0, "{flooded:?}");
}

#[test]
fn expired_rows_are_written_and_the_load_during_the_sweep_is_answered() {
    let (programs, http, folder) = (Programs::find().unwrap(), Http::new().unwrap(), folder());
    let (size, mut quiet) = (sweep::Size::smoke(), Calibration::none());
    let swept = sweep::measure(&programs, &http, folder.path(), size, &mut quiet).unwrap();
    assert_eq!(swept.len(), 2);
    assert!(swept.iter().all(|one| one.rows == size.rows), "{swept:?}");
}

/// A figure that includes errors would be worse than no figure.
#[test]
fn a_run_with_refused_answers_gives_no_figure() {
    let (programs, http, folder) = (Programs::find().unwrap(), Http::new().unwrap(), folder());
    let deployment = embedded_deployment(folder.path());
    let server = Server::start(&deployment, Hashing::Cheap, &http).unwrap();
    let run = |path: &str| -> BenchResult<()> {
        let load = Load {
            origin: &server.origin,
            script: "bearer.lua",
            arguments: ["GET", path, "-", "again"].map(str::to_owned).to_vec(),
            connections: 2,
            seconds: 1,
            expected: &[],
        };
        load.run(&programs).map(|_| ())
    };
    assert!(run("/health/live").is_ok());
    let refused = run("/api/v1/auth/verify").unwrap_err().to_string();
    assert!(refused.contains("answers of 400 and more"), "{refused}");
}

#[test]
fn the_scripts_are_in_the_folder_of_the_harness() {
    for name in ["report", "bearer", "bodies", "rotate", "mixed"] {
        assert!(paths::lua().join(format!("{name}.lua")).is_file(), "{name}");
    }
}
