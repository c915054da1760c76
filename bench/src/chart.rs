//! The chart of `docs/benchmarks.svg`: each ratio is a bar, its spread a line over the end of the bar, its goal a tick. Plain SVG, with
//! colours for light and dark pages.

use crate::results::{Comparison, Results};
use std::fmt::Write;

const LEFT: f64 = 330.0;
const WIDTH: f64 = 420.0;
const ROW: f64 = 30.0;
const TOP: f64 = 52.0;

const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #24292f } .small { font-size: 11px; fill: #57606a }\n\
.axis { stroke: #d0d7de; stroke-width: 1 } .met { fill: #2da44e } .missed { fill: #cf222e }\n\
.spread { stroke: #24292f; stroke-width: 1.5 } .goal { stroke: #0969da; stroke-width: 2.5 }\n\
@media (prefers-color-scheme: dark) {\n\
text { fill: #e6edf3 } .small { fill: #9198a1 } .axis { stroke: #3d444d } .met { fill: #3fb950 } .missed { fill: #f85149 }\n\
.spread { stroke: #e6edf3 } .goal { stroke: #58a6ff }\n\
}";

/// The chart of the results; empty without results.
///
/// # Errors
/// Never: writing to a `String` can't fail.
pub fn svg(results: &Results) -> Result<String, std::fmt::Error> {
    let bars: Vec<&Comparison> = results
        .routes
        .iter()
        .flat_map(|section| &section.figures.comparisons)
        .filter(|one| one.goal.is_some() && one.ratio.is_some())
        .collect();
    let greatest = bars
        .iter()
        .filter_map(|one| one.ratio)
        .fold(1.0_f64, |most, ratio| most.max(ratio.max));
    let x = |ratio: f64| LEFT + ratio / greatest * WIDTH;
    let bottom = TOP + ROW * bars.len() as f64;
    let (width, height) = (LEFT + WIDTH + 70.0, bottom + 34.0);
    let mut out = String::new();
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"The rate of each route as a fraction of its limit on the same machine\">\n<style>\n{STYLE}\n</style>"
    )?;
    writeln!(
        out,
        "<text x=\"12\" y=\"22\">The rate of each route as a fraction of its limit, measured in the same run</text>\n\
         <text x=\"12\" y=\"40\" class=\"small\">bar: median of the rounds; thin line: minimum to maximum; blue tick: goal</text>"
    )?;
    for tenth in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let at = x(tenth);
        writeln!(
            out,
            "<line class=\"axis\" x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{bottom}\"/>\
             <text class=\"small\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{tenth}</text>",
            bottom + 16.0
        )?;
    }
    for (row, one) in bars.iter().enumerate() {
        bar(&mut out, one, TOP + ROW * row as f64, &x)?;
    }
    writeln!(out, "</svg>")?;
    Ok(out)
}

fn bar(out: &mut String, one: &Comparison, y: f64, x: &dyn Fn(f64) -> f64) -> std::fmt::Result {
    let (Some(ratio), Some(goal)) = (one.ratio, one.goal) else {
        return Ok(());
    };
    let class = if one.met() == Some(true) { "met" } else { "missed" };
    let middle = y + ROW / 2.0;
    writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
        LEFT - 10.0,
        middle + 4.0,
        escaped(&label(one))
    )?;
    writeln!(
        out,
        "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{:.1}\" width=\"{:.1}\" height=\"14\" rx=\"2\"/>\
         <line class=\"spread\" x1=\"{:.1}\" y1=\"{middle:.1}\" x2=\"{:.1}\" y2=\"{middle:.1}\"/>\
         <line class=\"goal\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>\
         <text class=\"small\" x=\"{:.1}\" y=\"{:.1}\">{:.2}</text>",
        middle - 7.0,
        x(ratio.median) - LEFT,
        x(ratio.min),
        x(ratio.max),
        x(goal),
        middle - 11.0,
        x(goal),
        middle + 11.0,
        x(ratio.max.max(goal)) + 8.0,
        middle + 4.0,
        ratio.median
    )
}

/// The route and its database, shortened to fit the margin.
fn label(one: &Comparison) -> String {
    let what = one.what.replace("every token for the first time", "first sight");
    let backend = if one.backend == "SQLite" {
        "SQLite"
    } else if one.name.contains("redis") {
        "Redis"
    } else {
        "PostgreSQL"
    };
    format!("{what} ({backend})")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
