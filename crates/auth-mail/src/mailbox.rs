//! Parses the mailboxes of the configuration. The whole text must be one mailbox.

use auth_domain::user::is_invisible_control;
use lettre::{Address, message::Mailbox};

/// Parses `name@example.com`, `Name <name@example.com>` or `"Name" <name@example.com>`.
pub(crate) fn parse(text: &str) -> Option<Mailbox> {
    if text.chars().any(is_invisible_control) {
        return None;
    }
    let text = text.trim();
    let Some(inner) = text.strip_suffix('>') else {
        return address(text).map(Mailbox::from);
    };
    let (name, inside) = inner.split_once('<')?;
    let name = name.trim();
    let name = name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'))
        .unwrap_or(name);
    if name.contains(['"', '<', '>', '\\']) {
        return None;
    }
    let name = (!name.is_empty()).then(|| name.to_owned());
    Some(Mailbox::new(name, address(inside)?))
}

/// ASCII only: not every server accepts more, and this address is in every mail.
fn address(text: &str) -> Option<Address> {
    text.is_ascii().then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_an_address_with_or_without_a_name() {
        let parts = |text: &str| {
            parse(text).map(|mailbox| (mailbox.name.unwrap_or_default(), mailbox.email.to_string()))
        };
        let some = |name: &str, address: &str| Some((name.to_owned(), address.to_owned()));
        assert_eq!(parts("a@example.com"), some("", "a@example.com"));
        assert_eq!(
            parts("Keyward <no-reply@localhost>"),
            some("Keyward", "no-reply@localhost")
        );
        assert_eq!(
            parts("\"Anna, Bert\" <a@example.com>"),
            some("Anna, Bert", "a@example.com")
        );
        assert_eq!(parts("Zoë <a@example.com>"), some("Zoë", "a@example.com"));
    }

    #[test]
    fn anything_but_one_mailbox_is_refused() {
        for text in [
            "",
            "Keyward",
            "a@example.com, b@example.com",
            "A <a@example.com>, B <b@example.com>",
            "A <a@example.com> B",
            "A <B <a@example.com>",
            "A\r\nBcc: b@example.com <a@example.com>",
            "A <a@example.com\n>",
            "A <>",
            "zoë@example.com",
            "a@müller.example",
        ] {
            assert!(parse(text).is_none(), "{text:?}");
        }
    }
}
