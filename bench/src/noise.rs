//! Decides whether the machine was quiet enough for meaningful figures.
//!
//! Before the run, the processor use of other processes is measured. In every round, the same fixed work is timed on all cores at once. If the
//! times vary too much, or other processes used too much, the verdict is "noisy", and it is shown with the figures.

use crate::{BenchResult, http::Http, results::Noise, stats::Spread};
use std::{thread, time::Instant};

/// The largest spread of the calibration times without the lowest and the highest tenth, as a fraction of their median.
pub const MAX_SPREAD: f64 = 0.10;
/// The largest fraction of the processor that other processes may use before the run.
pub const MAX_BUSY: f64 = 0.05;
/// The steps of the fixed work: some 50 ms.
const STEPS: u64 = 50_000_000;

/// The calibrations of a run.
#[derive(Debug, Default)]
pub struct Calibration {
    milliseconds: Vec<f64>,
    disabled: bool,
}

impl Calibration {
    /// A calibration for tests, which does no work.
    #[must_use]
    pub fn none() -> Self {
        Self {
            disabled: true,
            ..Self::default()
        }
    }

    /// Times the fixed work once, on all cores.
    ///
    /// # Errors
    /// If a thread can't be started.
    pub fn round(&mut self) -> BenchResult<()> {
        if self.disabled {
            return Ok(());
        }
        let cores = thread::available_parallelism()?.get();
        let begun = Instant::now();
        let threads: Vec<_> = (0..cores).map(|_| thread::spawn(fixed_work)).collect();
        for one in threads {
            one.join().map_err(|_| "a calibration ended")?;
        }
        self.milliseconds.push(begun.elapsed().as_secs_f64() * 1e3);
        Ok(())
    }

    /// The verdict over all rounds so far.
    #[must_use]
    pub fn verdict(&self, busy_before: f64) -> Noise {
        verdict(&self.milliseconds, busy_before)
    }
}

fn fixed_work() {
    let mut x = 88_172_645_463_325_252_u64;
    for _ in 0..STEPS {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    std::hint::black_box(x);
}

fn verdict(milliseconds: &[f64], busy_before: f64) -> Noise {
    let mut sorted = milliseconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let calibration = Spread::of(&sorted);
    // Without the lowest and the highest tenth: one round that a cron job disturbed does not change the median.
    let spread = match (
        crate::stats::quantile(&sorted, 0.1),
        crate::stats::quantile(&sorted, 0.9),
        calibration,
    ) {
        (Some(low), Some(high), Some(all)) if all.median > 0.0 => (high - low) / all.median,
        _ => 0.0,
    };
    let mut reasons = Vec::new();
    if spread > MAX_SPREAD {
        reasons.push(format!(
            "the same work took times that are {:.0} % apart (limit: {:.0} %)",
            spread * 100.0,
            MAX_SPREAD * 100.0
        ));
    }
    if busy_before > MAX_BUSY {
        reasons.push(format!(
            "other processes used {:.0} % of the processor before the run (limit: {:.0} %)",
            busy_before * 100.0,
            MAX_BUSY * 100.0
        ));
    }
    Noise {
        calibration,
        spread,
        busy_before,
        reasons,
    }
}

/// The fraction of the processor in use during a second in which this program is idle.
///
/// # Errors
/// If `/proc/stat` can't be read.
pub fn busy(http: &Http) -> BenchResult<f64> {
    let before = ticks(&std::fs::read_to_string("/proc/stat")?)?;
    http.sleep(std::time::Duration::from_secs(1));
    let after = ticks(&std::fs::read_to_string("/proc/stat")?)?;
    let all = after.0.saturating_sub(before.0);
    let idle = after.1.saturating_sub(before.1);
    Ok(1.0 - idle as f64 / all.max(1) as f64)
}

/// The total ticks and the idle ones (idle and I/O wait).
fn ticks(stat: &str) -> BenchResult<(u64, u64)> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "));
    let numbers = line
        .ok_or("/proc/stat has no line `cpu`")?
        .split_whitespace()
        .take(8)
        .map(str::parse)
        .collect::<Result<Vec<u64>, _>>()?;
    let idle = numbers.iter().skip(3).take(2).sum();
    Ok((numbers.iter().sum(), idle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_machine_gives_no_reason() {
        let times: Vec<f64> = (0..20).map(|n| 50.0 + f64::from(n % 3)).collect();
        let noise = verdict(&times, 0.01);
        assert!(!noise.is_noisy(), "{noise:?}");
    }

    #[test]
    fn times_that_differ_make_a_machine_noisy() {
        let times: Vec<f64> = (0..20).map(|n| if n % 2 == 0 { 50.0 } else { 60.0 }).collect();
        let noise = verdict(&times, 0.01);
        assert!(noise.is_noisy());
        assert!(noise.reasons[0].contains("18 % apart"), "{noise:?}");
    }

    #[test]
    fn one_disturbed_round_of_many_does_not() {
        let mut times = vec![50.0; 30];
        times[7] = 200.0;
        assert!(!verdict(&times, 0.01).is_noisy());
    }

    #[test]
    fn a_busy_machine_is_noisy() {
        assert!(verdict(&[50.0, 50.0], 0.3).is_noisy());
    }

    #[test]
    fn idle_ticks_are_the_fourth_and_fifth() {
        let (all, idle) = ticks("cpu  1 2 3 40 5 6 7 8 0 0\ncpu0 1\n").unwrap();
        assert_eq!((all, idle), (72, 45));
    }
}
