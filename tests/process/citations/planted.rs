//! The check of citations is tested itself: it accepts what exists, and finds planted faults.

use super::Repository;

/// A repository in which everything that is cited exists, with one more file.
fn with(path: &str, text: &str) -> Repository {
    let files = [
        ("README.md", "See [the rules](docs/rules.md#2-tokens).\n"),
        (
            "docs/rules.md",
            "# Rules\n\n## 2. Tokens\n\n```sh\n# Hidden\n```\n\n## Hidden & shown\n",
        ),
        (
            "crates/auth-domain/src/keys.rs",
            "//! docs/rules.md §2, and keys.rs.\n",
        ),
        (
            "crates/auth-domain/tests/keys.rs",
            "// tests/keys.rs; docs/rules.md#2-tokens\n",
        ),
        (path, text),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), Some(text.to_owned())));
    Repository(files.into_iter().collect())
}

#[test]
fn what_exists_may_be_cited_in_every_form() {
    for text in [
        "auth-domain/src/keys.rs, src/keys.rs, ../auth-domain/src/keys.rs and crates/auth-domain/src.",
        "docs/rules.md\n//! §2, and RFC 9700 §4.14.2; `docs/rules.md` §2: https://example.com/docs/none.md",
        "/etc/docs/none.md $dir/none.rs {name}.rs docs/none.{md,svg} users.csv docs/*.md example.com",
        "[a](../docs/rules.md) [b](/docs) [c](#here) [d](rules.md#hidden--shown)\n# Here\n[e]: rules.md#2-tokens",
    ] {
        assert_eq!(with("docs/more.md", text).faults(), [""; 0], "{text}");
    }
}

#[test]
fn a_planted_fault_of_every_kind_is_found_with_its_line() {
    for (path, text, fault) in [
        ("a.rs", "\n// docs/none.md", "a.rs:2: docs/none.md does not exist"),
        ("a.rs", "// docs/none/", "a.rs:1: docs/none does not exist"),
        (
            "a.sql",
            "-- behaviour.md §2",
            "a.sql:1: behaviour.md does not exist",
        ),
        (
            "a.toml",
            "# auth-domain/src/none.rs",
            "a.toml:1: auth-domain/src/none.rs does not exist",
        ),
        ("a.sh", "# see scripts.sh", "a.sh:1: scripts.sh does not exist"),
        (
            "a.html",
            "<!-- docs/rules.svg -->",
            "a.html:1: docs/rules.svg does not exist",
        ),
        ("a.rs", "// docs/rules.md §3", "a.rs:1: docs/rules.md has no §3"),
        (
            "a.rs",
            "/// docs/rules.md\n/// §21",
            "a.rs:1: docs/rules.md has no §21",
        ),
        (
            "a.rs",
            "// docs/rules.md §2 and §4",
            "a.rs:1: docs/rules.md has no §4",
        ),
        ("a.rs", "// docs/rules.md §2–3", "a.rs:1: docs/rules.md has no §3"),
        (
            "a.rs",
            "// docs/rules.md#tokens",
            "a.rs:1: docs/rules.md has no heading #tokens",
        ),
        (
            "a.rs",
            "// docs/rules.md#hidden",
            "a.rs:1: docs/rules.md has no heading #hidden",
        ),
        (
            "a.md",
            "[a](docs/none)",
            "a.md:1: the link leads to docs/none, which does not exist",
        ),
        (
            "a.md",
            "[a](#none)",
            "a.md:1: the link leads to a heading #none that a.md does not have",
        ),
        (
            "a.md",
            "\n[a]: docs/rules.md#x",
            "a.md:2: the link leads to a heading #x that docs/rules.md does not have",
        ),
    ] {
        let faults = with(path, text).faults();
        assert!(faults.iter().any(|found| found == fault), "{text}: {faults:?}");
    }
}
