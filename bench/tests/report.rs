//! The tables and the chart from invented results: goals that are met, goals that are missed, and a noisy machine.

use bench::{chart, markdown, results::Results};

/// Two routes, growth, a flood and a sweep; invented figures.
#[cfg(test)]
const INVENTED: &str = include_str!("invented.json");

#[cfg(test)]
fn results(text: &str) -> Results {
    serde_json::from_str(text).unwrap()
}

#[test]
fn each_goal_is_shown_as_met_or_missed() {
    let tables = markdown::tables(&results(INVENTED)).unwrap();
    let line = |start: &str| {
        let found = tables.lines().find(|line| line.starts_with(start));
        found
            .unwrap_or_else(|| panic!("no {start} in {tables}"))
            .to_owned()
    };
    assert_eq!(
        line("| token check, known"),
        "| token check, known tokens | SQLite | 30,000 | 1.50 ms / 4.00 ms | /health/live | 40,000 | 0.75 (0.70–0.80) | ≥ 0.70 | met |"
    );
    assert!(line("| sign-in |").ends_with("| 0.90 (0.85–0.94) | ≥ 0.95 | **missed** |"));
    assert!(line("| start to ready").ends_with("| 40 ms (38–45) | < 100 ms | met |"));
    assert!(line("| resident after").ends_with("| < 20 MB | **missed** |"));
    assert!(
        line("| shared libraries").ends_with("| **missed** |"),
        "libssl is none of those"
    );
    assert!(line("| /me | SQLite |").ends_with("| 1.30 | ≤ 1.2 | **missed** |"));
    assert!(line("| token check, p50").contains("p99 × 1.5"));
    assert!(line("| 9,000 refusals").ends_with("| p99 < 50.0 ms | **missed** |"));
    assert!(line("| resident memory").ends_with("| met |"));
    assert!(line("| /me | 0.20 ms").ends_with("| × 1.50 / × 1.50 | ≤ × 2 | met |"));
    assert!(line("| /refresh | 0.50 ms").ends_with("| × 1.20 / × 2.50 | ≤ × 2 | **missed** |"));
}

#[test]
fn a_noisy_machine_is_reported_with_the_figures() {
    let quiet = markdown::tables(&results(INVENTED)).unwrap();
    assert!(!quiet.contains("with caution"));
    let noisy = INVENTED.replacen("\"reasons\": []", "\"reasons\": [\"a neighbour compiled\"]", 1);
    let tables = markdown::tables(&results(&noisy)).unwrap();
    assert!(
        tables.contains("**The machine was noisy: a neighbour compiled. Treat these figures with caution.**")
    );
}

#[test]
fn the_chart_has_a_bar_and_a_goal_for_each_route_with_one() {
    let svg = chart::svg(&results(INVENTED)).unwrap();
    assert_eq!(svg.matches("<rect").count(), 2);
    assert_eq!(svg.matches("class=\"goal\"").count(), 2);
    assert_eq!(svg.matches("class=\"missed\"").count(), 1);
    assert!(svg.contains("prefers-color-scheme: dark"));
    assert!(svg.starts_with("<svg xmlns") && svg.trim_end().ends_with("</svg>"));
}

#[test]
fn written_results_are_read_back_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.json");
    assert!(Results::read(&file).unwrap().routes.is_none());
    let invented = results(INVENTED);
    invented.write(&file).unwrap();
    let again = Results::read(&file).unwrap();
    assert_eq!(
        markdown::tables(&again).unwrap(),
        markdown::tables(&invented).unwrap()
    );
}
