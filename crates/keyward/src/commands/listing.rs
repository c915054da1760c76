//! Lists are printed page by page, so that a list of millions needs no memory.

use crate::{
    cli::Output,
    output::{CommandError, print, print_table},
};
use serde_json::Value;

/// A list that is being printed: a table, or a JSON array.
pub(super) struct Listing {
    json: bool,
    heading: &'static [&'static str],
    printed: bool,
}

impl Listing {
    /// An empty list.
    pub(super) const fn new(output: Output, heading: &'static [&'static str]) -> Self {
        Self {
            json: output.json,
            heading,
            printed: false,
        }
    }

    /// Prints a page.
    pub(super) fn page<T>(
        &mut self,
        items: &[T],
        as_json: impl Fn(&T) -> Value,
        as_row: impl Fn(&T) -> Vec<String>,
    ) -> Result<(), CommandError> {
        if !self.json {
            if self.printed && items.is_empty() {
                return Ok(());
            }
            self.printed = true;
            return print_table(self.heading, &items.iter().map(as_row).collect::<Vec<_>>());
        }
        for item in items {
            let lead = if self.printed { "," } else { "[" };
            print(format_args!("{lead}{}", as_json(item)))?;
            self.printed = true;
        }
        Ok(())
    }

    /// Prints the end of the list.
    pub(super) fn end(self) -> Result<(), CommandError> {
        match (self.json, self.printed) {
            (true, true) => print("]"),
            (true, false) => print("[]"),
            (false, _) => Ok(()),
        }
    }
}
