//! Checks the properties for every input of the corpus and for small changes of each, on any toolchain and without libFuzzer.

#![cfg(test)]
#![expect(clippy::print_stdout, reason = "the seed of a failed test has to be shown")]

use properties::{DOMAIN, Target};
use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

/// How many changes of each input are tried, unless `KEYWARD_FUZZ_CHANGES` sets another number. The same `KEYWARD_FUZZ_SEED` gives the same
/// changes.
const CHANGES: u64 = 20;
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus")
}

fn targets() -> Vec<Target> {
    let targets = DOMAIN.to_vec();
    #[cfg(feature = "edge")]
    let targets = [targets, properties::edge::EDGE.to_vec()].concat();
    targets
}

fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<(String, Vec<u8>)> = fs::read_dir(folder().join(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read(path).unwrap(),
            )
        })
        .collect();
    found.sort();
    found
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// Reproducible random numbers (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }

    /// One to four changes: bytes that are removed, inserted, changed or duplicated.
    fn change(&mut self, input: &[u8]) -> Vec<u8> {
        let mut changed = input.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(changed.len() + 1);
            let length = self.below(8).min(changed.len() - at);
            match self.below(4) {
                0 => drop(changed.drain(at..at + length)),
                1 => changed.insert(at, u8::try_from(self.below(256)).unwrap()),
                2 if at < changed.len() => changed[at] ^= 1 << self.below(8),
                _ => {
                    let part = changed[at..at + length].to_vec();
                    changed.splice(at..at, part);
                }
            }
        }
        changed
    }
}

fn holds((name, check): Target, input: &[u8], what: &str) {
    let held = catch_unwind(AssertUnwindSafe(|| check(input)));
    assert!(
        held.is_ok(),
        "{name} does not hold for {what}: {:?}",
        String::from_utf8_lossy(input)
    );
}

#[test]
fn every_property_holds_for_every_input_of_the_corpus() {
    for target in targets() {
        holds(target, b"", "nothing");
        let inputs = inputs(target.0);
        assert!(inputs.len() >= 3, "{} has too few inputs", target.0);
        for (name, input) in inputs {
            holds(target, &input, &name);
        }
    }
}

#[test]
fn every_property_holds_for_small_changes_of_the_corpus() {
    let (changes, seed) = (
        setting("KEYWARD_FUZZ_CHANGES", CHANGES),
        setting("KEYWARD_FUZZ_SEED", SEED).max(1),
    );
    println!("{changes} changes of each input, seed {seed}");
    for target in targets() {
        for (name, input) in inputs(target.0) {
            let mut random = Random(seed);
            for number in 0..changes {
                holds(
                    target,
                    &random.change(&input),
                    &format!("change {number} of {name}"),
                );
            }
        }
    }
}

#[test]
fn every_target_has_a_program_and_a_corpus_and_there_are_no_others() {
    let programs: BTreeSet<String> = fs::read_dir(folder().join("../fuzz_targets"))
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let corpora: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(programs, corpora);
    let known: BTreeSet<String> = targets().iter().map(|(name, _)| (*name).to_owned()).collect();
    assert!(known.is_subset(&programs), "{known:?}");
    #[cfg(feature = "edge")]
    assert_eq!(known, programs);
    let manifest = fs::read_to_string(folder().join("../Cargo.toml")).unwrap();
    for program in programs {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{program}.rs\"")),
            "{program}"
        );
    }
}
