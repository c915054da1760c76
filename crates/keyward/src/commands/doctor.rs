//! `keyward doctor`: checks each part of an installation and says how to fix what is wrong. The rule: it changes nothing.

mod checks;
mod finding;

use crate::{
    cli::Output,
    config::{Config, Sources},
    logging,
    output::{CommandError, print, print_json},
    wiring,
};
use finding::{Finding, Findings, State};

pub(super) async fn run(sources: &Sources, output: Output) -> Result<(), CommandError> {
    let mut findings = Findings::default();
    match Config::load_to_serve(sources) {
        Ok(config) => {
            findings.ok("configuration", "every key is known and every value is valid");
            // The check of mail says where emails go.
            for notice in config
                .notices
                .iter()
                .filter(|notice| !notice.starts_with("mail.transport "))
            {
                findings.warn("configuration", notice, "");
            }
        }
        Err(errors) => {
            for problem in errors.0 {
                let what = format!("{}: {}", problem.key, problem.what);
                findings.fail("configuration", what, problem.fix);
            }
        }
    }
    // What only a server needs may be missing; the rest is checked anyway.
    if let Ok(config) = Config::load(sources) {
        logging::beside_output(&config.log, "error");
        check_all(&config, &mut findings).await;
    }
    show(&findings.0, output)
}

async fn check_all(config: &Config, findings: &mut Findings) {
    checks::files(config, findings);
    // Opening an embedded database would create it.
    let exists = !config.is_embedded() || checks::database_file(config).is_some_and(|file| file.exists());
    if !exists {
        findings.warn(
            "database",
            "there is none yet",
            "the first `keyward serve` creates it",
        );
    } else {
        match wiring::open(config).await {
            Ok(storage) => checks::database(config, &storage, findings).await,
            Err(error) => findings.fail("database", format!("{}: {error}", config.shown_database()), ""),
        }
    }
    checks::redis(config, findings).await;
    checks::mail(config, findings);
    checks::limits(config, findings);
    checks::addresses(config, findings);
    checks::hashing(config, findings);
}

fn show(findings: &[Finding], output: Output) -> Result<(), CommandError> {
    if output.json {
        print_json(&findings)?;
    } else {
        findings.iter().try_for_each(print)?;
    }
    if findings.iter().any(|finding| finding.state == State::Fail) {
        Err(CommandError::Reported)
    } else {
        Ok(())
    }
}
