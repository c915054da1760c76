//! `keyward mail`: how full the outbox is.

use super::operator::Operator;
use crate::{
    cli::Mail,
    output::{CommandError, print, print_json},
};
use serde_json::json;

pub(super) async fn run(operator: Operator, verb: Mail) -> Result<(), CommandError> {
    let Mail::Status(output) = verb;
    let figures = operator
        .storage
        .mail_figures()
        .await
        .map_err(CommandError::failed)?;
    if output.json {
        return print_json(&json!({ "waiting": figures.waiting, "failed": figures.failed }));
    }
    print(format_args!(
        "waiting: {}\ngiven up: {}",
        figures.waiting, figures.failed
    ))
}
