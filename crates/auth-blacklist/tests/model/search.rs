//! Visits every reachable state of a model, breadth first, so that the first violation found has the shortest trace.
//!
//! A visited state is recognised by a 64-bit hash, as in other model checkers. Among a hundred million states the probability that two
//! share a hash is below one in three thousand.

use std::{
    collections::{HashSet, VecDeque},
    fmt,
    hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher},
    time::{Duration, Instant},
};

/// A state machine with several possible steps from each state.
pub(crate) trait Model {
    /// Everything that decides the further steps. States with the same future should be equal.
    type State: Clone + Hash;
    /// One step from a state to the next.
    type Step: Copy + fmt::Display;

    /// The initial state.
    fn start(&self) -> Self::State;

    /// Adds every possible next step to `next`.
    fn steps(&self, state: &Self::State, next: &mut Vec<Self::Step>);

    /// The state after a step.
    ///
    /// # Errors
    /// The promise that the step violates.
    fn apply(&self, state: &Self::State, step: Self::Step) -> Result<Self::State, String>;

    /// The promise that this state violates.
    fn violation(&self, state: &Self::State) -> Option<String>;
}

/// The size of a search.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SearchStats {
    /// Different states.
    pub(crate) states: usize,
    /// Steps taken between them.
    pub(crate) steps: usize,
    /// The most steps from the start to a state.
    pub(crate) depth: usize,
    /// How long it took.
    pub(crate) took: Duration,
}

/// A violated promise and the shortest trace to it.
#[derive(Debug)]
pub(crate) struct Violation {
    /// Which promise.
    pub(crate) promise: String,
    /// The steps, in order.
    pub(crate) trace: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, line) in self.trace.iter().enumerate() {
            writeln!(f, "  {:>2}. {line}", number + 1)?;
        }
        write!(f, "  => {}", self.promise)
    }
}

/// Visits all states, or stops at the first violation.
pub(crate) fn search<M: Model>(model: &M) -> (SearchStats, Option<Violation>) {
    Walk {
        model,
        known: HashSet::default(),
        came_from: Vec::new(),
        waiting: VecDeque::new(),
    }
    .walk()
}

/// The state and the step from which a state was first reached; the initial state has none.
type Origin<S> = Option<(u32, S)>;

struct Walk<'a, M: Model> {
    model: &'a M,
    known: HashSet<u64, BuildHasherDefault<IdentityHasher>>,
    came_from: Vec<Origin<M::Step>>,
    waiting: VecDeque<(u32, u32, M::State)>,
}

impl<M: Model> Walk<'_, M> {
    fn walk(mut self) -> (SearchStats, Option<Violation>) {
        let began = Instant::now();
        let (mut taken, mut depth) = (0, 0);
        let mut violation = self.visit(self.model.start(), None, 0);
        let mut next = Vec::new();
        while violation.is_none()
            && let Some((number, deep, state)) = self.waiting.pop_front()
        {
            depth = deep;
            self.model.steps(&state, &mut next);
            for step in next.drain(..) {
                taken += 1;
                let origin = Some((number, step));
                violation = match self.model.apply(&state, step) {
                    Ok(state) => self.visit(state, origin, deep + 1),
                    Err(promise) => Some(self.trace_to(promise, origin)),
                };
                if violation.is_some() {
                    break;
                }
            }
        }
        let stats = SearchStats {
            states: self.came_from.len(),
            steps: taken,
            depth: depth as usize,
            took: began.elapsed(),
        };
        (stats, violation)
    }

    fn visit(&mut self, state: M::State, origin: Origin<M::Step>, depth: u32) -> Option<Violation> {
        if !self.known.insert(fingerprint(&state)) {
            return None;
        }
        if let Some(promise) = self.model.violation(&state) {
            return Some(self.trace_to(promise, origin));
        }
        let number = u32::try_from(self.came_from.len()).unwrap();
        self.came_from.push(origin);
        self.waiting.push_back((number, depth, state));
        None
    }

    fn trace_to(&self, promise: String, last: Origin<M::Step>) -> Violation {
        let mut trace = Vec::new();
        let mut at = last;
        while let Some((number, step)) = at {
            trace.push(step.to_string());
            at = self.came_from[number as usize];
        }
        trace.reverse();
        Violation { promise, trace }
    }
}

fn fingerprint(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// Passes a fingerprint through, because it is a hash already.
#[derive(Default)]
struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two counters that are raised one by one; the second may not get past the first.
    struct Counters {
        promised: bool,
    }

    #[derive(Clone, Copy)]
    struct Raise(usize);

    impl fmt::Display for Raise {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "counter {} is raised", self.0)
        }
    }

    impl Model for Counters {
        type State = [u8; 2];
        type Step = Raise;

        fn start(&self) -> [u8; 2] {
            [2, 0]
        }

        fn steps(&self, state: &[u8; 2], next: &mut Vec<Raise>) {
            next.extend((0..2).filter(|n| state[*n] < 4).map(Raise));
        }

        fn apply(&self, state: &[u8; 2], Raise(which): Raise) -> Result<[u8; 2], String> {
            let mut state = *state;
            state[which] += 1;
            Ok(state)
        }

        fn violation(&self, state: &[u8; 2]) -> Option<String> {
            (self.promised && state[1] > state[0]).then(|| "overtaken".to_owned())
        }
    }

    #[test]
    fn every_state_is_visited_once() {
        let (stats, violation) = search(&Counters { promised: false });
        assert!(violation.is_none());
        assert_eq!((stats.states, stats.steps, stats.depth), (15, 22, 6));
    }

    #[test]
    fn the_shortest_story_is_told() {
        let (_, violation) = search(&Counters { promised: true });
        let violation = violation.unwrap();
        assert_eq!(violation.trace, ["counter 1 is raised"; 3]);
        assert!(violation.to_string().ends_with("=> overtaken"));
    }
}
