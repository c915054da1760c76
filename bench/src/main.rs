//! `bench`: measures, and writes `bench/results.json`, `docs/benchmarks.md` and `docs/benchmarks.svg`.

use bench::{
    BenchResult, bare, chart, flood, growth,
    http::Http,
    machine, markdown, noise,
    noise::Calibration,
    paths,
    programs::Programs,
    progress,
    results::{Noise, Results, Section},
    rounds::Plan,
    scenarios,
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
#[command(about = "Measures Keyward and the limits of the machine")]
struct Arguments {
    #[command(subcommand)]
    task: Option<Task>,
    /// A folder for the data, on a disk and not in memory.
    #[arg(long, default_value = "/tmp", global = true)]
    dir: PathBuf,
    /// Only print the tables; write no file.
    #[arg(long, global = true)]
    dry: bool,
}

#[derive(Subcommand)]
enum Task {
    /// Each route and its limit, on SQLite and on PostgreSQL with Redis (the default).
    Routes {
        /// Rounds of each comparison.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// Seconds of each side in a round.
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
        /// Only compare a user with a long history and a new user.
        #[arg(long)]
        skew: bool,
    },
    /// A flood of sign-ins at ten times the capacity.
    Flood {
        /// Seconds before the flood, and of the flood.
        #[arg(long, default_value_t = 20)]
        seconds: u32,
    },
    /// A sweep of a million expired rows while the service runs.
    Sweep {
        /// Rows to be swept.
        #[arg(long, default_value_t = 1_000_000)]
        rows: u64,
        /// Seconds before the sweep, and of the sweep.
        #[arg(long, default_value_t = 20)]
        seconds: u32,
    },
    /// Write the documents from the existing results.
    Report,
    /// A bare server that does one thing. The harness starts it.
    Bare {
        #[command(subcommand)]
        kind: bare::Kind,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(noisy) if noisy => {
            progress("WARNING: the machine was noisy; the results say so");
            // The run did not fail, but the exit code shows the noise.
            ExitCode::from(3)
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            progress(&format!("bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// A run: its programs, its folder and its start.
struct Run {
    programs: Programs,
    http: Http,
    folder: tempfile::TempDir,
    at: String,
    busy: f64,
    calibration: Calibration,
}

impl Run {
    fn begin(dir: &Path) -> BenchResult<Self> {
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

    fn section<T>(&self, figures: T, plan: Plan) -> BenchResult<Section<T>> {
        let noise: Noise = self.calibration.verdict(self.busy);
        let taken = machine::run_info(&self.programs, self.folder.path(), self.at.clone(), noise, plan)?;
        Ok(Section { taken, figures })
    }
}

fn run(arguments: Arguments) -> BenchResult<bool> {
    let task = arguments.task.unwrap_or(Task::Routes {
        rounds: 5,
        seconds: 3,
    });
    if let Task::Bare { kind } = task {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(bare::serve(kind))?;
        return Ok(false);
    }
    let file = paths::repository().join("bench/results.json");
    let mut results = Results::read(&file)?;
    let mut noisy = false;
    match task {
        Task::Routes { rounds, seconds } => {
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
        Task::Growth { sizes, rounds, skew } => {
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
        Task::Flood { seconds } => {
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
        Task::Sweep { rows, seconds } => {
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
        Task::Report | Task::Bare { .. } => {}
    }
    publish(&results, &file, arguments.dry)?;
    Ok(noisy)
}

fn publish(results: &Results, file: &Path, dry: bool) -> BenchResult<()> {
    if dry {
        progress(&markdown::tables(results)?);
        return Ok(());
    }
    results.write(file)?;
    let docs = paths::repository().join("docs");
    let page = docs.join("benchmarks.md");
    let replaced = markdown::replace(&std::fs::read_to_string(&page)?, results)?;
    std::fs::write(page, replaced)?;
    std::fs::write(docs.join("benchmarks.svg"), chart::svg(results)?)?;
    progress("written: bench/results.json, docs/benchmarks.md, docs/benchmarks.svg");
    Ok(())
}
