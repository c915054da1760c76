//! Runs a search and prints its result. docs/reliability.md shows these figures.

use crate::search::{Model, search};

/// Whether the large models are requested: `KEYWARD_MODEL=large`, as `make model` does.
pub(crate) fn large() -> bool {
    match std::env::var("KEYWARD_MODEL") {
        Ok(size) if size == "large" => true,
        Ok(size) => panic!("KEYWARD_MODEL is {size:?}; it may be \"large\" or absent"),
        Err(_) => false,
    }
}

/// Checks that no state violates a promise, and that there are at least `at_least` states: a smaller model would prove little.
pub(crate) fn holds<M: Model>(name: &str, model: &M, at_least: usize) {
    let (stats, violation) = search(model);
    if let Some(violation) = violation {
        panic!("{name}: violation after {} states\n{violation}", stats.states);
    }
    say(&format!(
        "{name}: {} states, {} steps, up to {} deep, {:.1} s: holds",
        stats.states,
        stats.steps,
        stats.depth,
        stats.took.as_secs_f64()
    ));
    assert!(stats.states >= at_least, "{name}: only {} states", stats.states);
}

/// Checks that the mistake violates the promise whose text contains `words`, and prints the shortest trace.
pub(crate) fn breaks<M: Model>(name: &str, model: &M, words: &str) {
    let (stats, violation) = search(model);
    let violation = violation.unwrap_or_else(|| panic!("{name}: not found in {} states", stats.states));
    say(&format!(
        "{name}: found after {} states, in {} steps\n{violation}",
        stats.states,
        violation.trace.len()
    ));
    assert!(violation.promise.contains(words), "{name}: {}", violation.promise);
}

/// Prints a result; shown with `--nocapture`.
#[expect(clippy::print_stdout, reason = "how far the search went is its result")]
pub(crate) fn say(words: &str) {
    println!("{words}");
}
