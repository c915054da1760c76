//! Estimates how many guesses a password withstands, by zxcvbn, within a bound on the work.
//!
//! zxcvbn looks at every substring, in every dictionary, and again for every way to read look-alike symbols as letters
//! ("p@$$" as "pass"). The ways multiply: a hundred characters with all twenty such symbols took 0.9 s in a release build.
//! So it is shown a prefix for which `ways × substrings` stays within [`WORK`], which keeps every input within some 30 ms.
//! Ordinary passwords are rated whole. A cut can only make a password look weaker than it is, and does so only where a long
//! first part is weak by itself and the symbols come after it.
//!
//! zxcvbn reads the year from the clock, to recognise recent years. Nothing else in this crate reads a clock.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;
use zxcvbn::feedback::Warning;
use zxcvbn::matching::patterns::MatchPattern;
use zxcvbn::zxcvbn;

/// zxcvbn ignores what is beyond this many characters.
const SEEN: usize = 100;
/// Substrings times readings that one estimate may look up in each dictionary.
const WORK: usize = 100_000;
/// A longer context word is not shown to zxcvbn: it counts the ways to capitalise a match in 64 bits, and overflows them.
const CONTEXT_WORD: usize = 30;
/// Context words shown to zxcvbn, at most.
const CONTEXT_WORDS: usize = 24;
/// Characters of one context string that are looked at: more than any address has.
const CONTEXT_TEXT: usize = 320;

/// What zxcvbn thinks of a password.
pub(super) struct Strength {
    /// 0 to 4.
    pub(super) score: u8,
    /// The whole password, case aside, is an entry of zxcvbn's dictionaries.
    pub(super) is_common: bool,
    /// What makes it weak: a sentence with a space after it, or nothing.
    pub(super) advice: &'static str,
}

/// Rates a password, with the context's words counted as the first that an attacker tries.
pub(super) fn estimate(password: &str, context: &[&str]) -> Strength {
    let words = context_words(context);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // zxcvbn's own copies of the password are freed unwiped; nothing can be done about that from here.
    let entropy = zxcvbn(&affordable(password), &words);
    let warning = entropy.feedback().and_then(zxcvbn::feedback::Feedback::warning);
    let score = score_of(entropy.guesses());
    Strength {
        score,
        is_common: matches!(
            warning,
            Some(
                Warning::ThisIsATop10Password
                    | Warning::ThisIsATop100Password
                    | Warning::ThisIsACommonPassword
            )
        ) || (score >= 3 && is_one_known_word(entropy.sequence())),
        advice: warning.map_or("", advice),
    }
}

/// zxcvbn's score by its documented bounds: 10^3, 10^6, 10^8, 10^10 guesses. Its own score requires five guesses more, which
/// fails every password of eight characters, even a random one: a password of the minimum length could never be accepted.
const fn score_of(guesses: u64) -> u8 {
    match guesses {
        0..1_000 => 0,
        1_000..1_000_000 => 1,
        1_000_000..100_000_000 => 2,
        100_000_000..10_000_000_000 => 3,
        _ => 4,
    }
}

/// The first [`CONTEXT_TEXT`] characters: a context string comes from outside too.
pub(super) fn bounded(text: &str) -> Cow<'_, str> {
    if text.len() <= CONTEXT_TEXT {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().take(CONTEXT_TEXT).collect())
    }
}

/// zxcvbn gives a long dictionary entry in scattered capitals a good score and no warning. It is still one entry.
fn is_one_known_word(sequence: &[zxcvbn::Match]) -> bool {
    match sequence {
        [only] => {
            matches!(&only.pattern, MatchPattern::Dictionary(found) if !found.l33t && !found.reversed)
        }
        _ => false,
    }
}

/// The context as zxcvbn needs it: whole strings, and their words of three characters or more ("ana.lima@example.com" is
/// also "ana", "lima", "example" and "com").
fn context_words(context: &[&str]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for text in context {
        let text: String = bounded(text).nfkc().collect();
        let pieces = text.split(|c: char| !c.is_alphanumeric());
        for word in std::iter::once(text.as_str()).chain(pieces) {
            let fits = (3..=CONTEXT_WORD).contains(&word.chars().count());
            if fits && words.len() < CONTEXT_WORDS && !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
    }
    words
}

/// The longest prefix that is worth its cost.
fn affordable(password: &str) -> Zeroizing<String> {
    let mut symbols = Symbols::default();
    let length = password
        .chars()
        .take(SEEN)
        .enumerate()
        .take_while(|(index, c)| {
            symbols.insert(*c);
            symbols.readings() * (index + 1) * (index + 2) / 2 <= WORK
        })
        .count();
    let end = password
        .char_indices()
        .nth(length)
        .map_or(password.len(), |(at, _)| at);
    Zeroizing::new(password.get(..end).unwrap_or_default().to_owned())
}

/// The look-alike symbols in a password, as zxcvbn reads them.
#[derive(Default)]
struct Symbols(Vec<char>);

impl Symbols {
    /// For each letter that symbols may stand for, those symbols. 1, | and 7 stand for two letters each.
    const FOR_A_LETTER: [&str; 12] = [
        "4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2",
    ];
    const AMBIGUOUS: &str = "1|7";

    fn insert(&mut self, c: char) {
        if !self.0.contains(&c) && Self::FOR_A_LETTER.iter().any(|symbols| symbols.contains(c)) {
            self.0.push(c);
        }
    }

    /// The number of readings, at most: one symbol chosen for each letter, twice that for each that may be either of two.
    fn readings(&self) -> usize {
        let present = |symbols: &&str| symbols.chars().filter(|c| self.0.contains(c)).count();
        let chosen: usize = Self::FOR_A_LETTER
            .iter()
            .map(present)
            .filter(|count| *count > 0)
            .product();
        Self::AMBIGUOUS
            .chars()
            .filter(|c| self.0.contains(c))
            .fold(chosen, |readings, _| readings * 2)
    }
}

const fn advice(warning: Warning) -> &'static str {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess => {
            "Avoid rows and patterns of keys. "
        }
        Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            "Avoid repeated words and characters. "
        }
        Warning::ThisIsATop10Password
        | Warning::ThisIsATop100Password
        | Warning::ThisIsACommonPassword
        | Warning::ThisIsSimilarToACommonlyUsedPassword => "It is close to a common password. ",
        Warning::SequencesLikeAbcAreEasyToGuess => "Avoid sequences such as abc or 6543. ",
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => "Avoid dates and years. ",
        Warning::AWordByItselfIsEasyToGuess => "A word by itself is not enough. ",
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
        | Warning::CommonNamesAndSurnamesAreEasyToGuess => "Avoid names. ",
    }
}

#[cfg(test)]
mod tests {
    use super::{SEEN, affordable};

    #[test]
    fn an_ordinary_password_is_seen_whole_up_to_the_hundredth_character() {
        let passphrase = "four grey herons waiting, 7 of them by the river! ".repeat(3);
        assert_eq!(affordable(&passphrase).chars().count(), SEEN);
        assert_eq!(affordable("xK9#mQ2$vL5&pR8!aZ7").as_str(), "xK9#mQ2$vL5&pR8!aZ7");
        assert_eq!(affordable("é").as_str(), "é");
    }

    #[test]
    fn a_password_of_every_look_alike_symbol_is_cut_to_what_can_be_afforded() {
        let symbols: String = "4@8({[<3691!|70$5+%2".chars().cycle().take(SEEN).collect();
        let seen = affordable(&symbols).chars().count();
        assert!((12..20).contains(&seen), "{seen}");
    }
}
