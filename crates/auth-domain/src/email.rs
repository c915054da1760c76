//! An e-mail address is parsed once, at the edge, into [`EmailAddress`]; inside, no `String` stands for one.
//!
//! The parser takes the subset of RFC 5321 and RFC 6531 that people have: one `@`, a dot-atom before it, a host name with
//! a dot after it. It checks the bytes that it will keep, never a form that it normalises later: an address that NFKC would
//! change is refused instead of corrected, so that no look-alike (a fullwidth letter, the Kelvin sign, U+FF20 for `@`) can
//! ever turn into another person's address (CVE-2019-19844, CVE-2026-73420). What remains has two forms: the one that mail
//! goes to, and the key that is unique.

use crate::invisible::is_hidden;
use std::fmt;
use std::str::FromStr;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Serialize, Serializer};
use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{UnicodeNormalization, is_nfkc};

/// Octets that the whole address may have, its domain in ASCII (RFC 5321 §4.5.3.1.3: a path of 256, less its brackets).
pub const MAX_ADDRESS_OCTETS: usize = 254;
/// Octets that the part before the `@` may have (RFC 5321 §4.5.3.1.1).
pub const MAX_LOCAL_OCTETS: usize = 64;
/// Bytes that are looked at, at most. An internationalised domain is longer in UTF-8 than in ASCII (four bytes for what
/// may become one), so this bound is wider than the address's; it only keeps the work small.
const MAX_RAW_BYTES: usize = 1_024;

/// A checked e-mail address.
///
/// Two values are equal when they are spelled alike; they are the same mailbox to this server when their
/// [`key`](Self::key)s are equal.
///
/// ```
/// use auth_domain::email::EmailAddress;
///
/// let address = EmailAddress::parse("Ana.Lima@MÜNCHEN.example")?;
/// assert_eq!(address.as_str(), "Ana.Lima@xn--mnchen-3ya.example");
/// assert_eq!(address.key(), "ana.lima@xn--mnchen-3ya.example");
/// # Ok::<(), auth_domain::email::EmailError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct EmailAddress {
    /// The local part as typed, and the domain in lower-case ASCII.
    address: String,
    /// The canonical form: the local part in lower case and NFC, and the same domain.
    key: String,
}

/// Why an address was refused. The sentence is for the person who typed it and never repeats what was typed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmailError {
    /// Nothing was given.
    #[error("Enter an email address.")]
    Empty,
    /// Over 254 octets.
    #[error("The email address is too long; use one of at most 254 characters.")]
    TooLong,
    /// Over 64 octets before the `@`.
    #[error("The part before the @ is too long; it may have at most 64 characters.")]
    LocalPartTooLong,
    /// No `@`.
    #[error("An email address needs an @, as in name@example.com.")]
    MissingAt,
    /// More than one `@`: two addresses, or a quoted one.
    #[error("Enter one email address, with a single @.")]
    SeveralAts,
    /// A control character, CR, LF and NUL among them.
    #[error("The email address contains a control character; type it again instead of pasting it.")]
    ControlCharacter,
    /// White space inside the address.
    #[error("The email address contains a space; remove it.")]
    Space,
    /// A character that shows nothing or turns the direction of the text (bidi, zero-width, variation selectors).
    #[error("The email address contains an invisible character; type it again instead of pasting it.")]
    HiddenCharacter,
    /// A character that NFKC would change, or a dot of another script.
    #[error("The email address contains look-alike characters; type it with the ordinary ones.")]
    LookAlike,
    /// `"quoted"@example.com`.
    #[error("Addresses with quotes before the @ are not supported; use another address.")]
    QuotedLocalPart,
    /// Something before the `@` that is not a dot-atom.
    #[error(
        "The part before the @ may hold letters, digits and !#$%&'*+-/=?^_`{{|}}~, with single dots between them."
    )]
    LocalPart,
    /// `name@[192.0.2.1]`.
    #[error("An address at an IP number is not supported; use one at a domain name, as in name@example.com.")]
    IpLiteral,
    /// Not a host name (RFC 1123), or not valid by UTS #46.
    #[error("The part after the @ is not a domain name; check it for typing errors.")]
    Domain,
    /// A bare host name.
    #[error("The part after the @ needs a dot, as in name@example.com.")]
    DomainWithoutDot,
    /// Characters beyond ASCII, where the operator does not accept such addresses.
    #[error("Addresses with characters such as é before the @ are not accepted here; use another address.")]
    Internationalised,
}

impl EmailError {
    /// A stable word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::LocalPartTooLong => "local_part_too_long",
            Self::MissingAt => "missing_at",
            Self::SeveralAts => "several_ats",
            Self::ControlCharacter => "control_character",
            Self::Space => "space",
            Self::HiddenCharacter => "hidden_character",
            Self::LookAlike => "look_alike",
            Self::QuotedLocalPart => "quoted_local_part",
            Self::LocalPart => "local_part",
            Self::IpLiteral => "ip_literal",
            Self::Domain => "domain",
            Self::DomainWithoutDot => "domain_without_dot",
            Self::Internationalised => "internationalised",
        }
    }
}

impl EmailAddress {
    /// Parses an address as a person typed it. White space around it is left out, as pasting and autocompletion add it; white
    /// space inside is refused. Nothing else is changed but the domain, which is brought to lower-case ASCII.
    ///
    /// # Errors
    /// The first [`EmailError`] found, so that a person has one thing to fix at a time.
    pub fn parse(raw: &str) -> Result<Self, EmailError> {
        let raw = raw.trim();
        if raw.is_empty() {
            return Err(EmailError::Empty);
        }
        if raw.len() > MAX_RAW_BYTES {
            return Err(EmailError::TooLong);
        }
        refuse_hidden_characters(raw)?;
        if !raw.is_ascii() && !is_nfkc(raw) {
            return Err(EmailError::LookAlike);
        }
        let (local, domain) = raw.split_once('@').ok_or(EmailError::MissingAt)?;
        if domain.contains('@') {
            return Err(EmailError::SeveralAts);
        }
        refuse_local_part(local)?;
        let domain = domain_to_ascii(domain)?;
        let key_local: String = local.chars().flat_map(char::to_lowercase).nfc().collect();
        // A few letters take more bytes in lower case, and the key has to fit where the address does.
        if local.len().max(key_local.len()) > MAX_LOCAL_OCTETS {
            return Err(EmailError::LocalPartTooLong);
        }
        if local.len().max(key_local.len()) + 1 + domain.len() > MAX_ADDRESS_OCTETS {
            return Err(EmailError::TooLong);
        }
        Ok(Self {
            address: format!("{local}@{domain}"),
            key: format!("{key_local}@{domain}"),
        })
    }

    /// The address that mail goes to: the local part as typed, the domain in ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// Whether it has characters beyond ASCII, which mail servers without SMTPUTF8 (RFC 6531) don't take. Domains don't: they
    /// are kept in ASCII.
    #[must_use]
    pub fn is_internationalised(&self) -> bool {
        !self.address.is_ascii()
    }

    /// The canonical form, unique among users. Lower case is Unicode's, letter by letter, without a locale and without
    /// the final-sigma rule, so that every database and every node agrees on it.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The part before the `@`, as typed (a password may not be just that).
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.address.split_once('@').map_or("", |(local, _)| local)
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

impl FromStr for EmailAddress {
    type Err = EmailError;

    fn from_str(raw: &str) -> Result<Self, Self::Err> {
        Self::parse(raw)
    }
}

impl Serialize for EmailAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.address)
    }
}

fn refuse_hidden_characters(raw: &str) -> Result<(), EmailError> {
    for c in raw.chars() {
        if c.is_control() {
            return Err(EmailError::ControlCharacter);
        }
        // The line and paragraph separators count as white space too; they are named with the invisible ones.
        if is_hidden(c) {
            return Err(EmailError::HiddenCharacter);
        }
        if c.is_whitespace() {
            return Err(EmailError::Space);
        }
    }
    Ok(())
}

/// Takes a dot-atom (RFC 5322 §3.2.3), with letters, digits and marks of any script beside ASCII (RFC 6532 §3.2). Other
/// characters beyond ASCII are refused: an unassigned one could change under a later Unicode, and with it the key.
fn refuse_local_part(local: &str) -> Result<(), EmailError> {
    if local.contains('"') {
        return Err(EmailError::QuotedLocalPart);
    }
    let is_atom = |atom: &str| {
        !atom.starts_with(is_combining_mark) && !atom.is_empty() && atom.chars().all(is_atom_character)
    };
    if local.split('.').all(is_atom) {
        Ok(())
    } else {
        Err(EmailError::LocalPart)
    }
}

fn is_atom_character(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        c.is_alphanumeric() || is_combining_mark(c)
    }
}

/// UTS #46, non-transitional, with the STD3, hyphen, joiner, bidi and length checks on, and what mail needs beyond it.
fn domain_to_ascii(domain: &str) -> Result<String, EmailError> {
    if domain.starts_with('[') {
        return Err(EmailError::IpLiteral);
    }
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::Check,
            DnsLength::Verify,
        )
        .map_err(|_| EmailError::Domain)?;
    // UTS #46 reads the ideographic full stop as a dot. Characters that it would turn into ASCII letters are gone by now
    // (NFKC changes all of them; a test goes through every one), and so this is the last way onto another domain.
    if domain.split('.').count() != ascii.split('.').count() {
        return Err(EmailError::LookAlike);
    }
    let (_, top_level) = ascii.rsplit_once('.').ok_or(EmailError::DomainWithoutDot)?;
    // A last label that begins with a digit is a number to URL parsers and resolvers (192.0.2.1, 0x7f.1), never a domain.
    if !top_level.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(EmailError::Domain);
    }
    Ok(ascii.into_owned())
}
