//! Colours and their contrast (WCAG 2.2, "relative luminance" and "contrast ratio").

use std::fmt;

/// An sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

impl Colour {
    /// The colour of `#rrggbb`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        let channel = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        Some(Self([channel(0)?, channel(2)?, channel(4)?]))
    }

    /// Black or white: the one that is easier to read on this colour.
    #[must_use]
    pub fn ink(self) -> Self {
        let (black, white) = (Self([0; 3]), Self([255; 3]));
        if self.contrast(black) > self.contrast(white) {
            black
        } else {
            white
        }
    }

    /// The contrast ratio of two colours: 1 to 21.
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_what_wcag_says() {
        let colour = |text| Colour::parse(text).unwrap();
        let contrast = |a, b| (colour(a).contrast(colour(b)) * 100.0).round() / 100.0;
        assert_eq!(contrast("#000000", "#ffffff"), 21.0);
        assert_eq!(contrast("#767676", "#ffffff"), 4.54);
        assert_eq!(contrast("#777777", "#ffffff"), 4.48);
        assert_eq!(colour("#0b5fb0").ink().to_string(), "#ffffff");
        assert_eq!(colour("#8ec2ff").ink().to_string(), "#000000");
        for bad in ["", "0b5fb0", "#fff", "#gggggg", "#0b5fb0;}", "#ééé"] {
            assert_eq!(Colour::parse(bad), None, "{bad}");
        }
    }
}
