//! Every file, section and anchor that the repository cites exists: paths and `§` numbers in comments and documents, links in
//! Markdown.

mod markdown;
mod planted;

use markdown::{anchors, headings, is_section, links};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

/// The one file that is not checked: it contains faults on purpose.
const PLANTED: &str = "tests/process/citations/planted.rs";

/// Files that other programs generate. They cite nothing of this repository.
const GENERATED: [&str; 2] = ["Cargo.lock", "package-lock.json"];

/// The kinds of files that belong to the repository wherever they are cited, even by their bare name.
const SOURCES: [&str; 5] = ["rs", "md", "sh", "lua", "py"];

/// Cited paths that are not in the repository, and why.
const ELSEWHERE: [(&str, &str); 5] = [
    ("config/keyward.toml", "the operator writes it"),
    ("deploy/.env", "the operator writes it"),
    ("fuzz/artifacts", "the fuzzers write it"),
    ("tests/services", "a feature of cargo"),
    ("bench/services", "a feature of cargo"),
];

/// The repository's files by path; `None` for one that is not text.
struct Repository(BTreeMap<String, Option<String>>);

impl Repository {
    /// The files that git tracks or would track.
    fn here() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .unwrap();
        assert!(listed.status.success(), "git ls-files: {listed:?}");
        let paths = String::from_utf8(listed.stdout).unwrap();
        let files = paths.split('\0').filter(|path| root.join(path).is_file());
        Self(
            files
                .map(|path| (path.to_owned(), std::fs::read_to_string(root.join(path)).ok()))
                .collect(),
        )
    }

    /// Whether the path is a file, or a folder with files.
    fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        let mut below = self.0.range(folder.clone()..);
        path.is_empty()
            || self.0.contains_key(path)
            || below.next().is_some_and(|(file, _)| file.starts_with(&folder))
    }

    /// The paths of all files and folders, and their ends: `crates/keyward/src/main.rs`, `src/main.rs`, `main.rs`.
    fn endings(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut endings: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for file in self.0.keys() {
            let folders = file.match_indices('/').map(|(at, _)| &file[..at]);
            for path in folders.chain([file.as_str()]) {
                let inner = path.match_indices('/').map(|(at, _)| at + 1);
                for at in std::iter::once(0).chain(inner) {
                    endings.entry(&path[at..]).or_default().insert(path);
                }
            }
        }
        endings
    }

    /// The folders by which a cited path begins: those of the root and the crates.
    fn folders(&self) -> BTreeSet<&str> {
        let of_root = self.0.keys().filter_map(|path| path.split_once('/'));
        let of_crates = self.0.keys().filter_map(|path| path.strip_prefix("crates/"));
        let of_crates = of_crates.filter_map(|path| path.split_once('/'));
        of_root.chain(of_crates).map(|(folder, _)| folder).collect()
    }

    /// Every citation of something that does not exist.
    fn faults(&self) -> Vec<String> {
        let (endings, folders) = (self.endings(), self.folders());
        let is_read = |path: &str| path != PLANTED && !GENERATED.iter().any(|name| path.ends_with(name));
        let texts = self.0.iter().filter(|(path, _)| is_read(path));
        let mut faults = Vec::new();
        for (path, text) in texts.filter_map(|(path, text)| Some((path, text.as_deref()?))) {
            for citation in citations(text) {
                if let Err(fault) = self.check(&citation, &endings, &folders) {
                    faults.push(format!("{path}:{}: {fault}", line_of(text, citation.at)));
                }
            }
            if path.ends_with(".md") {
                for (at, target) in links(text) {
                    if let Err(fault) = self.follow(path, target) {
                        faults.push(format!("{path}:{}: {fault}", line_of(text, at)));
                    }
                }
            }
        }
        faults
    }

    /// Whether a cited path exists, and its section and anchor.
    fn check(
        &self,
        citation: &Citation<'_>,
        endings: &BTreeMap<&str, BTreeSet<&str>>,
        folders: &BTreeSet<&str>,
    ) -> Result<(), String> {
        let path = citation.path;
        let (stem, extension) = path.rsplit_once('.').unwrap_or((path, ""));
        let is_rooted = path.split_once('/').is_some_and(|(first, _)| {
            // Without an extension, `auth-storage/services` is a feature of a crate.
            folders.contains(first) && (!extension.is_empty() || self.has(first))
        });
        let is_source = SOURCES.contains(&extension) && !stem.is_empty() && !stem.ends_with('/');
        if !is_source && !is_rooted || ELSEWHERE.iter().any(|(known, _)| *known == path) {
            return Ok(());
        }
        let files = endings.get(path).ok_or(format!("{path} does not exist"))?;
        let texts = || files.iter().filter_map(|file| self.0.get(*file)?.as_deref());
        let sections = citation.sections.iter().filter(|_| extension == "md");
        for section in sections {
            if !texts().any(|text| headings(text).iter().any(|heading| is_section(heading, section))) {
                return Err(format!("{path} has no §{section}"));
            }
        }
        match citation.anchor {
            Some(anchor) if extension == "md" && !texts().any(|text| anchors(text).contains(anchor)) => {
                Err(format!("{path} has no heading #{anchor}"))
            }
            _ => Ok(()),
        }
    }

    /// Whether the target of a link in the Markdown file `from` exists.
    fn follow(&self, from: &str, target: &str) -> Result<(), String> {
        if target.contains("://") || target.starts_with("mailto:") {
            return Ok(());
        }
        let (path, anchor) = target
            .split_once('#')
            .map_or((target, None), |(path, anchor)| (path, Some(anchor)));
        let mut to: Vec<&str> = from.split('/').collect();
        if path.starts_with('/') {
            to.clear();
        } else if !path.is_empty() {
            to.pop();
        }
        if !path.is_empty() {
            for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
                match part {
                    ".." => drop(to.pop()),
                    part => to.push(part),
                }
            }
        }
        let to = to.join("/");
        if !self.has(&to) {
            return Err(format!("the link leads to {to}, which does not exist"));
        }
        let text = self.0.get(&to).and_then(Option::as_deref);
        match (anchor, text) {
            (Some(anchor), Some(text)) if to.ends_with(".md") && !anchors(text).contains(anchor) => Err(
                format!("the link leads to a heading #{anchor} that {to} does not have"),
            ),
            _ => Ok(()),
        }
    }
}

/// A path in a text, with the sections and the anchor that are cited of it.
struct Citation<'a> {
    at: usize,
    path: &'a str,
    anchor: Option<&'a str>,
    sections: Vec<&'a str>,
}

/// Everything in a text that may be a path.
fn citations(text: &str) -> Vec<Citation<'_>> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    let mut found = Vec::new();
    let mut end = 0;
    while let Some(begin) = text[end..].find(is_path).map(|at| end + at) {
        end = text[begin..]
            .find(|c| !is_path(c))
            .map_or(text.len(), |length| begin + length);
        let before = text[..begin].chars().next_back();
        let token = text[begin..end].trim_end_matches(['.', '/', '-']);
        let path = match before {
            // A variable, or the rest of a pattern or of an address.
            Some('$' | '}' | '*' | '>' | '~' | '%' | '@' | ':' | '\\') => "",
            _ => token.trim_start_matches("../").trim_start_matches("./"),
        };
        // A pattern, a link (links() finds those), an address on the web, or an absolute path.
        let is_pattern = text[end..].starts_with(['*', '{']);
        let is_link = text[..begin].ends_with("](");
        if is_pattern || is_link || path.is_empty() || path.starts_with('/') || path.contains("//") {
            continue;
        }
        let rest = &text[begin + token.len()..];
        let anchor = rest.strip_prefix('#').map(|rest| {
            let length = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_')));
            &rest[..length.unwrap_or(rest.len())]
        });
        found.push(Citation {
            at: begin,
            path,
            anchor: anchor.filter(|anchor| !anchor.is_empty()),
            sections: sections(rest),
        });
    }
    found
}

/// The numbers of the sections that are cited directly behind a path: ` §3`, ` §1–3`, ` §2 and §3`; also on the next line of a comment.
fn sections(rest: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = rest;
    loop {
        let joined = rest.trim_start_matches(|c: char| c.is_whitespace() || "`)/!#*-|,".contains(c));
        let joined = if found.is_empty() {
            joined
        } else {
            joined.strip_prefix("and ").unwrap_or(joined)
        };
        let Some(number) = joined.trim_start().strip_prefix('§').or_else(|| {
            let range = rest.strip_prefix(['–', '-']).filter(|_| !found.is_empty())?;
            range.starts_with(|c: char| c.is_ascii_digit()).then_some(range)
        }) else {
            return found;
        };
        let length = number
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(number.len());
        found.push(number[..length].trim_end_matches('.'));
        rest = &number[length..];
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[test]
fn every_file_section_and_anchor_that_is_cited_exists() {
    let faults = Repository::here().faults();
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn every_exception_is_still_cited() {
    let repository = Repository::here();
    for (path, _) in ELSEWHERE {
        // This file names it as well.
        let mut texts = repository
            .0
            .iter()
            .filter(|(file, _)| !file.ends_with("citations.rs"));
        assert!(
            texts.any(|(_, text)| text.as_deref().is_some_and(|text| text.contains(path))),
            "{path}"
        );
    }
}
