//! Rounds: the subject and its limit in turns (A B A B …), so that whatever slows the machine slows both.

use crate::{
    Outcome,
    load::Loaded,
    noise::Calibration,
    results::{Comparison, Latency, Series},
    say,
    stats::Spread,
};

/// What one side did in one round.
#[derive(Debug, Clone, Copy, Default)]
pub struct Once {
    /// How many a second.
    pub rate: f64,
    /// How long they took, where the load generator says.
    pub latency: Option<Latency>,
}

impl Once {
    /// A rate, and nothing of single answers.
    #[must_use]
    pub fn rate(rate: f64) -> Self {
        Self { rate, latency: None }
    }
}

impl From<&Loaded> for Once {
    fn from(loaded: &Loaded) -> Self {
        Self {
            rate: loaded.per_second(),
            latency: Some(loaded.into()),
        }
    }
}

/// One side of a comparison: runs for so many seconds.
pub type Side<'a> = Box<dyn FnMut(u32) -> Outcome<Once> + 'a>;

/// What is compared.
pub struct Contest<'a> {
    /// A short name.
    pub name: &'static str,
    /// What is measured, in words.
    pub what: &'static str,
    /// The database.
    pub backend: &'static str,
    /// The subject.
    pub subject: Side<'a>,
    /// Its limit: in words, and the side.
    pub limit: Option<(&'static str, Side<'a>)>,
    /// The least ratio that is good.
    pub goal: Option<f64>,
}

/// How many rounds, of how many seconds.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Rounds.
    pub rounds: u32,
    /// Seconds a side and round.
    pub seconds: u32,
    /// Seconds before the rounds begin, uncounted; 0: none.
    pub warm_up: u32,
}

/// Runs the rounds.
///
/// # Errors
/// If a side fails, or an answer was not as expected.
pub fn run(mut contest: Contest<'_>, plan: Plan, calibration: &mut Calibration) -> Outcome<Comparison> {
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
    say(&compared.line());
    Ok(compared)
}

fn series(name: &str, rounds: &[Once]) -> Outcome<Series> {
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

/// The ratios of the rounds, each of its own pair.
fn ratio(subjects: &[Once], limits: &[Once]) -> Option<Spread> {
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
    fn the_sides_take_turns_and_the_ratio_is_that_of_each_pair() {
        let order = RefCell::new(String::new());
        let side = |name: char, rates: [f64; 3]| -> Side<'_> {
            let mut rates = rates.into_iter();
            let order = &order;
            Box::new(move |_| {
                order.borrow_mut().push(name);
                let rate = rates.next().ok_or("too many rounds")?;
                Ok(Once { rate, latency: None })
            })
        };
        let contest = Contest {
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
