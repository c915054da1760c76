//! Lists the folders of `migrations/` for `src/migrations/migration.rs`, so that a migration is two folders of the same name and no
//! other line. The first line of `up.sql` says whether it expands the schema or contracts it; without one, nothing is built.

use std::{
    collections::BTreeSet,
    env,
    error::Error,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../../migrations");
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?)
        .join("../../migrations")
        .canonicalize()?;
    let names = names(&folder.join("sqlite"))?;
    if names != self::names(&folder.join("postgres"))? {
        return Err("migrations/sqlite and migrations/postgres have not the same names".into());
    }
    let mut list = String::from("&[\n");
    for name in &names {
        let step = step(&folder, name)?;
        let script = |backend| {
            let file = |way: &str| folder.join(backend).join(name).join(way);
            format!(
                "Script {{ up: include_str!({:?}), down: include_str!({:?}) }}",
                file("up.sql"),
                file("down.sql")
            )
        };
        let (sqlite, postgres) = (script("sqlite"), script("postgres"));
        writeln!(
            list,
            "Migration {{ name: {name:?}, step: Step::{step}, sqlite: {sqlite}, postgres: {postgres} }},"
        )?;
    }
    list.push(']');
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("migrations.rs"), list)?;
    Ok(())
}

fn names(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.insert(name);
        }
    }
    Ok(names)
}

/// What the first line of both files says.
fn step(folder: &Path, name: &str) -> Result<&'static str, Box<dyn Error>> {
    let said = |backend: &str| -> io::Result<String> {
        let file = folder.join(backend).join(name).join("up.sql");
        Ok(fs::read_to_string(file)?
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned())
    };
    match (said("sqlite")?.as_str(), said("postgres")?.as_str()) {
        ("-- expand", "-- expand") => Ok("Expand"),
        ("-- contract", "-- contract") => Ok("Contract"),
        _ => Err(format!(
            "{name}: the first line of both up.sql must be `-- expand`, or of both `-- contract`"
        )
        .into()),
    }
}
