//! What a migration blocks, and for how long. `keyward upgrade check` shows it; it is read from the migration's statements. PostgreSQL's
//! locks are those of its manual (Explicit Locking, ALTER TABLE). The rule: an unknown statement counts as the worst case.

/// What waits while a statement runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waits {
    /// Nothing: the table is new, or only other changes of the schema have to wait.
    Nothing,
    /// Writes to the rows that are changed.
    Rows,
    /// Writes to the table.
    Writes,
    /// Reads and writes of the table.
    Everything,
}

impl Waits {
    /// What waits, in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing waits",
            Self::Rows => "writes of the same rows wait",
            Self::Writes => "writes wait",
            Self::Everything => "reads and writes wait",
        }
    }
}

/// How much of a table a statement reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// None of its rows.
    Catalogue,
    /// All rows are read.
    Scan,
    /// All rows are written.
    Rewrite,
}

impl Work {
    /// Microseconds for each row: a cautious estimate for a slow disk under load.
    #[must_use]
    pub const fn micros_a_row(self) -> u64 {
        match self {
            Self::Catalogue => 0,
            Self::Scan => 3,
            Self::Rewrite => 20,
        }
    }
}

/// What a statement does to concurrent requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The table, or the name of a dropped index.
    pub table: String,
    /// What waits.
    pub waits: Waits,
    /// How much of the table it reads or writes.
    pub work: Work,
}

/// The statements of a script, without its comments. It works for scripts without a semicolon in a string.
pub(crate) fn statements(script: &str) -> impl Iterator<Item = String> {
    let lines: Vec<&str> = script
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .collect();
    let all: Vec<String> = lines
        .join(" ")
        .split(';')
        .map(|one| one.trim().to_owned())
        .collect();
    all.into_iter().filter(|statement| !statement.is_empty())
}

/// The effects of a script on PostgreSQL: of each statement, on its own table and on the tables that its foreign keys refer to.
#[must_use]
pub(crate) fn on_postgres(script: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for statement in statements(script) {
        let own = effect(&statement);
        let others = referred_to(&statement).filter(|table| *table != own.table);
        // Each of those tables gets a trigger. Its rows are read only by their key.
        let others: Vec<Effect> = others
            .map(|table| Effect {
                table: table.to_owned(),
                waits: Waits::Writes,
                work: Work::Catalogue,
            })
            .collect();
        effects.push(own);
        effects.extend(others);
    }
    effects
}

/// The tables after the word `REFERENCES`.
fn referred_to(statement: &str) -> impl Iterator<Item = &str> {
    let behind = statement.split("REFERENCES ").skip(1);
    behind.filter_map(|rest| {
        rest.split([' ', '(', ')', ',', ';'])
            .find(|word| !word.is_empty())
    })
}

/// The tables that a script drops.
pub(crate) fn dropped_tables(script: &str) -> impl Iterator<Item = String> {
    let dropped = statements(script).filter(|statement| statement.starts_with("DROP TABLE"));
    dropped.map(|statement| effect(&statement).table)
}

/// The effects of a script on SQLite, where a run blocks all other writers, and readers never wait.
#[must_use]
pub(crate) fn on_sqlite(script: &str) -> Vec<Effect> {
    let writers_wait = |statement: String| Effect {
        waits: Waits::Writes,
        ..effect(&statement)
    };
    statements(script).map(writers_wait).collect()
}

fn effect(statement: &str) -> Effect {
    let words: Vec<&str> = statement
        .split_whitespace()
        .filter(|word| !matches!(*word, "IF" | "NOT" | "EXISTS" | "UNIQUE" | "ONLY"))
        .collect();
    let has = |phrase: &str| statement.contains(phrase);
    let of = |name: &str, waits, work| Effect {
        table: name.trim_end_matches([';', ',', '(']).to_owned(),
        waits,
        work,
    };
    let on = || {
        let behind = words.iter().skip_while(|word| **word != "ON").nth(1);
        behind.copied().unwrap_or_default()
    };
    match words.as_slice() {
        ["CREATE", "TABLE", name, ..] => of(name, Waits::Nothing, Work::Catalogue),
        ["CREATE", "INDEX", "CONCURRENTLY", ..] => of(on(), Waits::Nothing, Work::Scan),
        ["CREATE", "INDEX", ..] => of(on(), Waits::Writes, Work::Scan),
        ["DROP", "INDEX", "CONCURRENTLY", name, ..] => of(name, Waits::Nothing, Work::Catalogue),
        ["DROP", "TABLE" | "INDEX", name, ..] => of(name, Waits::Everything, Work::Catalogue),
        ["ALTER", "TABLE", name, "ADD", "COLUMN", ..] if !has("GENERATED") && !has("clock_timestamp") => {
            of(name, Waits::Everything, Work::Catalogue)
        }
        ["ALTER", "TABLE", name, "VALIDATE", ..] => of(name, Waits::Nothing, Work::Scan),
        ["ALTER", "TABLE", name, "ADD", "CONSTRAINT", ..] => {
            let waits = if has("FOREIGN KEY") {
                Waits::Writes
            } else {
                Waits::Everything
            };
            let work = if has("NOT VALID") {
                Work::Catalogue
            } else {
                Work::Scan
            };
            of(name, waits, work)
        }
        ["ALTER", "TABLE", name, "ALTER", "COLUMN", _, "SET", "NULL"] => {
            of(name, Waits::Everything, Work::Scan)
        }
        ["ALTER", "TABLE", name, "DROP" | "RENAME", ..]
        | ["ALTER", "TABLE", name, "ALTER", "COLUMN", _, "SET" | "DROP", ..] => {
            of(name, Waits::Everything, Work::Catalogue)
        }
        ["UPDATE", name, ..] | ["DELETE", "FROM", name, ..] => of(name, Waits::Rows, Work::Rewrite),
        ["INSERT", "INTO", name, ..] if !has("SELECT") => of(name, Waits::Rows, Work::Catalogue),
        ["INSERT", "INTO", ..] => {
            let source = words.iter().skip_while(|word| **word != "FROM").nth(1);
            of(source.copied().unwrap_or_default(), Waits::Rows, Work::Rewrite)
        }
        ["ALTER", "TABLE", name, ..] => of(name, Waits::Everything, Work::Rewrite),
        _ => of(
            words.last().copied().unwrap_or_default(),
            Waits::Everything,
            Work::Rewrite,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statement_says_what_waits() {
        use {Waits as W, Work as K};
        for (statement, table, waits, work) in [
            ("CREATE TABLE a (b int NOT NULL)", "a", W::Nothing, K::Catalogue),
            ("CREATE UNIQUE INDEX i ON a (b)", "a", W::Writes, K::Scan),
            ("CREATE INDEX CONCURRENTLY i ON a (b)", "a", W::Nothing, K::Scan),
            ("CREATE INDEX IF NOT EXISTS i ON a (b)", "a", W::Writes, K::Scan),
            ("DROP INDEX i", "i", W::Everything, K::Catalogue),
            (
                "ALTER TABLE a ADD COLUMN b text",
                "a",
                W::Everything,
                K::Catalogue,
            ),
            (
                "ALTER TABLE a ADD COLUMN b text GENERATED ALWAYS AS (c) STORED",
                "a",
                W::Everything,
                K::Rewrite,
            ),
            (
                "ALTER TABLE a DROP CONSTRAINT c",
                "a",
                W::Everything,
                K::Catalogue,
            ),
            (
                "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0)",
                "a",
                W::Everything,
                K::Scan,
            ),
            (
                "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID",
                "a",
                W::Everything,
                K::Catalogue,
            ),
            (
                "ALTER TABLE a ADD CONSTRAINT c FOREIGN KEY (b) REFERENCES d (e) NOT VALID",
                "a",
                W::Writes,
                K::Catalogue,
            ),
            ("ALTER TABLE a VALIDATE CONSTRAINT c", "a", W::Nothing, K::Scan),
            (
                "ALTER TABLE a ALTER COLUMN b SET NOT NULL",
                "a",
                W::Everything,
                K::Scan,
            ),
            (
                "ALTER TABLE a ALTER COLUMN b DROP DEFAULT",
                "a",
                W::Everything,
                K::Catalogue,
            ),
            (
                "ALTER TABLE a ALTER COLUMN b TYPE bigint",
                "a",
                W::Everything,
                K::Rewrite,
            ),
            ("UPDATE a SET b = 1", "a", W::Rows, K::Rewrite),
            ("INSERT INTO a (b) VALUES (1)", "a", W::Rows, K::Catalogue),
            ("INSERT INTO a (b) SELECT b FROM c", "c", W::Rows, K::Rewrite),
            ("CLUSTER a", "a", W::Everything, K::Rewrite),
        ] {
            let found = effect(statement);
            assert_eq!(
                (found.table.as_str(), found.waits, found.work),
                (table, waits, work),
                "{statement}"
            );
        }
        let script = "-- expand\n-- a; b\nDROP INDEX i; -- why\nUPDATE a\nSET b = 1;\n";
        assert_eq!(on_postgres(script).len(), 2);
        assert!(
            on_sqlite(script)
                .iter()
                .all(|effect| effect.waits == Waits::Writes)
        );
    }

    #[test]
    fn writes_to_a_table_wait_while_a_foreign_key_to_it_is_added() {
        for (statement, own) in [
            (
                "CREATE TABLE a (b int REFERENCES d, c int REFERENCES a(b))",
                Waits::Nothing,
            ),
            (
                "ALTER TABLE a ADD COLUMN b int REFERENCES d (e)",
                Waits::Everything,
            ),
            (
                "ALTER TABLE a ADD CONSTRAINT c FOREIGN KEY (b) REFERENCES d(e) NOT VALID",
                Waits::Writes,
            ),
        ] {
            let found: Vec<_> = on_postgres(statement)
                .into_iter()
                .map(|effect| (effect.table, effect.waits))
                .collect();
            let expected = [("a".to_owned(), own), ("d".to_owned(), Waits::Writes)];
            assert_eq!(found, expected, "{statement}");
            assert_eq!(on_sqlite(statement).len(), 1, "{statement}");
        }
    }
}
