//! The load: callers, each with a few people whose clients do what clients do, by chance, one after the other or at once.

use crate::{
    chance::Chance,
    oracle::{Call, Op},
    person::{Held, Person},
    stage::Stage,
};
use futures::future::join_all;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::task::JoinHandle;

/// How many people a caller cares for at a time.
const PEOPLE: usize = 5;
/// How many sessions a person has open before signing out of some.
const SESSIONS: usize = 5;
/// How many sessions a person may have had before another takes its place.
const MOST_SESSIONS: usize = 12;

/// A source of load.
pub(crate) struct Caller {
    number: usize,
    chance: Chance,
    /// Those that it cares for, and those that are only looked after now and then.
    pub(crate) people: Vec<Person>,
    pub(crate) retired: Vec<Person>,
    named: u64,
}

impl Caller {
    /// So many callers, who do what the seed says.
    pub(crate) fn several(count: usize, chance: &mut Chance) -> Vec<Self> {
        let caller = |number| Self {
            number,
            chance: chance.part(),
            people: Vec::new(),
            retired: Vec::new(),
            named: 0,
        };
        (0..count).map(caller).collect()
    }

    /// Everybody that there is.
    pub(crate) fn everybody(&mut self) -> impl Iterator<Item = &mut Person> {
        self.people.iter_mut().chain(&mut self.retired)
    }

    /// Leaves those alone of whom too much is unknown.
    pub(crate) fn retire_the_uncertain(&mut self) {
        let (uncertain, people) = std::mem::take(&mut self.people)
            .into_iter()
            .partition(Person::is_uncertain);
        self.people = people;
        self.retired.extend::<Vec<Person>>(uncertain);
    }

    /// Does something. False: no node is there to be asked.
    async fn step(&mut self, stage: &Stage) -> bool {
        self.renew();
        let chosen = self.chance.below(self.people.len());
        let mut acts = vec![self.choose(chosen)];
        if self.chance.once_in(4) {
            acts.push(self.choose(chosen));
        }
        if self.chance.once_in(8) {
            acts.push(self.choose(chosen));
        }
        // The same call twice at once, as a second tab or an impatient client makes it.
        if let (true, [op @ Op::Refresh { .. }, ..]) = (self.chance.once_in(5), acts.as_slice()) {
            acts.push(op.clone());
        }
        let mut calls = Vec::new();
        for op in acts {
            let nodes = stage.nodes_for(&op);
            if nodes.is_empty() {
                return false;
            }
            let node = nodes[self.chance.below(nodes.len())];
            calls.push((op, node, self.chance.below(64)));
        }
        let person = &mut self.people[chosen];
        ask_at_once(stage, person, calls).await;
        true
    }

    /// Somebody new now and then, in the place of somebody who has done enough.
    fn renew(&mut self) {
        let done = |person: &Person| person.held.len() >= MOST_SESSIONS || !person.may_sign_in();
        if let Some(at) = self.people.iter().position(done) {
            self.retired.push(self.people.remove(at));
        }
        if self.people.len() >= PEOPLE && self.chance.once_in(60) {
            self.retired.push(self.people.remove(0));
        }
        // Those of whom too much is unknown keep nobody else from coming, up to a point.
        let unknown = self.people.iter().filter(|person| person.is_uncertain()).count();
        let wanted = PEOPLE + unknown.min(PEOPLE);
        let hurry = self.people.len() == unknown;
        if self.people.len() < wanted && (hurry || self.chance.once_in(6)) {
            let email = format!(
                "c{}p{}@example.com",
                self.number,
                self.people.len() + self.retired.len()
            );
            self.people.push(Person::new(email));
        }
    }

    fn name(&mut self) -> String {
        self.named += 1;
        format!("name {} of {}", self.named, self.number)
    }

    /// What this person's client does next.
    fn choose(&mut self, chosen: usize) -> Op {
        let name = self.name();
        let (person, chance) = (&self.people[chosen], &mut self.chance);
        let live: Vec<&Held> = person.held.iter().filter(|held| !held.over).collect();
        let over: Vec<&Held> = person.held.iter().filter(|held| held.over).collect();
        let uncertain = person.is_uncertain();
        if person.held.is_empty() {
            return if uncertain || chance.once_in(3) {
                Op::Login
            } else {
                Op::Register { name }
            };
        }
        if live.is_empty() && !uncertain && chance.once_in(2) {
            return Op::Login;
        }
        let pick =
            |from: &[&Held], chance: &mut Chance| from.get(chance.below(from.len())).map(|held| held.session);
        let dead = pick(&over, chance).filter(|_| chance.once_in(4));
        if let Some(session) = dead {
            return of_a_dead_one(person.held(session), uncertain, chance);
        }
        let Some(session) = pick(&live, chance) else {
            return Op::Login;
        };
        let held = person.held(session);
        let another = pick(&live, chance).unwrap_or(session);
        match chance.below(if uncertain { 40 } else { 100 }) {
            0..25 => Op::Verify { by: session },
            25..40 => Op::Me { by: session },
            40..64 => refresh(held, chance),
            64..69 => repeat(held, chance),
            69..71 => replay(held, chance),
            71..81 if live.len() < SESSIONS => Op::Login,
            71..85 => Op::Logout { session },
            85..87 => Op::LogoutByRefresh { session },
            87..89 => Op::LogoutAll { by: session },
            89..93 => Op::EndSession { by: another, session },
            _ => Op::Rename { by: session, name },
        }
    }
}

/// What is tried with the tokens of a session that is over.
fn of_a_dead_one(held: &Held, uncertain: bool, chance: &mut Chance) -> Op {
    let session = held.session;
    match chance.below(if uncertain { 8 } else { 10 }) {
        0..5 => Op::Verify { by: session },
        5..8 => Op::Me { by: session },
        8 => refresh(held, chance),
        _ => Op::LogoutByRefresh { session },
    }
}

/// The newest token; with the same key again where an answer was lost.
pub(crate) fn refresh(held: &Held, chance: &mut Chance) -> Op {
    let (number, key) = held.lost.unwrap_or_else(|| {
        let key = (!chance.once_in(6)).then(|| chance.number());
        (held.newest(), key)
    });
    Op::Refresh {
        session: held.session,
        number,
        key,
    }
}

/// A refresh that was answered, once more.
fn repeat(held: &Held, chance: &mut Chance) -> Op {
    let Some((number, key)) = held.last else {
        return refresh(held, chance);
    };
    Op::Refresh {
        session: held.session,
        number,
        key: Some(key),
    }
}

/// A token that was used long ago or a moment ago, as a thief presents it.
fn replay(held: &Held, chance: &mut Chance) -> Op {
    let number = held.newest().saturating_sub(1 + u32::from(chance.once_in(2)));
    Op::Refresh {
        session: held.session,
        number: if held.has(number) { number } else { held.newest() },
        key: Some(chance.number()),
    }
}

/// Makes calls of one person at once, and takes down what they were answered.
pub(crate) async fn ask_at_once(stage: &Stage, person: &mut Person, calls: Vec<(Op, usize, usize)>) {
    let asked = &*person;
    let replies = join_all(
        calls
            .iter()
            .map(|(op, node, pick)| stage.ask(asked, *node, op, *pick)),
    );
    let replies: Vec<(Call, _)> = replies.await;
    for ((op, _, _), (call, reply)) in calls.iter().zip(replies) {
        person.learns(call, op, reply);
    }
}

/// Callers at work.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<Caller>>,
}

impl Load {
    /// Sets callers to work, each after its own mind, until they are stopped, find no node, or a promise is broken.
    pub(crate) fn start(stage: &Arc<Stage>, callers: Vec<Caller>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let work = |mut caller: Caller| {
            let (stage, stop) = (Arc::clone(stage), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) && !stage.is_broken() && caller.step(&stage).await {}
                caller
            })
        };
        let callers = callers.into_iter().map(work).collect();
        Self { stop, callers }
    }

    /// Lets them finish what they are at, and takes them back.
    pub(crate) async fn stop(self, stage: &Stage) -> Vec<Caller> {
        self.stop.store(true, Ordering::Relaxed);
        let mut callers = Vec::new();
        for caller in self.callers {
            callers.push(caller.await.unwrap());
        }
        if let Some(long_ago) = stage.settled_by() {
            close(&mut callers, long_ago, stage.now());
        }
        callers
    }
}

/// What was lost by this time is over.
pub(crate) fn close(callers: &mut [Caller], lost_by: std::time::Duration, now: std::time::Duration) {
    for person in callers.iter_mut().flat_map(Caller::everybody) {
        person.history.lock().unwrap().closed(lost_by, now);
    }
}
