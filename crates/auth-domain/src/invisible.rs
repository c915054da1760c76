//! Invisible characters, and those that change the direction of text. They let two different texts look alike, so addresses and
//! names refuse them.
//!
//! A few are needed to write a name at all: the joiners of Persian and of the scripts of India, and what holds an emoji together.
//! Names keep those, and only where they change what is seen ([`shows_all`]).

use unicode_normalization::char::canonical_combining_class;

/// U+200C: keeps two letters apart that would join.
const NON_JOINER: char = '\u{200C}';
/// U+200D: joins two letters, or two emoji.
const JOINER: char = '\u{200D}';
/// U+FE0E and U+FE0F: an emoji as text, and as a picture.
const STYLES: std::ops::RangeInclusive<char> = '\u{FE0E}'..='\u{FE0F}';
/// U+20E3: the frame of a keycap.
const KEYCAP: char = '\u{20E3}';
/// The canonical combining class of a virama, which joiners follow (RFC 5892, appendix A).
const VIRAMA: u8 = 9;

/// Unicode's Default_Ignorable_Code_Point, the bidirectional controls, the annotation marks, noncharacters, and the signs that
/// are blank by design: of Braille, of Egyptian and Khitan, and of musical notation.
#[must_use]
pub const fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{FDD0}'..='\u{FDEF}'
            | '\u{13441}'..='\u{13442}'
            | '\u{16FE4}'
            | '\u{1D159}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    ) || c as u32 & 0xFFFE == 0xFFFE
}

/// Whether every character of a text shows, or changes how its neighbours show.
#[must_use]
pub fn shows_all(text: &str) -> bool {
    let mut before = None;
    let mut left = text.chars();
    while let Some(c) = left.next() {
        if is_hidden(c) && !has_effect(before, c, left.clone().next()) {
            return false;
        }
        before = Some(c);
    }
    true
}

/// Whether a hidden character changes what is seen between these two.
fn has_effect(before: Option<char>, c: char, after: Option<char>) -> bool {
    let Some(before) = before else {
        return false;
    };
    let after_virama = canonical_combining_class(before) == VIRAMA;
    match c {
        NON_JOINER => after.is_some_and(|after| {
            (after_virama && after.is_alphabetic()) || (joins_the_next(before) && is_arabic_letter(after))
        }),
        JOINER => {
            let between_emoji = (is_emoji(before) || STYLES.contains(&before)) && after.is_some_and(is_emoji);
            after_virama || between_emoji
        }
        c if STYLES.contains(&c) => is_emoji(before) || after == Some(KEYCAP),
        _ => false,
    }
}

/// The letters of the Arabic block that join to the letter after them (Joining_Type D).
const fn joins_the_next(c: char) -> bool {
    matches!(
        c,
        '\u{620}' | '\u{626}' | '\u{628}' | '\u{62A}'..='\u{62E}' | '\u{633}'..='\u{63F}' | '\u{641}'..='\u{647}'
            | '\u{649}'..='\u{64A}' | '\u{66E}'..='\u{66F}' | '\u{678}'..='\u{687}' | '\u{69A}'..='\u{6BF}'
            | '\u{6C1}'..='\u{6C2}' | '\u{6CC}' | '\u{6CE}' | '\u{6D0}'..='\u{6D1}' | '\u{6FA}'..='\u{6FC}' | '\u{6FF}'
    )
}

fn is_arabic_letter(c: char) -> bool {
    matches!(c, '\u{620}'..='\u{6FF}') && c.is_alphabetic()
}

/// The blocks that emoji are in, skin tones included.
const fn is_emoji(c: char) -> bool {
    matches!(
        c,
        '\u{A9}' | '\u{AE}' | '\u{203C}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2194}'..='\u{21AA}'
            | '\u{231A}'..='\u{23FF}' | '\u{24C2}' | '\u{25AA}'..='\u{27BF}' | '\u{2934}'..='\u{2935}'
            | '\u{2B05}'..='\u{2B55}' | '\u{3030}' | '\u{303D}' | '\u{3297}' | '\u{3299}' | '\u{1F000}'..='\u{1FAFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_joiner_is_kept_where_it_changes_what_is_seen() {
        let needed = [
            ("Persian", "علی\u{200C}رضا"),
            ("Persian", "می\u{200C}خواهم"),
            ("Hindi", "क्\u{200D}ष"),
            ("Kannada", "ರ್\u{200C}ಕ"),
            ("Sinhala", "ශ්\u{200D}රී"),
            ("an emoji of two", "👩\u{200D}💻"),
            ("a family", "👨\u{200D}👩\u{200D}👧"),
            ("with a skin tone", "👩🏽\u{200D}🚀"),
            ("as a picture", "Ada ❤\u{FE0F}"),
            ("a picture, joined", "🏳\u{FE0F}\u{200D}🌈"),
            ("a keycap", "1\u{FE0F}\u{20E3}"),
            ("a flag", "🇮🇹"),
        ];
        for (which, name) in needed {
            assert!(shows_all(name), "{which}: {name:?}");
        }
    }

    #[test]
    fn a_joiner_is_refused_where_it_shows_nothing() {
        for text in [
            "A\u{200D}da",
            "Ada\u{200C}",
            "\u{200D}Ada",
            "A\u{FE0F}da",
            "Ada\u{FE00}",
            "1\u{FE0F}",
            "❤\u{FE0F}\u{FE0F}",
            "👩\u{200D}",
            "👩\u{200D}\u{200D}💻",
            "👩\u{200D}a",
            "علی\u{200C}",
            "علی\u{200C}\u{200C}رضا",
            // These letters never join to the next one, so nothing would be seen.
            "دا\u{200C}ر",
            "رضا\u{200C}علی",
        ] {
            assert!(!shows_all(text), "{text:?}");
        }
    }

    #[test]
    fn signs_that_are_blank_by_design_and_noncharacters_are_hidden() {
        for c in [
            '\u{2800}',
            '\u{13441}',
            '\u{13442}',
            '\u{16FE4}',
            '\u{1D159}',
            '\u{FDD0}',
            '\u{FFFF}',
            '\u{1FFFE}',
            char::MAX,
        ] {
            assert!(is_hidden(c) && !shows_all(&c.to_string()), "{c:?}");
        }
        // Of the same blocks, these show.
        assert!(
            !['\u{13440}', '\u{13443}', '\u{1D158}', '\u{1F600}']
                .into_iter()
                .any(is_hidden)
        );
    }

    #[test]
    fn every_other_hidden_character_is_refused_anywhere() {
        let joiners = |c: char| c == NON_JOINER || c == JOINER || STYLES.contains(&c);
        for c in (char::MIN..=char::MAX).filter(|c| is_hidden(*c) && !joiners(*c)) {
            for text in [
                format!("a{c}b"),
                format!("👩{c}💻"),
                format!("क्{c}ष"),
                format!("علی{c}رضا"),
            ] {
                assert!(!shows_all(&text), "{c:?}");
            }
        }
        assert!(shows_all("") && shows_all("Ada Lovelace") && shows_all("王小明"));
    }
}
