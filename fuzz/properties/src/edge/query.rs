//! Query strings and the paging in them: a page is never larger than allowed, and a cursor has one spelling.

use auth_api::http::{cursor::Paging, query::Query};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

/// Checks the properties of this module for an input.
///
/// # Panics
/// If a property does not hold.
pub fn check(input: &[u8]) {
    let raw = crate::text(input);
    let query = Query::of(raw);
    for name in ["limit", "cursor", "role", "status"] {
        let all: Vec<String> = query.all(name).collect();
        match query.single(name) {
            Ok(single) => assert_eq!(single.as_ref(), all.first(), "{name}"),
            Err(_) => assert!(all.len() > 1, "{name} is refused although it was given once"),
        }
    }
    match Paging::of(&query) {
        Ok(paging) => check_paging(query, &paging),
        Err(problem) => {
            let fault = problem.errors().first().expect("it says what is wrong");
            assert!(["limit", "cursor"].contains(&fault.field.as_str()));
        }
    }
}

fn check_paging(query: Query<'_>, paging: &Paging) {
    let request = paging.request();
    assert!((2..=101).contains(&request.limit), "one more than the page holds");
    if let Ok(Some(limit)) = query.single("limit") {
        assert_eq!(limit.parse().ok(), Some(request.limit - 1));
    }
    let given = query.single("cursor").ok().flatten();
    assert_eq!(given.is_some(), request.after.is_some());
    // The cursor that the service issues for this item equals the given one: a cursor has one spelling.
    if let (Some(given), Some(after)) = (given, request.after) {
        let full: Vec<Uuid> = vec![after; usize::try_from(request.limit).expect("small")];
        let page = paging.page(full, |id| *id);
        assert_eq!(page.next_cursor, Some(given));
        assert_eq!(
            page.items.len() + 1,
            usize::try_from(request.limit).expect("small")
        );
        let mut bytes = vec![1];
        bytes.extend_from_slice(after.as_bytes());
        assert_eq!(page.next_cursor, Some(URL_SAFE_NO_PAD.encode(bytes)));
    }
}
