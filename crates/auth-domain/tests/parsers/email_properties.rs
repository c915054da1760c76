//! Properties of every email address (docs/rules.md §5), over random texts.

use crate::email::key;
use auth_domain::email::{EmailAddress, MAX_ADDRESS_OCTETS};
use proptest::prelude::*;

proptest! {
    #[test]
    fn parsing_is_total(raw in any::<String>()) {
        let _ = EmailAddress::parse(&raw);
    }

    #[test]
    fn only_addresses_with_exactly_one_at_pass(raw in "[a-zA-Z.@\"\\\\ \\r\\néß＠,]{0,20}@?[a-z@.-]{0,12}\\.com") {
        if EmailAddress::parse(&raw).is_ok() {
            prop_assert_eq!(raw.matches('@').count(), 1);
        }
    }

    #[test]
    fn the_key_of_a_key_is_itself(raw in "[\\p{L}\\p{M}\\p{N}.+-]{1,20}@[\\p{L}\\p{M}\\p{N}-]{1,12}\\.(com|example|рф)") {
        if let Ok(address) = EmailAddress::parse(&raw) {
            let again = EmailAddress::parse(address.key()).unwrap();
            prop_assert_eq!(again.key(), address.key());
            prop_assert_eq!(again.as_str(), address.key());
            let resent = EmailAddress::parse(address.as_str()).unwrap();
            prop_assert_eq!(resent, address);
        }
    }

    #[test]
    fn the_typed_case_never_matters(local in "[a-z0-9]{1,12}", domain in "[a-z]{1,9}\\.[a-z]{2,5}") {
        let typed = format!("{local}@{domain}");
        prop_assert_eq!(key(&typed.to_uppercase()), key(&typed));
    }

    #[test]
    fn every_accepted_address_is_safe_in_a_mail_header(raw in "\\PC{0,20}@\\PC{0,20}") {
        if let Ok(address) = EmailAddress::parse(&raw) {
            prop_assert!(address.as_str().len() <= MAX_ADDRESS_OCTETS && address.key().len() <= MAX_ADDRESS_OCTETS);
            let breaks = |c: char| c.is_control() || c.is_whitespace() || "\"(),:;<>[\\]".contains(c);
            prop_assert!(!address.as_str().contains(breaks));
        }
    }
}
