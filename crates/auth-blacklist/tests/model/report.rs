//! Runs a search and says what it came to: the figures of this file stand in docs/reliability.md.

use crate::search::{Model, search};

/// Whether the large sizes are asked for: `KEYWARD_MODEL=large`, as `make model` does.
pub(crate) fn large() -> bool {
    match std::env::var("KEYWARD_MODEL") {
        Ok(size) if size == "large" => true,
        Ok(size) => panic!("KEYWARD_MODEL is {size:?}; it may be \"large\" or absent"),
        Err(_) => false,
    }
}

/// Nothing promised is broken in any state; at least so many states there have to be, or the model is hollow.
pub(crate) fn holds<M: Model>(name: &str, model: &M, at_least: usize) {
    let (extent, broken) = search(model);
    if let Some(broken) = broken {
        panic!("{name}: broken after {} states\n{broken}", extent.states);
    }
    say(&format!(
        "{name}: {} states, {} steps, up to {} deep, {:.1} s: holds",
        extent.states,
        extent.steps,
        extent.depth,
        extent.took.as_secs_f64()
    ));
    assert!(extent.states >= at_least, "{name}: only {} states", extent.states);
}

/// The mistake breaks the promise that these words are in, and the shortest story of it is told.
pub(crate) fn breaks<M: Model>(name: &str, model: &M, words: &str) {
    let (extent, broken) = search(model);
    let broken = broken.unwrap_or_else(|| panic!("{name}: not found in {} states", extent.states));
    say(&format!(
        "{name}: found after {} states, in {} steps\n{broken}",
        extent.states,
        broken.story.len()
    ));
    assert!(broken.promise.contains(words), "{name}: {}", broken.promise);
}

/// Shown with `--nocapture`.
#[expect(clippy::print_stdout, reason = "how far the search went is its result")]
pub(crate) fn say(words: &str) {
    println!("{words}");
}
