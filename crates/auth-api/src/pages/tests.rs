//! Properties of all pages.

use super::{config::PLACES, *};
use crate::http::route::Access;
use auth_domain::mail::Link;
use std::collections::BTreeSet;

/// The first segment of a page's path.
fn place(page: &Page) -> &'static str {
    page.path().split('/').nth(1).unwrap_or_default()
}

#[test]
fn every_page_has_a_declared_first_segment_and_every_declared_segment_has_a_page() {
    let all = declared("");
    let found: BTreeSet<&str> = all
        .iter()
        .filter(|page| !page.is_at_root() && page.path() != "/")
        .map(place)
        .collect();
    assert_eq!(found, BTreeSet::from(PLACES));
}

#[test]
fn the_front_page_answers_with_and_without_a_trailing_slash() {
    for (base, expected) in [("", vec!["/"]), ("/ui", vec!["", "/"])] {
        let all = declared(base);
        let front: Vec<_> = all.iter().map(Page::path).filter(|path| path.len() < 2).collect();
        assert_eq!(front, expected, "{base}");
    }
}

#[test]
fn every_mailed_link_opens_a_page() {
    let all = declared("");
    for link in Link::ALL {
        let page = all.iter().find(|page| page.path() == format!("/{}", link.page()));
        let methods: Vec<_> = page
            .unwrap()
            .operations()
            .map(|one| one.method().as_str())
            .collect();
        assert_eq!(methods, ["GET", "POST"], "{link:?}");
    }
}

#[test]
fn pages_below_account_are_for_signed_in_users_and_pages_below_admin_need_a_permission() {
    for page in declared("/ui") {
        for operation in page.operations() {
            let (path, access) = (operation.path(), operation.access());
            match place(&page) {
                "account" => assert_eq!(access, Access::User, "{path}"),
                "admin" => assert!(matches!(access, Access::Permission(_)), "{path}"),
                _ => assert_eq!(access, Access::Anonymous, "{path}"),
            }
        }
    }
}

#[test]
fn no_method_of_a_page_is_declared_twice_and_each_page_has_one() {
    let mut seen = BTreeSet::new();
    for page in declared("/ui") {
        assert!(page.operations().count() > 0, "{}", page.path());
        for operation in page.operations() {
            let (method, path) = (operation.method().to_string(), operation.path().to_owned());
            assert!(seen.insert((method, path.clone())), "{path}");
        }
    }
}

#[test]
fn the_navigation_has_these_pages_in_this_order() {
    let all = declared("");
    let named: Vec<_> = all
        .iter()
        .filter_map(Page::entry)
        .map(|entry| entry.place)
        .collect();
    let expected = [
        "/account",
        "/account/sessions",
        "/account/security",
        "/account/keys",
        "/account/events",
        "/account/data",
        "/admin",
        "/admin/users",
        "/admin/audit",
        "/admin/keys",
    ];
    assert_eq!(named, expected);
}
