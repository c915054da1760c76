//! `keyward config`: the values in force and where they came from, or what is wrong with them.

use crate::{
    cli::ConfigCommand,
    config::{Config, Sources, as_toml},
    master_key,
    output::{CommandError, print, print_json, say},
};

pub(super) fn run(sources: &Sources, verb: ConfigCommand) -> Result<(), CommandError> {
    match verb {
        ConfigCommand::Show(output) if output.json => print_json(&Config::load(sources)?.shown()),
        ConfigCommand::Show(_) => {
            let config = Config::load(sources)?;
            print(as_toml(&config.shown()))?;
            print(format_args!("\n# master key: {}", master_key::source_of(&config)))
        }
        ConfigCommand::Check => {
            for notice in &Config::load_to_serve(sources)?.notices {
                say(format_args!("note: {notice}"));
            }
            print("the configuration is valid")
        }
    }
}
