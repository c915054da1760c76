//! `bench`: measures, writes `bench/results.json`, and from it `docs/benchmarks.md` and `docs/benchmarks.svg`.

use bench::{
    Outcome, bare, chart, flood, growth,
    http::Http,
    machine, markdown, noise,
    noise::Calibration,
    paths,
    programs::Programs,
    results::{Noise, Results, Section},
    rounds::Plan,
    say, scenarios,
    scenarios::Size,
    skew, sweep,
};
use chrono::SecondsFormat;
use clap::{Parser, Subcommand};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(Parser)]
#[command(about = "Measures Keyward beside the limits of the machine")]
struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    /// A folder on a disk for the data; it has to bear commits that are flushed.
    #[arg(long, default_value = "/tmp", global = true)]
    dir: PathBuf,
    /// Keep the documents as they are: print the tables alone.
    #[arg(long, global = true)]
    dry: bool,
}

#[derive(Subcommand)]
enum What {
    /// Every route beside its limit, on SQLite and on PostgreSQL with Redis (the default).
    Routes {
        /// Rounds a comparison.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// Seconds a side and round.
        #[arg(long, default_value_t = 3)]
        seconds: u32,
    },
    /// The same routes on databases of several sizes.
    Growth {
        /// The numbers of users.
        #[arg(long, value_delimiter = ',', default_value = "10000,1000000,10000000")]
        sizes: Vec<u64>,
        /// Rounds.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// Only the user with a long past beside a new one.
        #[arg(long)]
        skew: bool,
    },
    /// A flood of sign-ins at ten times what can be made.
    Flood {
        /// Seconds of quiet, and of flood.
        #[arg(long, default_value_t = 20)]
        seconds: u32,
    },
    /// A million expired rows, swept while the service runs.
    Sweep {
        /// Rows to be swept.
        #[arg(long, default_value_t = 1_000_000)]
        rows: u64,
        /// Seconds of quiet, and of the sweep.
        #[arg(long, default_value_t = 20)]
        seconds: u32,
    },
    /// Writes the documents from the results that are there.
    Report,
    /// A bare server that does one thing; the harness starts it by itself.
    Bare {
        #[command(subcommand)]
        kind: bare::Kind,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(noisy) if noisy => {
            say("WARNING: the machine was noisy; the results say so");
            // Not a failure of the run; but nobody is to miss it in a log.
            ExitCode::from(3)
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// A run: what it needs, and when it began.
struct Run {
    programs: Programs,
    http: Http,
    folder: tempfile::TempDir,
    at: String,
    busy: f64,
    calibration: Calibration,
}

impl Run {
    fn begin(dir: &Path) -> Outcome<Self> {
        let programs = Programs::find()?;
        let http = Http::new()?;
        let busy = noise::busy(&http)?;
        Ok(Self {
            programs,
            folder: paths::folder_on_disk(dir)?,
            at: chrono::Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            busy,
            calibration: Calibration::default(),
            http,
        })
    }

    fn section<T>(&self, figures: T, plan: Plan) -> Outcome<Section<T>> {
        let noise: Noise = self.calibration.verdict(self.busy);
        let taken = machine::taken(&self.programs, self.folder.path(), self.at.clone(), noise, plan)?;
        Ok(Section { taken, figures })
    }
}

fn run(arguments: Arguments) -> Outcome<bool> {
    let what = arguments.what.unwrap_or(What::Routes {
        rounds: 5,
        seconds: 3,
    });
    if let What::Bare { kind } = what {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(bare::serve(kind))?;
        return Ok(false);
    }
    let file = paths::repository().join("bench/results.json");
    let mut results = Results::read(&file)?;
    let mut noisy = false;
    match what {
        What::Routes { rounds, seconds } => {
            let mut run = Run::begin(&arguments.dir)?;
            let mut size = Size::full();
            (size.plan.rounds, size.plan.seconds) = (rounds, seconds);
            let folder = run.folder.path();
            let (programs, http) = (&run.programs, &run.http);
            let mut figures = scenarios::embedded(programs, http, folder, size, &mut run.calibration)?;
            figures.comparisons.extend(scenarios::fleet(
                programs,
                http,
                folder,
                size,
                &mut run.calibration,
            )?);
            let section = run.section(figures, size.plan)?;
            noisy = section.taken.noise.is_noisy();
            results.routes = Some(section);
        }
        What::Growth { sizes, rounds, skew } => {
            let mut run = Run::begin(&arguments.dir)?;
            let plan = Plan {
                rounds,
                seconds: 2,
                warm_up: 1,
            };
            let folder = run.folder.path();
            let (programs, http) = (&run.programs, &run.http);
            let figures = skew::measure(programs, http, folder, &mut run.calibration)?;
            let section = run.section(figures, plan)?;
            noisy = section.taken.noise.is_noisy();
            results.skew = Some(section);
            if !skew {
                let folder = run.folder.path();
                let (programs, http) = (&run.programs, &run.http);
                let figures = growth::measure(programs, http, folder, &sizes, plan, &mut run.calibration)?;
                let section = run.section(figures, plan)?;
                noisy |= section.taken.noise.is_noisy();
                results.growth = Some(section);
            }
        }
        What::Flood { seconds } => {
            let mut run = Run::begin(&arguments.dir)?;
            let folder = run.folder.path();
            let figures = flood::measure(
                &run.programs,
                &run.http,
                folder,
                flood::Size::full(seconds),
                &mut run.calibration,
            )?;
            let plan = Plan {
                rounds: 1,
                seconds,
                warm_up: 1,
            };
            let section = run.section(figures, plan)?;
            noisy = section.taken.noise.is_noisy();
            results.flood = Some(section);
        }
        What::Sweep { rows, seconds } => {
            let mut run = Run::begin(&arguments.dir)?;
            let size = sweep::Size {
                rows,
                seconds,
                waits: true,
            };
            let folder = run.folder.path();
            let figures = sweep::measure(&run.programs, &run.http, folder, size, &mut run.calibration)?;
            let plan = Plan {
                rounds: 1,
                seconds,
                warm_up: 0,
            };
            let section = run.section(figures, plan)?;
            noisy = section.taken.noise.is_noisy();
            results.sweep = Some(section);
        }
        What::Report | What::Bare { .. } => {}
    }
    publish(&results, &file, arguments.dry)?;
    Ok(noisy)
}

fn publish(results: &Results, file: &Path, dry: bool) -> Outcome<()> {
    if dry {
        say(&markdown::tables(results)?);
        return Ok(());
    }
    results.write(file)?;
    let docs = paths::repository().join("docs");
    let page = docs.join("benchmarks.md");
    let replaced = markdown::replace(&std::fs::read_to_string(&page)?, results)?;
    std::fs::write(page, replaced)?;
    std::fs::write(docs.join("benchmarks.svg"), chart::svg(results)?)?;
    say("written: bench/results.json, docs/benchmarks.md, docs/benchmarks.svg");
    Ok(())
}
