//! Messages of other programs, reduced to what may be logged and shown.
//!
//! A mail server, a database or a proxy may quote in a message anything that it was given: an address, a link, a password. No
//! pattern finds all of those, so only words of a fixed vocabulary are kept. Such words can't hold an address, a link or a
//! secret, and still tell an operator what to look for.

/// How many characters are kept of a message.
const LONGEST: usize = 200;

/// The words that are kept, in lower case and in order.
const VOCABULARY: &str = "\
    a aborted accept accepted access action address addresses administrative again allowed already an and are argument \
    arguments as at auth authenticate authenticated authentication authority authorized available bad be been before \
    blocked broken busy by can can't cannot cert certificate certificates client close closed closing column command \
    configuration configured connect connection connections constraint content could credentials data database deferred \
    delivery denied disabled disk dkim dmarc dns does doesn't domain duplicate ehlo empty encryption eof error exceeded \
    exist exists expected expired fail failed failure file first for foreign found from full fully-qualified function \
    greylisted greylisting handshake has have helo host hostname in incorrect index information insufficient internal \
    invalid is it key known later like limit line loading local looks lookup lost mail mailbox mailboxes master maximum \
    mechanism message missing must name need needed network no non-existent not null of on only open or out over owner \
    parameter parameters parse password peer pending permission permitted pipe policy prohibited protocol quota rate \
    reached read read-only receiving recipient refused reject rejected relation relay relaying replica reputation \
    requested require required requires reset resolve resource response restricted right room rule run schema sender sent \
    sequence server service session sign size space spam spf spoofing ssl starttls storage such support supported \
    suspended syntax system table temporarily temporary than the this timed timeout tls to too transaction try type unable \
    unavailable unexpected unique unknown unknownissuer unreachable unrecognized unsupported user username using valid \
    value verification violates violation was with without you your";

/// Keeps the known words of another program's message, in their order, and puts `…` in the place of the others. Empty if no word
/// is known.
///
/// ```
/// use auth_domain::foreign_words::known;
///
/// assert_eq!(known("<ada@example.com>: Relay access denied"), "… Relay access denied");
/// assert_eq!(known("hunter2"), "");
/// ```
#[must_use]
pub fn known(text: &str) -> String {
    // Rust adds the number of the operating system's error to its words.
    let text = text.split(" (os error ").next().unwrap_or_default();
    let mut kept = String::new();
    let mut any = false;
    for word in text.split_whitespace() {
        let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
        let word = if is_known(word) { word } else { "…" };
        if word == "…" && kept.ends_with('…') {
            continue;
        }
        any |= word != "…";
        if kept.chars().count() + word.chars().count() >= LONGEST {
            break;
        }
        if !kept.is_empty() {
            kept.push(' ');
        }
        kept.push_str(word);
    }
    if any { kept } else { String::new() }
}

fn is_known(word: &str) -> bool {
    VOCABULARY
        .split(' ')
        .any(|known| known.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vocabulary_is_in_order_and_holds_nothing_but_words() {
        let words: Vec<&str> = VOCABULARY.split(' ').collect();
        assert!(words.is_sorted_by(|a, b| a < b), "{words:?}");
        for word in words {
            assert!(
                !word.is_empty()
                    && word
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c == '-' || c == '\''),
                "{word}"
            );
        }
    }

    #[test]
    fn of_another_programs_words_an_address_a_link_and_a_secret_are_left_out() {
        for (said, kept) in [
            ("<victim@example.com>: rejected", "… rejected"),
            ("victim: user unknown", "… user unknown"),
            (
                "<host01.internal>: Helo command rejected: need fully-qualified hostname",
                "… Helo command rejected need fully-qualified hostname",
            ),
            (
                "blocked: https://id.example.com/reset?token=Zm9vYmFyYmF6 is listed",
                "blocked … is …",
            ),
            ("TOKEN=Zm9vYmFyYmF6cXV4", ""),
            ("looks like spam: Hello Zoë Ødegård", "looks like spam …"),
            (
                "could not translate host name \"hunter2@db\" to address",
                "could not … host name … to address",
            ),
            ("Connection refused (os error 111)", "Connection refused"),
            (
                "invalid peer certificate: UnknownIssuer",
                "invalid peer certificate UnknownIssuer",
            ),
            ("no\u{202E} \r\n\u{1b}[31mno", ""),
            ("", ""),
        ] {
            assert_eq!(known(said), kept, "{said:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_two_words() {
        let kept = known(&"relay ".repeat(100));
        assert!(kept.chars().count() <= 200 && kept.ends_with("relay"), "{kept}");
        assert_eq!(known(&"x ".repeat(10_000)), "");
    }
}
