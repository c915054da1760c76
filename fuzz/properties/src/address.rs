//! Email addresses: an accepted address has one canonical form within RFC 5321's lengths, and another spelling never names another user.

use auth_domain::email::{EmailAddress, MAX_ADDRESS_OCTETS, MAX_LOCAL_OCTETS};
use unicode_normalization::UnicodeNormalization;

/// Checks the properties of this module for an input.
///
/// # Panics
/// If a property does not hold.
pub fn check(input: &[u8]) {
    let raw = crate::text(input);
    let typed = raw.trim();
    let address = match EmailAddress::parse(raw) {
        Ok(address) => address,
        Err(error) => {
            assert!(!error.code().is_empty());
            assert_eq!(
                EmailAddress::parse(raw),
                Err(error),
                "refused for another reason the second time"
            );
            return;
        }
    };
    let (shown, key) = (address.as_str(), address.key());
    for text in [shown, key] {
        let (local, domain) = text.split_once('@').expect("one @");
        assert!(!domain.contains('@'), "{text:?} has one @");
        assert!(
            local.len() <= MAX_LOCAL_OCTETS && text.len() <= MAX_ADDRESS_OCTETS,
            "{text:?} fits"
        );
        assert!(
            domain.is_ascii() && domain == domain.to_ascii_lowercase(),
            "{domain:?} is canonical"
        );
        assert!(domain.contains('.'), "{domain:?} has a dot");
        assert!(
            !text.chars().any(|c| c.is_control() || c.is_whitespace()),
            "{text:?} is one word"
        );
    }
    assert_eq!(
        typed.nfkc().collect::<String>(),
        typed,
        "NFKC would change it into somebody else's"
    );
    assert_eq!(
        shown.split_once('@').map(|(local, _)| local),
        typed.split_once('@').map(|(local, _)| local)
    );
    assert_eq!(
        address.local_part(),
        typed.split_once('@').map_or("", |(local, _)| local)
    );

    let again = EmailAddress::parse(shown).expect("what is shown is an address");
    assert_eq!(again, address, "shown and read back");
    let canonical = EmailAddress::parse(key).expect("the canonical form is an address");
    assert_eq!(canonical.key(), key, "the canonical form is its own");
    // The same address in capitals is the same user.
    if raw.is_ascii() {
        let loud = EmailAddress::parse(&raw.to_ascii_uppercase()).expect("capitals are no other address");
        assert_eq!(loud.key(), key);
    }
}
