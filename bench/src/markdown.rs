//! The tables of `docs/benchmarks.md`, between two markers. The text around them is written by hand and stays unchanged.

use crate::{
    BenchResult,
    results::{
        BINARY_GOAL, Comparison, FLAT_GOAL, FLOOD_GOAL, FloodResult, GROWTH_GOAL, GrowthResult,
        LIBRARIES_GOAL, Latency, READY_GOAL, REFUSAL_GOAL, RESIDENT_GOAL, Results, RunInfo, SKEW_GOAL,
        SWEEP_GOAL, SkewResult, Start, SweepResult,
    },
};
use std::fmt::Write;

/// The marker before the tables.
pub const BEGIN: &str = "<!-- tables: begin; written by `make bench` -->";
/// The marker after the tables.
pub const END: &str = "<!-- tables: end -->";

/// The page with its tables replaced.
///
/// # Errors
/// If the markers are missing.
pub fn replace(page: &str, results: &Results) -> BenchResult<String> {
    let missing = || format!("the page has no `{BEGIN}` before a `{END}`");
    let (before, rest) = page.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!("{before}{BEGIN}\n\n{}\n{END}{after}", tables(results)?))
}

/// All tables.
///
/// # Errors
/// Never: writing to a `String` can't fail.
pub fn tables(results: &Results) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    if let Some(section) = &results.routes {
        writeln!(out, "### Routes beside their limits\n")?;
        circumstances(&mut out, &section.taken)?;
        comparisons(&mut out, &section.figures.comparisons)?;
        if let Some(start) = &section.figures.start {
            rest(&mut out, start)?;
        }
    }
    if let Some(section) = &results.growth {
        writeln!(out, "### Growth\n")?;
        circumstances(&mut out, &section.taken)?;
        growth(&mut out, &section.figures)?;
    }
    if let Some(section) = &results.skew {
        writeln!(out, "### A user with a long past\n")?;
        circumstances(&mut out, &section.taken)?;
        skew(&mut out, &section.figures)?;
    }
    if let Some(section) = &results.flood {
        writeln!(out, "### A flood of sign-ins\n")?;
        circumstances(&mut out, &section.taken)?;
        for flooded in &section.figures {
            flood(&mut out, flooded)?;
        }
    }
    if let Some(section) = &results.sweep {
        writeln!(out, "### A sweep of expired rows\n")?;
        circumstances(&mut out, &section.taken)?;
        for swept in &section.figures {
            sweep(&mut out, swept)?;
        }
    }
    Ok(out)
}

fn circumstances(out: &mut String, taken: &RunInfo) -> std::fmt::Result {
    let machine = &taken.machine;
    writeln!(
        out,
        "RunInfo {} at commit {} on {} cores of {}, {} GiB, {}, data on {}. {}. {} rounds of {} s a side.\n",
        taken.at,
        taken.commit,
        machine.cores,
        machine.processor,
        machine.memory_gib,
        machine.kernel,
        machine.file_system,
        machine.versions.join(", "),
        taken.rounds,
        taken.seconds,
    )?;
    if taken.noise.is_noisy() {
        writeln!(
            out,
            "**The machine was noisy: {}. Treat these figures with caution.**\n",
            taken.noise.reasons.join("; ")
        )
    } else {
        writeln!(
            out,
            "The machine was quiet: the same work took times {:.1} % apart.\n",
            taken.noise.spread * 100.0
        )
    }
}

const fn met_or_missed(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

/// A number with its significant digits.
fn number(figure: f64) -> String {
    match figure {
        f if f >= 100.0 => {
            let digits = format!("{f:.0}");
            let mut text = String::new();
            for (place, digit) in digits.chars().enumerate() {
                if place > 0 && (digits.len() - place).is_multiple_of(3) {
                    text.push(',');
                }
                text.push(digit);
            }
            text
        }
        f if f >= 10.0 => format!("{f:.1}"),
        f => format!("{f:.2}"),
    }
}

fn milliseconds(micros: f64) -> String {
    format!("{} ms", number(micros / 1e3))
}

fn p50_p99(latency: &Latency) -> String {
    format!("{} / {}", milliseconds(latency.p50), milliseconds(latency.p99))
}

fn comparisons(out: &mut String, all: &[Comparison]) -> std::fmt::Result {
    writeln!(
        out,
        "| what | on | a second | p50 / p99 | against | a second | ratio (least–most) | goal | |"
    )?;
    writeln!(
        out,
        "| --- | --- | ---: | ---: | --- | ---: | ---: | ---: | --- |"
    )?;
    for one in all {
        let latency = one.subject.latency.as_ref().map_or_else(String::new, p50_p99);
        let (limit, rate) = one.limit.as_ref().map_or_else(
            || ("—".to_owned(), String::new()),
            |limit| (limit.name.clone(), number(limit.rate.median)),
        );
        let ratio = one.ratio.map_or_else(String::new, |ratio| {
            format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.min, ratio.max)
        });
        let goal = one.goal.map_or_else(String::new, |goal| format!("≥ {goal:.2}"));
        writeln!(
            out,
            "| {} | {} | {} | {latency} | {limit} | {rate} | {ratio} | {goal} | {} |",
            one.what,
            one.backend,
            number(one.subject.rate.median),
            one.met().map_or("", met_or_missed),
        )?;
    }
    writeln!(out)
}

fn rest(out: &mut String, start: &Start) -> std::fmt::Result {
    let foreign: Vec<&String> = start
        .libraries
        .iter()
        .filter(|name| !LIBRARIES_GOAL.contains(&name.as_str()))
        .collect();
    writeln!(out, "| at rest, embedded | figure (least–most) | goal | |")?;
    writeln!(out, "| --- | ---: | ---: | --- |")?;
    writeln!(
        out,
        "| start to ready, existing data | {:.0} ms ({:.0}–{:.0}) | < {READY_GOAL:.0} ms | {} |",
        start.ready_ms.median,
        start.ready_ms.min,
        start.ready_ms.max,
        met_or_missed(start.ready_ms.median < READY_GOAL)
    )?;
    writeln!(
        out,
        "| resident after ready and one request | {:.1} MB ({:.1}–{:.1}) | < {RESIDENT_GOAL:.0} MB | {} |",
        start.resident_mb.median,
        start.resident_mb.min,
        start.resident_mb.max,
        met_or_missed(start.resident_mb.median < RESIDENT_GOAL)
    )?;
    writeln!(
        out,
        "| binary | {:.1} MB | < {BINARY_GOAL:.0} MB | {} |",
        start.binary_mb,
        met_or_missed(start.binary_mb < BINARY_GOAL)
    )?;
    writeln!(
        out,
        "| shared libraries | {} | libc, libm, libgcc_s | {} |\n",
        start.libraries.join(", "),
        met_or_missed(foreign.is_empty())
    )
}

fn skew(out: &mut String, all: &[SkewResult]) -> std::fmt::Result {
    writeln!(
        out,
        "| p50 of | on | a new user | with 100,000 sessions and events, 10,000 mails | ratio | goal | |"
    )?;
    writeln!(out, "| --- | --- | ---: | ---: | ---: | ---: | --- |")?;
    for one in all {
        writeln!(
            out,
            "| {} | {} | {} | {} | {:.2} | ≤ {SKEW_GOAL:.1} | {} |",
            one.route,
            one.backend,
            milliseconds(one.fresh.median),
            milliseconds(one.heavy.median),
            one.ratio(),
            met_or_missed(one.ratio() <= SKEW_GOAL)
        )?;
    }
    writeln!(out)
}

fn growth(out: &mut String, all: &[GrowthResult]) -> std::fmt::Result {
    let Some(first) = all.first() else { return Ok(()) };
    write!(out, "| p50 of | on |")?;
    for size in &first.sizes {
        write!(out, " {} users |", number(size.users as f64))?;
    }
    writeln!(out, " largest / smallest | goal | |")?;
    writeln!(
        out,
        "| --- | --- |{} ---: | ---: | --- |",
        " ---: |".repeat(first.sizes.len())
    )?;
    for grown in all {
        write!(out, "| {} | {} |", grown.route, grown.backend)?;
        for size in &grown.sizes {
            write!(
                out,
                " {} ({}–{}) |",
                milliseconds(size.p50.median),
                number(size.p50.min / 1e3),
                number(size.p50.max / 1e3)
            )?;
        }
        let ratio = grown.ratio().unwrap_or(f64::NAN);
        writeln!(
            out,
            " {ratio:.2} | ≤ {GROWTH_GOAL:.1} | {} |",
            met_or_missed(ratio <= GROWTH_GOAL)
        )?;
    }
    writeln!(out)?;
    let mut listed: Vec<&str> = Vec::new();
    for grown in all {
        if !listed.contains(&grown.backend.as_str()) {
            listed.push(&grown.backend);
            let sizes: Vec<String> = grown
                .sizes
                .iter()
                .map(|size| format!("{} MB at {}", number(size.database_mb), number(size.users as f64)))
                .collect();
            writeln!(out, "The database on {}: {}.\n", grown.backend, sizes.join(", "))?;
        }
    }
    Ok(())
}

fn flood(out: &mut String, flooded: &FloodResult) -> std::fmt::Result {
    writeln!(
        out,
        "On {}: {} sign-ins a second were sent; the capacity is {}; {} were accepted.\n",
        flooded.backend,
        number(flooded.offered),
        number(flooded.capacity),
        number(flooded.admitted)
    )?;
    let slower = flooded.verify_flooded.p99 / flooded.verify_quiet.p99.max(1.0);
    let grown = flooded.resident_mb[1] / flooded.resident_mb[0].max(1.0);
    writeln!(out, "| | quiet | flooded | | goal | |")?;
    writeln!(out, "| --- | ---: | ---: | ---: | ---: | --- |")?;
    writeln!(
        out,
        "| token check, p50 / p99 | {} | {} | p99 × {slower:.1} | ≤ × {FLOOD_GOAL:.0} | {} |",
        p50_p99(&flooded.verify_quiet),
        p50_p99(&flooded.verify_flooded),
        met_or_missed(slower <= FLOOD_GOAL)
    )?;
    writeln!(
        out,
        "| refresh, p50 / p99 | {} | {} | p99 × {:.1} | | |",
        p50_p99(&flooded.refresh_quiet),
        p50_p99(&flooded.refresh_flooded),
        flooded.refresh_flooded.p99 / flooded.refresh_quiet.p99.max(1.0)
    )?;
    writeln!(
        out,
        "| {} refusals, p50 / p99 | | {} | slowest {} | p99 < {} | {} |",
        number(flooded.refused as f64),
        p50_p99(&flooded.refusals),
        milliseconds(flooded.refusals.max),
        milliseconds(REFUSAL_GOAL),
        met_or_missed(flooded.refusals.p99 < REFUSAL_GOAL)
    )?;
    writeln!(
        out,
        "| resident memory | {:.1} MB | {:.1} MB, after it {:.1} MB | × {grown:.2} | flat: ≤ × {FLAT_GOAL:.2} | {} |",
        flooded.resident_mb[0],
        flooded.resident_mb[1],
        flooded.resident_mb[2],
        met_or_missed(grown <= FLAT_GOAL)
    )?;
    writeln!(
        out,
        "| unexpected answers | | {} | | 0 | {} |\n",
        flooded.wrong,
        met_or_missed(flooded.wrong == 0)
    )
}

fn sweep(out: &mut String, swept: &SweepResult) -> std::fmt::Result {
    writeln!(
        out,
        "On {}: {} expired rows, of which {} were removed during the measurement.\n",
        swept.backend,
        number(swept.rows as f64),
        number(swept.gone as f64)
    )?;
    writeln!(out, "| p50 / p99 of | quiet | during the sweep | | goal | |")?;
    writeln!(out, "| --- | ---: | ---: | ---: | ---: | --- |")?;
    for one in &swept.routes {
        let [p50, p99] = one.ratios();
        writeln!(
            out,
            "| {} | {} | {} | × {p50:.2} / × {p99:.2} | ≤ × {SWEEP_GOAL:.0} | {} |",
            one.route,
            p50_p99(&one.quiet),
            p50_p99(&one.swept),
            met_or_missed(p50 <= SWEEP_GOAL && p99 <= SWEEP_GOAL)
        )?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_significant_digits() {
        assert_eq!(number(1_234_567.8), "1,234,568");
        assert_eq!(number(123.4), "123");
        assert_eq!(number(12.34), "12.3");
        assert_eq!(number(1.234), "1.23");
    }

    #[test]
    fn the_text_around_the_tables_stays_unchanged() {
        let page = format!("# Title\n\nprose\n\n{BEGIN}\nold\n{END}\n\nmore prose\n");
        let new = replace(&page, &Results::default()).unwrap();
        assert!(new.starts_with("# Title\n\nprose\n\n") && new.ends_with("\n\nmore prose\n"));
        assert!(!new.contains("old"));
        assert!(replace("no markers", &Results::default()).is_err());
    }
}
