//! Style sheet, script and images. The rule: every file is in the binary or was read at the start, and its name contains a hash of
//! its content, so a browser may cache it for ever.

use super::{
    colour::Colour,
    config::{DARK_BACKGROUND, LIGHT_BACKGROUND, PagesConfig},
};
use crate::http::problem::{Code, Problem};
use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    web::{Bytes, Data, Path},
};
use std::{
    hash::{DefaultHasher, Hasher},
    path,
};

const STYLE: &str = include_str!("../../assets/keyward.css");
const SCRIPT: &str = include_str!("../../assets/keyward.js");
const LOGO: &[u8] = include_bytes!("../../assets/logo.svg");

/// The largest logo, in bytes: it is sent to every user who signs in.
const LARGEST_LOGO: usize = 256 * 1024;

/// Why a file can't be the logo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAsset {
    /// The content is not what the file's name says.
    #[error("the file is not a {0} image")]
    NotA(&'static str),
    /// The file is too large.
    #[error("the file is larger than 256 KiB")]
    TooLarge,
}

/// A file that pages refer to.
struct Asset {
    stem: &'static str,
    end: &'static str,
    hash: String,
    content_type: &'static str,
    bytes: Bytes,
}

impl Asset {
    fn new(stem: &'static str, end: &'static str, content_type: &'static str, bytes: Bytes) -> Self {
        // The hasher has fixed keys, so the same bytes have the same name on every node.
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes);
        Self {
            stem,
            end,
            hash: format!("{:016x}", hasher.finish()),
            content_type,
            bytes,
        }
    }

    fn address(&self, base: &str) -> String {
        format!("{base}/assets/{}-{}.{}", self.stem, self.hash, self.end)
    }
}

/// The files and their addresses.
pub struct Assets {
    files: [Asset; 3],
    /// The style sheet.
    pub style: String,
    /// The script.
    pub script: String,
    /// The logo, which is also the icon.
    pub logo: String,
}

impl Assets {
    /// The files of these pages. A logo is given by its file name and its content.
    pub fn new(config: &PagesConfig, logo: Option<(&path::Path, &[u8])>) -> Result<Self, BadAsset> {
        let style = Bytes::from(format!("{}{STYLE}", colours(config)));
        let files = [
            Asset::new("keyward", "css", "text/css; charset=utf-8", style),
            Asset::new(
                "keyward",
                "js",
                "text/javascript; charset=utf-8",
                Bytes::from_static(SCRIPT.as_bytes()),
            ),
            match logo {
                None => Asset::new("logo", "svg", "image/svg+xml", Bytes::from_static(LOGO)),
                Some((file, bytes)) => read_logo(file, bytes)?,
            },
        ];
        let [style, script, logo] = files.each_ref().map(|file| file.address(&config.path));
        Ok(Self {
            files,
            style,
            script,
            logo,
        })
    }

    fn named(&self, name: &str) -> Option<(&Asset, bool)> {
        self.files.iter().find_map(|file| {
            let hash = name
                .strip_suffix(file.end)?
                .strip_suffix('.')?
                .strip_prefix(file.stem)?
                .strip_prefix('-')?;
            Some((file, hash == file.hash))
        })
    }
}

fn read_logo(file: &path::Path, bytes: &[u8]) -> Result<Asset, BadAsset> {
    if bytes.len() > LARGEST_LOGO {
        return Err(BadAsset::TooLarge);
    }
    let copied = Bytes::copy_from_slice(bytes);
    if file.extension().is_some_and(|end| end == "png") {
        let is_png = bytes.starts_with(b"\x89PNG\r\n\x1a\n");
        return if is_png {
            Ok(Asset::new("logo", "png", "image/png", copied))
        } else {
            Err(BadAsset::NotA("PNG"))
        };
    }
    if bytes.windows(4).any(|part| part == b"<svg") {
        Ok(Asset::new("logo", "svg", "image/svg+xml", copied))
    } else {
        Err(BadAsset::NotA("SVG"))
    }
}

/// The colours of the configuration, each with a text colour that is readable on it. They are in the style sheet, because the
/// policy forbids inline styles.
fn colours(config: &PagesConfig) -> String {
    let ink = |text: &str| Colour::parse(text).map_or_else(String::new, |colour| colour.ink().to_string());
    let (day, night) = (&config.accent, &config.accent_dark);
    format!(
        ":root{{--accent:{day};--on-accent:{};--background:{LIGHT_BACKGROUND}}}\n\
         @media (prefers-color-scheme:dark){{:root{{--accent:{night};--on-accent:{};--background:{DARK_BACKGROUND}}}}}\n",
        ink(day),
        ink(night)
    )
}

/// Sends a file. A file name of another version of the server is answered with this version's content: during a rolling upgrade,
/// pages of one version request files from the other.
///
/// # Errors
/// 404 for any other.
pub(super) async fn file(name: Path<String>, assets: Data<Assets>) -> Result<HttpResponse, Problem> {
    let (file, current) = assets.named(&name).ok_or(Code::NotFound)?;
    let cache_control = if current {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, file.content_type))
        .insert_header((CACHE_CONTROL, cache_control))
        .body(file.bytes.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_contains_a_hash_of_its_content() {
        let plain = Assets::new(&PagesConfig::default(), None).unwrap();
        let other = PagesConfig {
            accent: "#7a2048".into(),
            path: "/ui".into(),
            ..PagesConfig::default()
        };
        let branded = Assets::new(&other, None).unwrap();
        assert_ne!(plain.style.rsplit('-').next(), branded.style.rsplit('-').next());
        assert_eq!(plain.script.rsplit('-').next(), branded.script.rsplit('-').next());
        assert!(branded.logo.starts_with("/ui/assets/logo-") && branded.logo.ends_with(".svg"));
        let name = plain.style.rsplit('/').next().unwrap();
        assert!(plain.named(name).is_some_and(|(_, current)| current));
        assert!(branded.named(name).is_some_and(|(_, current)| !current));
        for bad in ["", "keyward.css", "keyward-.txt", "../keyward.css", "logo-x.png"] {
            assert!(plain.named(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_content_of_a_logo_must_match_its_file_name() {
        let logo = |name: &str, bytes: &[u8]| {
            Assets::new(&PagesConfig::default(), Some((path::Path::new(name), bytes))).err()
        };
        assert_eq!(logo("a.png", b"\x89PNG\r\n\x1a\n..."), None);
        assert_eq!(logo("a.svg", b"<?xml?><svg/>"), None);
        assert_eq!(logo("a.png", b"<svg/>"), Some(BadAsset::NotA("PNG")));
        assert_eq!(logo("a.svg", b"GIF89a"), Some(BadAsset::NotA("SVG")));
        assert_eq!(logo("a.svg", &[b'<'; LARGEST_LOGO + 1]), Some(BadAsset::TooLarge));
    }

    #[test]
    fn the_style_and_the_script_fetch_nothing_from_elsewhere() {
        for text in [STYLE, SCRIPT] {
            for outside in [
                "http:",
                "https:",
                "//cdn",
                "@import",
                "url(",
                "eval(",
                "innerHTML",
            ] {
                assert!(!text.contains(outside), "{outside}");
            }
        }
    }
}
