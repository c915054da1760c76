//! Walks every state that a model can get into, breadth first, so that the first mistake found has the shortest story.
//!
//! A state that was met before is known by 64 bits of its hash, as in other model checkers: among a hundred million states the
//! chance that two share them is below one in three thousand.

use std::{
    collections::{HashSet, VecDeque},
    fmt,
    hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher},
    time::{Duration, Instant},
};

/// Something that can go on in several ways from each of its states.
pub(crate) trait Model {
    /// All that decides how it may go on. Two states that go on alike should be equal.
    type State: Clone + Hash;
    /// One thing that happens.
    type Step: Copy + fmt::Display;

    /// Where it begins.
    fn start(&self) -> Self::State;

    /// Everything that can happen next.
    fn steps(&self, state: &Self::State, next: &mut Vec<Self::Step>);

    /// What comes of a step.
    ///
    /// # Errors
    /// The promise that the step broke.
    fn take(&self, state: &Self::State, step: Self::Step) -> Result<Self::State, String>;

    /// The promise that is broken in this state.
    fn wrong(&self, state: &Self::State) -> Option<String>;
}

/// How far a search went.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Different states.
    pub(crate) states: usize,
    /// Steps taken between them.
    pub(crate) steps: usize,
    /// The most steps from the start to a state.
    pub(crate) depth: usize,
    /// How long it took.
    pub(crate) took: Duration,
}

/// A broken promise and the shortest way to it.
#[derive(Debug)]
pub(crate) struct Broken {
    /// Which promise.
    pub(crate) promise: String,
    /// What happened, in order.
    pub(crate) story: Vec<String>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, line) in self.story.iter().enumerate() {
            writeln!(f, "  {:>2}. {line}", number + 1)?;
        }
        write!(f, "  => {}", self.promise)
    }
}

/// Walks it all, or up to the first broken promise.
pub(crate) fn search<M: Model>(model: &M) -> (Extent, Option<Broken>) {
    Walk {
        model,
        known: HashSet::default(),
        came_from: Vec::new(),
        waiting: VecDeque::new(),
    }
    .walk()
}

/// Where a state was first come to from; the start has none.
type Origin<S> = Option<(u32, S)>;

struct Walk<'a, M: Model> {
    model: &'a M,
    known: HashSet<u64, BuildHasherDefault<AsItIs>>,
    came_from: Vec<Origin<M::Step>>,
    waiting: VecDeque<(u32, u32, M::State)>,
}

impl<M: Model> Walk<'_, M> {
    fn walk(mut self) -> (Extent, Option<Broken>) {
        let began = Instant::now();
        let (mut taken, mut depth) = (0, 0);
        let mut broken = self.meet(self.model.start(), None, 0);
        let mut next = Vec::new();
        while broken.is_none()
            && let Some((number, deep, state)) = self.waiting.pop_front()
        {
            depth = deep;
            self.model.steps(&state, &mut next);
            for step in next.drain(..) {
                taken += 1;
                let origin = Some((number, step));
                broken = match self.model.take(&state, step) {
                    Ok(state) => self.meet(state, origin, deep + 1),
                    Err(promise) => Some(self.tell(promise, origin)),
                };
                if broken.is_some() {
                    break;
                }
            }
        }
        let extent = Extent {
            states: self.came_from.len(),
            steps: taken,
            depth: depth as usize,
            took: began.elapsed(),
        };
        (extent, broken)
    }

    fn meet(&mut self, state: M::State, origin: Origin<M::Step>, depth: u32) -> Option<Broken> {
        if !self.known.insert(fingerprint(&state)) {
            return None;
        }
        if let Some(promise) = self.model.wrong(&state) {
            return Some(self.tell(promise, origin));
        }
        let number = u32::try_from(self.came_from.len()).unwrap();
        self.came_from.push(origin);
        self.waiting.push_back((number, depth, state));
        None
    }

    fn tell(&self, promise: String, last: Origin<M::Step>) -> Broken {
        let mut story = Vec::new();
        let mut at = last;
        while let Some((number, step)) = at {
            story.push(step.to_string());
            at = self.came_from[number as usize];
        }
        story.reverse();
        Broken { promise, story }
    }
}

fn fingerprint(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// A fingerprint needs no more hashing.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
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

        fn take(&self, state: &[u8; 2], Raise(which): Raise) -> Result<[u8; 2], String> {
            let mut state = *state;
            state[which] += 1;
            Ok(state)
        }

        fn wrong(&self, state: &[u8; 2]) -> Option<String> {
            (self.promised && state[1] > state[0]).then(|| "overtaken".to_owned())
        }
    }

    #[test]
    fn every_state_is_met_once() {
        let (extent, broken) = search(&Counters { promised: false });
        assert!(broken.is_none());
        assert_eq!((extent.states, extent.steps, extent.depth), (15, 22, 6));
    }

    #[test]
    fn the_shortest_story_is_told() {
        let (_, broken) = search(&Counters { promised: true });
        let broken = broken.unwrap();
        assert_eq!(broken.story, ["counter 1 is raised"; 3]);
        assert!(broken.to_string().ends_with("=> overtaken"));
    }
}
