//! Decides what a sign-in still needs. A sign-in is a series of proofs that ends with a session, and [`decide`] alone says when
//! the end is reached. It is pure and total.
//!
//! The first matching line decides:
//!
//! | when | then |
//! | --- | --- |
//! | nothing was proved | [`Next::Refused`] |
//! | a method that is required was not proved, or longer ago than [`Requirements::within`] | [`Next::Ask`] for every such method |
//! | else | [`Next::Complete`] |
//!
//! A caller who proved nothing learns nothing, not even what would be asked for.

use crate::time::{Span, Timestamp, age};
use std::{borrow::Cow, collections::BTreeMap, fmt, str::FromStr};

/// An authentication method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// The password of the account.
    Password,
}

impl Method {
    /// Every method there is.
    pub const ALL: [Self; 1] = [Self::Password];

    /// The word that an API shows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
        }
    }

    /// The word that a session keeps (RFC 8176 §2).
    #[must_use]
    pub const fn reference(self) -> &'static str {
        match self {
            Self::Password => "pwd",
        }
    }
}

/// A verified proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The method.
    pub method: Method,
    /// When, by the clock of the node that verified it.
    pub at: Timestamp,
}

/// The proofs of one sign-in, at most one of each method: the newest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proofs(BTreeMap<Method, Timestamp>);

impl Proofs {
    /// Adds a proof.
    #[must_use]
    pub fn and(mut self, proof: Proof) -> Self {
        let newest = self.0.entry(proof.method).or_insert(proof.at);
        *newest = proof.at.max(*newest);
        self
    }

    /// When the method was proved; `None` if it was not.
    #[must_use]
    pub fn at(&self, method: Method) -> Option<Timestamp> {
        self.0.get(&method).copied()
    }

    /// What these proofs amount to; `None` if there is none.
    fn assurance(&self) -> Option<Assurance> {
        let authenticated_at = self.0.values().copied().max()?;
        let words = self.0.keys().map(|method| method.reference());
        Some(Assurance {
            authenticated_at,
            amr: Amr::of(words.map(Cow::Borrowed).collect()),
        })
    }
}

impl From<Proof> for Proofs {
    fn from(proof: Proof) -> Self {
        Self::default().and(proof)
    }
}

/// What a sign-in requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirements {
    /// The methods, each of which has to be proved.
    pub methods: Vec<Method>,
    /// How old a proof may be at most.
    pub within: Span,
}

impl Requirements {
    /// How long the proofs of a sign-in stay valid while further ones are asked for.
    pub const SIGN_IN_WINDOW: Span = Span::minutes(10);

    /// The requirements of a sign-in: the password of the account.
    #[must_use]
    pub fn of_sign_in() -> Self {
        Self {
            methods: vec![Method::Password],
            within: Self::SIGN_IN_WINDOW,
        }
    }
}

/// The next step of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It is complete: a session may begin.
    Complete(Assurance),
    /// These methods still have to be proved; in the order of [`Method`], each once.
    Ask(Vec<Method>),
    /// The sign-in is refused.
    Refused,
}

/// Decides the next step. `now` is the clock of the node that handles the request.
///
/// ```
/// use auth_domain::{
///     authentication::{Method, Next, Proof, Proofs, Requirements, decide},
///     time::{Span, Timestamp},
/// };
///
/// let now = Timestamp::UNIX_EPOCH;
/// let requirements = Requirements::of_sign_in();
/// assert_eq!(decide(&Proofs::default(), &requirements, now), Next::Refused);
///
/// let proofs = Proofs::from(Proof { method: Method::Password, at: now });
/// assert!(matches!(decide(&proofs, &requirements, now), Next::Complete(_)));
/// // A proof that is too old has to be given again.
/// let later = now + Requirements::SIGN_IN_WINDOW + Span::seconds(1);
/// assert_eq!(decide(&proofs, &requirements, later), Next::Ask(vec![Method::Password]));
/// ```
#[must_use]
pub fn decide(proofs: &Proofs, requirements: &Requirements, now: Timestamp) -> Next {
    let Some(assurance) = proofs.assurance() else {
        return Next::Refused;
    };
    let holds = |method: &Method| {
        proofs
            .at(*method)
            .is_some_and(|at| age(at, now) <= requirements.within)
    };
    let missing = |method: &Method| requirements.methods.contains(method) && !holds(method);
    let missing: Vec<Method> = Method::ALL.into_iter().filter(missing).collect();
    if missing.is_empty() {
        Next::Complete(assurance)
    } else {
        Next::Ask(missing)
    }
}

/// How and when a user authenticated, as a session stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assurance {
    /// When they last authenticated (`auth_time` of OpenID Connect Core §2). A refresh proves nothing and does not move it.
    pub authenticated_at: Timestamp,
    /// The methods.
    pub amr: Amr,
}

impl Assurance {
    /// The assurance of a password alone. Sessions of older versions have no other.
    #[must_use]
    pub fn by_password(at: Timestamp) -> Self {
        Self {
            authenticated_at: at,
            amr: Amr::of(vec![Cow::Borrowed(Method::Password.reference())]),
        }
    }
}

/// Authentication method references (RFC 8176): at least one word, sorted, each once. A word that only a newer version knows is
/// kept as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amr(Cow<'static, str>);

/// The text is no list of authentication method references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no list of authentication method references")]
pub struct NotAnAmr;

impl Amr {
    /// The longest list that is read, in bytes.
    pub const MAX_LENGTH: usize = 256;

    fn of(mut words: Vec<Cow<'static, str>>) -> Self {
        words.sort_unstable();
        words.dedup();
        match <[_; 1]>::try_from(words) {
            Ok([word]) => Self(word),
            Err(words) => Self(Cow::Owned(words.join(" "))),
        }
    }

    /// The words, in their order.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ')
    }
}

impl fmt::Display for Amr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Amr {
    type Err = NotAnAmr;

    /// Reads what [`Amr`] displays: words with one space between them.
    fn from_str(text: &str) -> Result<Self, NotAnAmr> {
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
        if text.len() > Self::MAX_LENGTH || !text.split(' ').all(is_word) {
            return Err(NotAnAmr);
        }
        let known = |word: &str| {
            let mut references = Method::ALL.into_iter().map(Method::reference);
            references.find(|reference| *reference == word)
        };
        let word = |word: &str| known(word).map_or_else(|| Cow::Owned(word.to_owned()), Cow::Borrowed);
        Ok(Self::of(text.split(' ').map(word).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn password(seconds: i64) -> Proof {
        Proof {
            method: Method::Password,
            at: at(seconds),
        }
    }

    fn required(methods: &[Method], seconds: i64) -> Requirements {
        Requirements {
            methods: methods.to_vec(),
            within: Span::seconds(seconds),
        }
    }

    #[test]
    fn who_proved_nothing_is_refused_whatever_is_required() {
        for requirements in [
            Requirements::of_sign_in(),
            required(&[], 0),
            required(&[Method::Password], 60),
        ] {
            assert_eq!(decide(&Proofs::default(), &requirements, at(0)), Next::Refused);
        }
    }

    #[test]
    fn a_password_is_a_whole_sign_in() {
        let proofs = Proofs::from(password(5));
        let complete = Next::Complete(Assurance::by_password(at(5)));
        assert_eq!(decide(&proofs, &Requirements::of_sign_in(), at(5)), complete);
    }

    #[test]
    fn a_proof_that_is_too_old_is_asked_for_again_once() {
        let proofs = Proofs::from(password(0));
        let twice = required(&[Method::Password, Method::Password], 60);
        assert!(matches!(decide(&proofs, &twice, at(60)), Next::Complete(_)));
        assert_eq!(decide(&proofs, &twice, at(61)), Next::Ask(vec![Method::Password]));
    }

    #[test]
    fn a_proof_holds_in_its_own_moment_and_before_a_clock_that_stepped_back() {
        let proofs = Proofs::from(password(10));
        let at_once = required(&[Method::Password], 0);
        assert!(matches!(decide(&proofs, &at_once, at(10)), Next::Complete(_)));
        assert!(matches!(decide(&proofs, &at_once, at(4)), Next::Complete(_)));
    }

    #[test]
    fn the_newest_proof_of_a_method_counts_in_any_order() {
        let earlier_first = Proofs::from(password(1)).and(password(9));
        let later_first = Proofs::from(password(9)).and(password(1));
        assert_eq!(earlier_first, later_first);
        assert_eq!(earlier_first.at(Method::Password), Some(at(9)));
    }

    #[test]
    fn each_method_has_its_own_words() {
        for method in Method::ALL {
            let twins = |word: fn(Method) -> &'static str| {
                let same = |other: &Method| word(*other) == word(method);
                Method::ALL.into_iter().filter(same).count()
            };
            assert_eq!((twins(Method::as_str), twins(Method::reference)), (1, 1));
        }
    }

    #[test]
    fn references_have_one_spelling_and_keep_words_of_newer_versions() {
        let read = |text: &str| text.parse::<Amr>().map(|amr| amr.to_string());
        assert_eq!(read("pwd").as_deref(), Ok("pwd"));
        assert_eq!(read("pwd otp mfa otp").as_deref(), Ok("mfa otp pwd"));
        let amr: Amr = "pwd otp".parse().unwrap();
        assert_eq!(amr.words().collect::<Vec<_>>(), ["otp", "pwd"]);
        let long = "x".repeat(Amr::MAX_LENGTH + 1);
        for wrong in ["", " ", "pwd ", " pwd", "pwd  otp", "pwd\n", "é", &long] {
            assert_eq!(read(wrong), Err(NotAnAmr), "{wrong:?}");
        }
        assert_eq!("pwd".parse(), Ok(Assurance::by_password(at(0)).amr));
    }

    proptest! {
        #[test]
        fn one_proof_more_never_gives_less(
            proved in proptest::option::of(-50_i64..50),
            more in -50_i64..50,
            needed in any::<bool>(),
            within in 0_i64..60,
        ) {
            let requirements = required(if needed { &[Method::Password] } else { &[] }, within);
            let before = proved.map(password).map(Proofs::from).unwrap_or_default();
            let worth = |proofs: &Proofs| match decide(proofs, &requirements, at(0)) {
                Next::Refused => 0,
                Next::Ask(missing) => 10 - missing.len(),
                Next::Complete(_) => 10,
            };
            prop_assert!(worth(&before.clone().and(password(more))) >= worth(&before));
        }
    }
}
