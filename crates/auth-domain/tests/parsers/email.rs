//! Email addresses (docs/rules.md §5): which are refused, and that a look-alike never becomes another address.

use auth_domain::email::{EmailAddress, EmailError, MAX_ADDRESS_OCTETS, MAX_LOCAL_OCTETS};

fn refused(raw: &str) -> EmailError {
    match EmailAddress::parse(raw) {
        Err(error) => error,
        Ok(address) => unreachable!("{raw:?} was taken as {address:?}"),
    }
}

pub(crate) fn key(raw: &str) -> String {
    EmailAddress::parse(raw).map_or_else(
        |error| format!("{raw:?}: {error:?}"),
        |found| found.key().to_owned(),
    )
}

#[test]
fn an_ordinary_address_is_kept_as_typed_and_keyed_in_lower_case() {
    let address = EmailAddress::parse("Ana.Lima+Keyward@Example.COM").unwrap();
    assert_eq!(address.as_str(), "Ana.Lima+Keyward@example.com");
    assert_eq!(address.key(), "ana.lima+keyward@example.com");
    assert_eq!(address.local_part(), "Ana.Lima+Keyward");
    assert_eq!(address.to_string(), address.as_str());
    assert_eq!(
        serde_json::to_string(&address).unwrap(),
        "\"Ana.Lima+Keyward@example.com\""
    );
    assert_eq!("Ana.Lima+Keyward@EXAMPLE.com".parse(), Ok(address));
}

#[test]
fn spellings_that_differ_in_case_alone_have_one_key() {
    assert_eq!(key("USER@Example.COM"), key("user@example.com"));
    assert_eq!(key("JÓSE@example.com"), key("jóse@example.com"));
    assert_eq!(key("ΟΔΟΣ@example.com"), key("οδοσ@example.com"));
    assert_eq!(key("ana@BÜCHER.example"), key("ana@xn--bcher-kva.example"));
    assert_eq!(key("ana@XN--BCHER-KVA.example"), key("ana@bücher.example"));
}

#[test]
fn every_character_of_a_dot_atom_is_accepted() {
    assert_eq!(
        key("!#$%&'*+-/=?^_`{|}~@example.com"),
        "!#$%&'*+-/=?^_`{|}~@example.com"
    );
    assert_eq!(key("a.b.c@example.com"), "a.b.c@example.com");
    assert_eq!(key("用户@例え.jp"), "用户@xn--r8jz45g.jp");
    assert_eq!(key("हिन्दी@example.com"), "हिन्दी@example.com");
}

#[test]
fn a_local_part_that_is_no_dot_atom_is_refused() {
    for local in "|.ana|ana.|a..b|a,b|a;b|a:b|a(b)|a<b|a>b|a[b|a\\b|😀|a\u{E000}b".split('|') {
        assert_eq!(
            refused(&format!("{local}@example.com")),
            EmailError::LocalPart,
            "{local}"
        );
    }
    assert_eq!(
        refused("a.\u{301}b@example.com"),
        EmailError::LocalPart,
        "a mark may not lean on the dot"
    );
}

#[test]
fn a_quoted_local_part_is_refused() {
    assert_eq!(refused("\"ana\"@example.com"), EmailError::QuotedLocalPart);
    assert_eq!(
        refused("\"ana@evil.example\"@example.com"),
        EmailError::SeveralAts
    );
    assert_eq!(refused("\"a b\"@example.com"), EmailError::Space);
}

#[test]
fn exactly_one_at_is_needed() {
    assert_eq!(refused(""), EmailError::Empty);
    assert_eq!(refused("ana.example.com"), EmailError::MissingAt);
    assert_eq!(refused("ana@evil.example@example.com"), EmailError::SeveralAts);
    assert_eq!(refused("ana@example.com,bob@example.com"), EmailError::SeveralAts);
    assert_eq!(refused("ana@@example.com"), EmailError::SeveralAts);
}

#[test]
fn an_at_in_another_form_is_refused() {
    for at in ['\u{FF20}', '\u{FE6B}'] {
        assert_eq!(
            refused(&format!("ana{at}evil.example@example.com")),
            EmailError::LookAlike
        );
        assert_eq!(
            refused(&format!("ana@evil.example{at}example.com")),
            EmailError::LookAlike
        );
        assert_eq!(refused(&format!("ana{at}example.com")), EmailError::LookAlike);
    }
}

#[test]
fn a_list_of_addresses_is_refused() {
    assert_eq!(refused("ana@example.com,example.org"), EmailError::Domain);
    assert_eq!(refused("ana@example.com;example.org"), EmailError::Domain);
    assert_eq!(refused("ana,bob@example.com"), EmailError::LocalPart);
}

#[test]
fn control_characters_are_refused_anywhere() {
    for control in ["\r\n", "\r", "\n", "\0", "\t", "\u{7F}", "\u{85}", "\u{1B}"] {
        for raw in [
            "an{}a@example.com",
            "ana{}@example.com",
            "ana@{}example.com",
            "ana@exam{}ple.com",
        ] {
            assert_eq!(
                refused(&raw.replace("{}", control)),
                EmailError::ControlCharacter,
                "{raw} {control:?}"
            );
        }
    }
    assert_eq!(
        refused("ana@example.com\r\nBcc: bob@example.com"),
        EmailError::ControlCharacter
    );
}

#[test]
fn blanks_around_an_address_are_trimmed() {
    for blank in [
        " ", "   ", "\t", "\n", "\r\n", "\u{A0}", "\u{2003}", "\u{3000}", "\u{2028}",
    ] {
        for raw in [
            format!("{blank}Ana@example.com"),
            format!("Ana@example.com{blank}"),
            format!("{blank}Ana@example.com{blank}"),
        ] {
            assert_eq!(
                EmailAddress::parse(&raw).unwrap().as_str(),
                "Ana@example.com",
                "{raw:?}"
            );
        }
        assert_eq!(refused(blank), EmailError::Empty, "{blank:?}");
    }
    for other in ["\0", "\u{7F}", "\u{1B}"] {
        assert_eq!(
            refused(&format!("ana@example.com{other}")),
            EmailError::ControlCharacter
        );
    }
    for hidden in ["\u{200B}", "\u{FEFF}", "\u{2060}"] {
        assert_eq!(
            refused(&format!("{hidden}ana@example.com")),
            EmailError::HiddenCharacter
        );
    }
    let wide = format!("{}ana@example.com", " ".repeat(2_000));
    assert!(
        EmailAddress::parse(&wide).is_ok(),
        "blanks do not count towards the length"
    );
}

#[test]
fn spaces_inside_are_refused() {
    for raw in [
        "ana @example.com",
        "ana@ example.com",
        "an a@example.com",
        "ana@exa mple.com",
        "ana\u{A0}b@example.com",
    ] {
        assert_eq!(refused(raw), EmailError::Space, "{raw:?}");
    }
}

#[test]
fn invisible_and_bidirectional_characters_are_refused() {
    let hidden = [
        '\u{AD}',
        '\u{34F}',
        '\u{61C}',
        '\u{180E}',
        '\u{200B}',
        '\u{200C}',
        '\u{200D}',
        '\u{200E}',
        '\u{200F}',
        '\u{2028}',
        '\u{202A}',
        '\u{202E}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{2800}',
        '\u{3164}',
        '\u{FE0F}',
        '\u{FEFF}',
        '\u{FFFD}',
        '\u{E0041}',
        '\u{E0100}',
    ];
    for c in hidden {
        let (local, domain) = (format!("an{c}a@example.com"), format!("ana@exam{c}ple.com"));
        if c == '\u{FFFD}' {
            assert_eq!(
                (refused(&local), refused(&domain)),
                (EmailError::LocalPart, EmailError::Domain)
            );
        } else {
            assert_eq!(refused(&local), EmailError::HiddenCharacter, "{c:?}");
            assert_eq!(refused(&domain), EmailError::HiddenCharacter, "{c:?}");
        }
    }
}

#[test]
fn a_look_alike_never_becomes_the_ascii_account() {
    // The dotless i is a letter of its own, so this is another account. Every address that NFKC would change is refused.
    assert_eq!(key("m\u{131}ke@example.com"), "m\u{131}ke@example.com");
    assert_ne!(key("\u{130}da@example.com"), key("ida@example.com"));
    for raw in [
        "mi\u{212A}e@example.com",
        "ｍike@example.com",
        "mike@ｅxample.com",
        "mike@example.\u{24B8}om",
        "mike@\u{212A}eyward.example",
        "ſimon@example.com",
        "mike@ſimon.example",
        "ﬁona@example.com",
        "mike@example\u{FF0E}com",
        "mike@example\u{3002}com",
        "mike@日本\u{3002}example.com",
        "mike@example\u{FF61}com",
    ] {
        assert_eq!(refused(raw), EmailError::LookAlike, "{raw}");
    }
}

#[test]
fn no_character_beyond_ascii_leads_to_an_ascii_key() {
    for c in (char::MIN..=char::MAX).filter(|c| !c.is_ascii()) {
        let (local, domain) = (format!("a{c}b@example.com"), format!("mike@a{c}b.example"));
        if let Ok(address) = EmailAddress::parse(&local) {
            assert!(!address.key().is_ascii(), "{c:?}");
            assert_eq!(key(address.key()), address.key(), "{c:?}: a key is its own key");
        }
        if let Ok(address) = EmailAddress::parse(&domain) {
            assert!(
                address.key().starts_with("mike@xn--") && address.key().is_ascii(),
                "{c:?}"
            );
            assert_eq!(key(address.key()), address.key(), "{c:?}: a key is its own key");
        }
    }
}

#[test]
fn a_decomposed_letter_is_refused_instead_of_composed() {
    assert_eq!(refused("jose\u{301}@example.com"), EmailError::LookAlike);
    assert_eq!(refused("ana@bu\u{308}cher.example"), EmailError::LookAlike);
}

#[test]
fn the_local_part_has_at_most_64_octets() {
    let local = "a".repeat(MAX_LOCAL_OCTETS);
    assert!(EmailAddress::parse(&format!("{local}@example.com")).is_ok());
    assert_eq!(
        refused(&format!("{local}a@example.com")),
        EmailError::LocalPartTooLong
    );
    assert!(EmailAddress::parse(&format!("{}@example.com", "é".repeat(32))).is_ok());
    assert_eq!(
        refused(&format!("{}a@example.com", "é".repeat(32))),
        EmailError::LocalPartTooLong
    );
    // U+023A has two bytes, and three in lower case: the key has to fit as well.
    assert!(EmailAddress::parse(&format!("{}@example.com", "\u{23A}".repeat(21))).is_ok());
    assert_eq!(
        refused(&format!("{}@example.com", "\u{23A}".repeat(22))),
        EmailError::LocalPartTooLong
    );
}

#[test]
fn the_address_has_at_most_254_octets() {
    let label = "d".repeat(63);
    let domain = format!("{label}.{label}.{}.example", "d".repeat(53));
    assert_eq!(domain.len(), MAX_ADDRESS_OCTETS - 65);
    let address = EmailAddress::parse(&format!("{}@{domain}", "a".repeat(64))).unwrap();
    assert_eq!(address.as_str().len(), MAX_ADDRESS_OCTETS);
    let longer = format!("{}@{label}.{label}.{}.example", "a".repeat(64), "d".repeat(54));
    assert_eq!(refused(&longer), EmailError::TooLong);
    assert_eq!(refused(&format!("a@{}", "d".repeat(2_000))), EmailError::TooLong);
}

#[test]
fn the_limit_counts_the_domain_in_ascii() {
    // Two labels of 50 letters: 400 bytes in UTF-8, and at most 63 each in Punycode.
    let raw = format!("ana@{}.{0}.example", "\u{20000}".repeat(50));
    assert!(raw.len() > MAX_ADDRESS_OCTETS);
    assert!(EmailAddress::parse(&raw).unwrap().as_str().len() <= MAX_ADDRESS_OCTETS);
}

#[test]
fn a_domain_is_a_host_name_with_a_dot() {
    assert_eq!(refused("ana@localhost"), EmailError::DomainWithoutDot);
    for domain in [
        "",
        ".",
        "example.",
        ".example.com",
        "a..example",
        "-a.example",
        "a-.example",
        "ab--c.example",
        "a_b.example",
        "exa$mple.com",
        "example.com.",
        "192.0.2.1",
        "a.0x7f",
        "a.1",
        "xn--example-.com",
        "xn--a.example",
        "xn--.example",
        "ex/ample.com",
        "ex%61mple.com",
        "ex:25.com",
        "a\u{2260}b!.com",
    ] {
        let error = refused(&format!("ana@{domain}"));
        assert!(
            matches!(error, EmailError::Domain | EmailError::DomainWithoutDot),
            "{domain}: {error:?}"
        );
    }
    assert_eq!(
        refused(&format!("ana@{}.example", "d".repeat(64))),
        EmailError::Domain
    );
}

#[test]
fn an_ip_literal_is_refused() {
    assert_eq!(refused("ana@[192.0.2.1]"), EmailError::IpLiteral);
    assert_eq!(refused("ana@[IPv6:2001:db8::1]"), EmailError::IpLiteral);
}

#[test]
fn the_sharp_s_is_kept_and_not_transitionally_spelled_out() {
    assert_eq!(key("ana@faß.example"), "ana@xn--fa-hia.example");
}

#[test]
fn an_error_has_a_code_and_a_sentence_that_repeats_no_input() {
    let all = [
        "",
        &"a".repeat(2_000),
        &format!("{}@example.com", "zq".repeat(40)),
        "zqzq",
        "zq@zq@zq",
        "zq\n@zq",
        "zq @zq",
        "zq\u{200B}@zq",
        "ｚq@zq",
        "\"zq\"@zq",
        ".zq@zq",
        "zq@[zq]",
        "zq@z_q",
        "zq@zq",
    ];
    let mut codes: Vec<&str> = all.iter().map(|raw| refused(raw).code()).collect();
    for raw in all {
        let sentence = refused(raw).to_string();
        assert!(!sentence.contains("zq") && sentence.ends_with('.'), "{sentence}");
    }
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), all.len(), "{codes:?}");
}
