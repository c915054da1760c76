//! Rounds of the subject and its limit in alternation (A B A B …), so that a slowdown of the machine affects both.

use crate::{
    BenchResult,
    load::LoadResult,
    noise::Calibration,
    progress,
    results::{Comparison, Latency, Series},
    stats::Spread,
};

/// The result of one side in one round.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measurement {
    /// The rate, in requests a second.
    pub rate: f64,
    /// The latencies, if the load generator reports them.
    pub latency: Option<Latency>,
}

impl Measurement {
    /// A rate without latencies.
    #[must_use]
    pub fn rate(rate: f64) -> Self {
        Self { rate, latency: None }
    }
}

impl From<&LoadResult> for Measurement {
    fn from(loaded: &LoadResult) -> Self {
        Self {
            rate: loaded.per_second(),
            latency: Some(loaded.into()),
        }
    }
}

/// One side of a comparison, which runs for the given number of seconds.
pub type Side<'a> = Box<dyn FnMut(u32) -> BenchResult<Measurement> + 'a>;

/// A comparison to be run.
pub struct ComparisonPlan<'a> {
    /// A short name.
    pub name: &'static str,
    /// The label in the tables.
    pub what: &'static str,
    /// The database.
    pub backend: &'static str,
    /// The subject.
    pub subject: Side<'a>,
    /// The name of the limit, and its side.
    pub limit: Option<(&'static str, Side<'a>)>,
    /// The smallest ratio that meets the goal.
    pub goal: Option<f64>,
}

/// The number and length of rounds.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The number of rounds.
    pub rounds: u32,
    /// Seconds of each side in a round.
    pub seconds: u32,
    /// Seconds of warm-up before the rounds, which don't count; 0: none.
    pub warm_up: u32,
}

/// Runs the rounds of a comparison.
///
/// # Errors
/// If a side fails or an answer is unexpected.
pub fn run(
    mut contest: ComparisonPlan<'_>,
    plan: Plan,
    calibration: &mut Calibration,
) -> BenchResult<Comparison> {
    if plan.warm_up > 0 {
        (contest.subject)(plan.warm_up)?;
        if let Some((_, limit)) = &mut contest.limit {
            limit(plan.warm_up)?;
        }
    }
    let (mut subjects, mut limits) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        calibration.round()?;
        subjects.push((contest.subject)(plan.seconds)?);
        if let Some((_, limit)) = &mut contest.limit {
            limits.push(limit(plan.seconds)?);
        }
    }
    let compared = Comparison {
        name: contest.name.to_owned(),
        what: contest.what.to_owned(),
        backend: contest.backend.to_owned(),
        subject: series("Keyward", &subjects)?,
        limit: match &contest.limit {
            Some((name, _)) => Some(series(name, &limits)?),
            None => None,
        },
        ratio: ratio(&subjects, &limits),
        goal: contest.goal,
    };
    progress(&compared.line());
    Ok(compared)
}

fn series(name: &str, rounds: &[Measurement]) -> BenchResult<Series> {
    let rates: Vec<f64> = rounds.iter().map(|once| once.rate).collect();
    let of = |get: fn(&Latency) -> f64| -> Option<f64> {
        let all: Vec<f64> = rounds
            .iter()
            .filter_map(|once| once.latency.as_ref().map(get))
            .collect();
        Spread::of(&all).map(|spread| spread.median)
    };
    let latency = of(|l| l.p50)
        .zip(of(|l| l.p90))
        .zip(of(|l| l.p99))
        .zip(of(|l| l.max))
        .map(|(((p50, p90), p99), max)| Latency { p50, p90, p99, max });
    Ok(Series {
        name: name.to_owned(),
        rate: Spread::of(&rates).ok_or("no round was run")?,
        rates,
        latency,
    })
}

/// The spread of the ratios of each pair of rounds.
fn ratio(subjects: &[Measurement], limits: &[Measurement]) -> Option<Spread> {
    let ratios: Vec<f64> = subjects
        .iter()
        .zip(limits)
        .filter(|(_, limit)| limit.rate > 0.0)
        .map(|(subject, limit)| subject.rate / limit.rate)
        .collect();
    Spread::of(&ratios)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn the_sides_alternate_and_the_ratio_is_that_of_each_pair() {
        let order = RefCell::new(String::new());
        let side = |name: char, rates: [f64; 3]| -> Side<'_> {
            let mut rates = rates.into_iter();
            let order = &order;
            Box::new(move |_| {
                order.borrow_mut().push(name);
                let rate = rates.next().ok_or("too many rounds")?;
                Ok(Measurement { rate, latency: None })
            })
        };
        let contest = ComparisonPlan {
            name: "x",
            what: "x",
            backend: "none",
            subject: side('a', [50.0, 90.0, 70.0]),
            limit: Some(("y", side('b', [100.0, 100.0, 100.0]))),
            goal: Some(0.7),
        };
        let plan = Plan {
            rounds: 3,
            seconds: 1,
            warm_up: 0,
        };
        let compared = run(contest, plan, &mut Calibration::none()).unwrap();
        assert_eq!(order.into_inner(), "ababab");
        let ratio = compared.ratio.unwrap();
        assert_eq!((ratio.median, ratio.min, ratio.max), (0.7, 0.5, 0.9));
        assert_eq!(compared.met(), Some(true));
    }
}
