//! `keyward config`: what is in force and where it came from, or what is wrong.

use crate::{
    cli::ConfigCommand,
    config::{Config, Sources, as_toml},
    master_key,
    output::{CommandError, print, print_json, say},
};

pub(super) fn run(sources: &Sources, verb: ConfigCommand) -> Result<(), CommandError> {
    let config = Config::load(sources)?;
    match verb {
        ConfigCommand::Show(output) if output.json => print_json(&config.shown()),
        ConfigCommand::Show(_) => {
            print(as_toml(&config.shown()))?;
            print(format_args!("\n# master key: {}", master_key::source_of(&config)))
        }
        ConfigCommand::Check => {
            // The usual file is made by the first start; one that was named has to be there.
            if config.master_key.is_none() && config.data.master_key_file.is_some() {
                master_key::find(&config).map_err(|reason| CommandError::Usage(reason.to_string()))?;
            }
            for notice in &config.notices {
                say(format_args!("note: {notice}"));
            }
            print("the configuration is right")
        }
    }
}
