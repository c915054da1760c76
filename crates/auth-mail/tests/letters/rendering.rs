//! Every kind of mail, rendered with all values, without values, and with hostile ones.

use crate::{LINK, REPORT_LINK, letter, mailer};
use auth_domain::mail::MailKind;
use auth_mail::MailFacts;
use secrecy::SecretString;
use std::collections::HashSet;

/// The HTML without its escapes.
fn unescaped(html: &str) -> String {
    html.replace("&#x2f;", "/").replace("&amp;", "&")
}

#[test]
fn every_kind_has_a_subject_of_its_own_a_text_and_an_html_part() {
    let mailer = mailer();
    let mut subjects = HashSet::new();
    for kind in MailKind::ALL {
        let content = mailer.render(&letter(kind)).unwrap();
        assert!(content.subject.contains("Example Accounts"), "{kind:?}");
        assert!(content.text.starts_with("Hello Ada Lovelace,\n\n"), "{kind:?}");
        assert!(content.text.contains("Example Accounts"), "{kind:?}");
        assert!(
            content.html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"),
            "{kind:?}"
        );
        assert!(
            content
                .html
                .contains(&format!("<title>{}</title>", content.subject)),
            "{kind:?}"
        );
        for fact in ["Firefox on Linux", "2001:db8::1", "2026-09-21 14:13:20 UTC"] {
            assert!(content.text.contains(fact), "{kind:?}: {fact}");
            assert!(content.html.contains(fact), "{kind:?}: {fact}");
        }
        assert!(subjects.insert(content.subject), "{kind:?}");
    }
}

#[test]
fn the_links_are_in_the_text_and_in_the_html_of_exactly_the_kinds_that_carry_them() {
    let mailer = mailer();
    for kind in MailKind::ALL {
        let content = mailer.render(&letter(kind)).unwrap();
        let html = unescaped(&content.html);
        let bare = |link: &str| content.text.lines().any(|line| line == link);
        assert_eq!(bare(LINK), kind.carries_link(), "{kind:?}");
        assert_eq!(bare(REPORT_LINK), kind.carries_report_link(), "{kind:?}");
        assert_eq!(
            html.contains(&format!("href=\"{LINK}\"")),
            kind.carries_link(),
            "{kind:?}"
        );
        assert_eq!(
            html.contains(&format!(">{LINK}</a>")),
            kind.carries_link(),
            "{kind:?}"
        );
        assert_eq!(
            html.contains(&format!("href=\"{REPORT_LINK}\"")),
            kind.carries_report_link(),
            "{kind:?}"
        );
        assert_eq!(
            content.text.contains("within 1 hour"),
            kind.carries_link(),
            "{kind:?}"
        );
    }
}

#[test]
fn without_values_a_mail_has_no_gaps() {
    let mailer = mailer();
    for kind in MailKind::ALL {
        let mut bare = letter(kind);
        bare.facts = MailFacts::default();
        let content = mailer.render(&bare).unwrap();
        assert!(content.text.starts_with("Hello,\n"), "{kind:?}");
        for part in [&content.subject, &content.text, &content.html] {
            assert!(!part.trim().is_empty(), "{kind:?}");
            for gap in ["None", "none", "undefined", "{{", "{%", "href", "When", "\n\n\n"] {
                let style = part.replace("text-decoration:none", "");
                assert!(!style.contains(gap), "{kind:?} has {gap:?}: {part}");
            }
        }
    }
}

#[test]
fn a_value_that_a_stranger_chose_is_escaped_in_html_and_is_one_line_in_text() {
    let mailer = mailer();
    for kind in MailKind::ALL {
        let mut hostile = letter(kind);
        hostile.facts.name = Some("<script>alert(1)<\u{202E}\r\n\r\nSubject\" onclick=\"x".to_owned());
        hostile.facts.device = Some("<img src=x>".to_owned());
        hostile.facts.ip = Some("{{ link }}{% raw %}".to_owned());
        hostile.facts.service_name = "<b>Bank</b>\r\nBcc: eve@example.com".to_owned();
        hostile.facts.link = Some(SecretString::from("https://id.example.com/\"><script>"));
        let content = mailer.render(&hostile).unwrap();
        for tag in ["<script", "<img", "<b>", "onclick=\"", "\"><s"] {
            assert!(!content.html.contains(tag), "{kind:?}: {tag}");
        }
        assert!(content.html.contains("&lt;script&gt;alert(1)&lt;"), "{kind:?}");
        assert!(content.html.contains("{{ link }}{% raw %}"), "{kind:?}");
        assert!(!content.subject.contains(['\r', '\n']), "{kind:?}");
        assert!(
            content
                .text
                .starts_with("Hello <script>alert(1)< Subject\" onclick=\"x,\n"),
            "{kind:?}"
        );
        assert!(
            !content.text.lines().any(|line| line.starts_with("Bcc")),
            "{kind:?}"
        );
    }
}

#[test]
fn a_name_that_is_a_link_is_not_sent_to_another_person() {
    let mut spam = letter(MailKind::AlreadyRegistered);
    spam.facts.name = Some("You won! Claim it at evil.example".to_owned());
    let content = mailer().render(&spam).unwrap();
    assert!(content.text.starts_with("Hello,\n"));
    assert!(!content.text.contains("evil") && !content.html.contains("evil"));
}

#[test]
fn lines_of_the_text_are_short_except_links() {
    let mailer = mailer();
    for kind in MailKind::ALL {
        let content = mailer.render(&letter(kind)).unwrap();
        for line in content.text.lines().filter(|line| !line.starts_with("https://")) {
            assert!(line.chars().count() <= 100, "{kind:?}: {line}");
        }
    }
}

#[test]
fn the_html_loads_nothing_and_has_no_links_but_the_given_ones() {
    let mailer = mailer();
    for kind in MailKind::ALL {
        let html = unescaped(&mailer.render(&letter(kind)).unwrap().html);
        for loader in ["<img", "src=", "url(", "<link", "@import", "<script", "<form"] {
            assert!(!html.contains(loader), "{kind:?}: {loader}");
        }
        let without = html.replace(LINK, "").replace(REPORT_LINK, "");
        assert!(!without.contains("://"), "{kind:?}");
        assert!(
            html.contains("color-scheme") && html.contains("max-width:34rem"),
            "{kind:?}"
        );
    }
}

#[test]
fn the_new_address_is_shown_where_it_is_given() {
    let mut changed = letter(MailKind::EmailChangeRequested);
    changed.facts.new_email = Some("new@example.com".to_owned());
    let content = mailer().render(&changed).unwrap();
    assert!(content.text.contains("new@example.com") && content.html.contains("new@example.com"));
}
