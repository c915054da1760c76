//! The operator's commands, one file per noun. They work while a server runs: a change goes through the database, and the servers see
//! it there within a second.

mod api_key;
mod audit;
mod client;
mod configuration;
mod doctor;
mod hash;
pub mod import;
mod keys;
mod listing;
mod mail;
mod migrate;
mod operator;
mod password;
mod serve;
mod session;
mod upgrade;
mod user;

use crate::{
    cli::{Cli, Command, Output, Upgrade},
    config::{Config, Sources, log::Audience},
    logging,
    output::{CommandError, print, print_json},
};
use clap::CommandFactory;
use operator::Operator;
use serde_json::json;
use tracing::Level;

/// Runs one command.
///
/// # Errors
/// [`CommandError`], with the exit code of the process.
pub async fn run(cli: Cli) -> Result<(), CommandError> {
    let sources = cli.sources();
    match cli.command {
        Command::Serve { .. } => {
            let served = Box::pin(serve(&sources)).await;
            served.map_err(|error| logged(error, sources.log_is_for_programs()))
        }
        Command::Migrate(verb) => migrate::run(&load_quietly(&sources)?, verb).await,
        Command::Upgrade(Upgrade::Check(output)) => upgrade::check(&load_quietly(&sources)?, output).await,
        Command::User(verb) => {
            Box::pin(user::run(Operator::open(load_quietly(&sources)?).await?, verb)).await
        }
        Command::Session(verb) => session::run(Operator::open(load_quietly(&sources)?).await?, verb).await,
        Command::ApiKey(verb) => api_key::run(Operator::open(load_quietly(&sources)?).await?, verb).await,
        Command::Audit(verb) => audit::run(Operator::open(load_quietly(&sources)?).await?, verb).await,
        Command::Mail(verb) => mail::run(Operator::open(load_quietly(&sources)?).await?, verb).await,
        Command::Client(verb) => client::run(Operator::open(load_quietly(&sources)?).await?, verb).await,
        Command::Keys(verb) => keys::run(Operator::open(load_quietly(&sources)?).await?, verb).await,
        Command::SetupToken => setup_token(&Operator::open(load_quietly(&sources)?).await?).await,
        Command::Hash(verb) => hash::run(&load_quietly(&sources)?, verb),
        Command::Config(verb) => configuration::run(&sources, verb),
        Command::Doctor(output) => Box::pin(doctor::run(&sources, output)).await,
        Command::Openapi => print(auth_api::app::routes::document(&Config::load(&sources)?.server).text()),
        Command::Completions { shell } => completions(shell),
        Command::Version(output) => version(output),
    }
}

async fn serve(sources: &Sources) -> Result<(), CommandError> {
    let config = Config::load_to_serve(sources)?;
    let _written_out = logging::of_server(&config.log);
    serve::serve(config).await
}

/// If programs read the log, the reason why a server ended is a log record; otherwise the caller prints it.
fn logged(error: CommandError, for_programs: bool) -> CommandError {
    if !for_programs || matches!(error, CommandError::Reported) {
        return error;
    }
    logging::announce(Audience::Programs, Level::ERROR, &error);
    CommandError::Logged(error.exit_code())
}

/// The configuration of a command that prints for people. Only warnings are logged between its lines.
fn load_quietly(sources: &Sources) -> Result<Config, CommandError> {
    let mut config = Config::load(sources)?;
    logging::beside_output(&config.log, "warn");
    // A command sends one query after the other.
    config.database.pool_size = config.database.pool_size.min(2);
    Ok(config)
}

async fn setup_token(operator: &Operator) -> Result<(), CommandError> {
    use secrecy::ExposeSecret;
    let issued = operator
        .admin()?
        .issue_setup_token(true, &operator.caller())
        .await
        .map_err(operator::failed)?;
    match issued {
        Some(token) => print(token.expose_secret()),
        None => Err(CommandError::Failed("no set-up token was created".to_owned())),
    }
}

fn completions(shell: clap_complete::Shell) -> Result<(), CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "keyward", &mut script);
    print(String::from_utf8_lossy(&script).trim_end())
}

fn version(output: Output) -> Result<(), CommandError> {
    let number = env!("CARGO_PKG_VERSION");
    if output.json {
        print_json(&json!({ "version": number }))
    } else {
        print(format_args!("keyward {number}"))
    }
}
