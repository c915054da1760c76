//! The keys of several algorithms side by side. Each algorithm has its own active and next key and is planned by the same
//! functions, so that a rotation of one changes nothing of another.
//!
//! Where the configuration changes from one algorithm to another, the keys of the old one are planned together with the new
//! one's until a rotation makes the first key of the new one active.

use super::{
    Algorithm, KeyStanding, KeyState, KeyStep, KeyTooYoung, complete, replace_compromised, retired, retiring,
    rotate, verifies_until,
};
use crate::time::{Span, Timestamp};

/// A stored key and its algorithm.
pub type KeyOf = (Algorithm, KeyStanding);

/// The keys, under the algorithms that the configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysByAlgorithm {
    asked_for: Vec<(Algorithm, Vec<KeyOf>)>,
    /// The keys of algorithms that this configuration does not ask for. A node of another version or configuration may ask for
    /// them.
    others: Vec<KeyOf>,
}

impl KeysByAlgorithm {
    /// The keys, by the algorithms that are asked for. An algorithm that lacks an active or a next key takes over the keys that are
    /// not asked for: the configuration changed to this algorithm.
    #[must_use]
    pub fn of(asked_for: &[Algorithm], keys: Vec<KeyOf>) -> Self {
        let is_of = |key: &KeyOf, wanted: &Algorithm| key.0 == *wanted;
        let (own, mut others): (Vec<KeyOf>, Vec<KeyOf>) = keys
            .into_iter()
            .partition(|key| asked_for.iter().any(|wanted| is_of(key, wanted)));
        let asked_for = asked_for
            .iter()
            .map(|wanted| {
                let mut of_it: Vec<KeyOf> = own.iter().filter(|key| is_of(key, wanted)).cloned().collect();
                if !(has(&of_it, KeyState::Active) && has(&of_it, KeyState::Next)) {
                    of_it.append(&mut others);
                }
                (*wanted, of_it)
            })
            .collect();
        Self { asked_for, others }
    }

    /// The key that signs for an algorithm: its own active key or, until there is one, that of the algorithm before it.
    #[must_use]
    pub fn signing(&self, algorithm: Algorithm) -> Option<&KeyStanding> {
        let (_, keys) = self.asked_for.iter().find(|(wanted, _)| *wanted == algorithm)?;
        let active = || keys.iter().filter(|(_, key)| key.state == KeyState::Active);
        let own = active().find(|(of, _)| *of == algorithm);
        own.or_else(|| active().next()).map(|(_, key)| key)
    }

    /// Plans the keys that a server needs at its start and that are missing: an active and a next one for each algorithm. A next
    /// key of an algorithm that is not asked for and has no active key is retired.
    #[must_use]
    pub fn complete(&self) -> Vec<KeyStep> {
        let mut steps = Vec::new();
        for (algorithm, keys) in &self.asked_for {
            let (outdated, kept): (Vec<&KeyOf>, Vec<&KeyOf>) = keys
                .iter()
                .partition(|(of, key)| key.state == KeyState::Next && of != algorithm);
            steps.extend(outdated.into_iter().map(|(_, key)| retired(key)));
            let kept: Vec<KeyStanding> = kept.into_iter().map(|(_, key)| key.clone()).collect();
            steps.extend(complete(*algorithm, &kept));
        }
        let signs = |algorithm: Algorithm| {
            let mut others = self.others.iter();
            others.any(|(of, key)| *of == algorithm && key.state == KeyState::Active)
        };
        let idle = self
            .others
            .iter()
            .filter(|(of, key)| key.state == KeyState::Next && !signs(*of));
        steps.extend(idle.map(|(_, key)| retired(key)));
        steps
    }

    /// Plans a rotation of every algorithm whose next key is old enough to sign; the others stay as they are. Keys that are
    /// no longer asked for retire with it.
    ///
    /// # Errors
    /// [`KeyTooYoung`] if no next key is old enough.
    pub fn rotate(
        &self,
        now: Timestamp,
        access_ttl: Span,
        leeway: Span,
    ) -> Result<Vec<KeyStep>, KeyTooYoung> {
        let (mut steps, mut earliest) = (Vec::new(), None::<KeyTooYoung>);
        for (algorithm, keys) in &self.asked_for {
            match rotate(*algorithm, &standings(keys), now, access_ttl, leeway) {
                Ok(rotated) => steps.extend(rotated),
                Err(young) if earliest.is_none_or(|known| young.ready_at < known.ready_at) => {
                    earliest = Some(young);
                }
                Err(_) => {}
            }
        }
        match earliest {
            Some(young) if steps.is_empty() => return Err(young),
            _ => {}
        }
        let until = verifies_until(now, access_ttl, leeway);
        for (_, key) in &self.others {
            match key.state {
                KeyState::Active => steps.push(retiring(key, until)),
                KeyState::Next => steps.push(retired(key)),
                KeyState::Retiring | KeyState::Retired => {}
            }
        }
        Ok(steps)
    }

    /// Plans the replacement of stolen keys: the active key of every algorithm is retired at once, and so are the active and next
    /// keys that are not asked for.
    #[must_use]
    pub fn replace_compromised(&self) -> Vec<KeyStep> {
        let asked_for = self.asked_for.iter();
        let mut steps: Vec<KeyStep> = asked_for
            .flat_map(|(algorithm, keys)| replace_compromised(*algorithm, &standings(keys)))
            .collect();
        let gone = self
            .others
            .iter()
            .filter(|(_, key)| matches!(key.state, KeyState::Active | KeyState::Next));
        steps.extend(gone.map(|(_, key)| retired(key)));
        steps
    }
}

fn has(keys: &[KeyOf], state: KeyState) -> bool {
    keys.iter().any(|(_, key)| key.state == state)
}

fn standings(keys: &[KeyOf]) -> Vec<KeyStanding> {
    keys.iter().map(|(_, key)| key.clone()).collect()
}
