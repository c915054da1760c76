//! Pagination: an opaque cursor names the last item of the previous page. An offset would skip and repeat items while the list changes.

use crate::http::{
    problem::{Code, FieldError, Problem},
    query::Query,
    route::{Declaration, Parameter, SchemaRef, schema},
};
use auth_service::Pagination;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type},
    },
};
use uuid::Uuid;

/// The smallest, the largest and the default number of items on a page.
pub const LIMITS: (u32, u32, u32) = (1, 100, 20);

/// The pattern of cursors, for the description of the API. Every text that matches it can be decoded, even if it names no item.
pub const PATTERN: &str = "^A[Q-Za-f][A-Za-z0-9_-]{20}[AEIMQUYcgkosw048]$";

/// The version of the cursor's format.
const VERSION: u8 = 1;

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct List<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; `null` on the last one.
    pub next_cursor: Option<String>,
}

impl<A, B, G> Declaration<A, B, G> {
    /// It answers with a page of a list: a [`List`] by a [`Paging`].
    pub fn paged(self) -> Self {
        self.with(Parameter::query("limit", "How many.", || {
            let (least, most, usual) = LIMITS;
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .minimum(Some(least))
                .maximum(Some(most))
                .default(Some(usual.into()))
        }))
        .with(Parameter::query(
            "cursor",
            "The next_cursor of the previous page.",
            || schema::text().pattern(Some(PATTERN)),
        ))
        .may_fail(&[Code::InvalidInput])
    }
}

/// An item of lists.
pub trait Listed: ToSchema {
    /// The name of a page of it in the description of the API.
    const LIST: &str;
}

impl<T: Listed> PartialSchema for List<T> {
    fn schema() -> RefOr<Schema> {
        let nullable = SchemaType::from_iter([Type::String, Type::Null]);
        ObjectBuilder::new()
            .property(
                "items",
                ArrayBuilder::new().items(SchemaRef::of::<T>().reference()),
            )
            .property("next_cursor", ObjectBuilder::new().schema_type(nullable))
            .required("items")
            .required("next_cursor")
            .into()
    }
}

impl<T: Listed> ToSchema for List<T> {
    fn name() -> Cow<'static, str> {
        T::LIST.into()
    }

    fn schemas(all: &mut Vec<(String, RefOr<Schema>)>) {
        SchemaRef::of::<T>().collect(all);
    }
}

/// The page that a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    after: Option<Uuid>,
    limit: u32,
}

impl Paging {
    /// Reads `limit` and `cursor`.
    ///
    /// # Errors
    /// 422 for a limit out of range and for an invalid cursor.
    pub fn of(query: &Query<'_>) -> Result<Self, Problem> {
        let (least, most, usual) = LIMITS;
        let limit = match query.single("limit")? {
            None => usual,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (least..=most).contains(limit))
                .ok_or_else(|| invalid("limit", "out_of_range", "The limit is a number from 1 to 100."))?,
        };
        let after =
            match query.single("cursor")? {
                None => None,
                Some(text) => Some(decode(&text).ok_or_else(|| {
                    invalid("cursor", "invalid_cursor", "The cursor was not given out here.")
                })?),
            };
        Ok(Self { after, limit })
    }

    /// The page to ask the service for: with one more item, to see whether there is a next page.
    #[must_use]
    pub fn request(&self) -> Pagination {
        Pagination {
            after: self.after,
            limit: self.limit + 1,
        }
    }

    /// The page, from the items of the service.
    pub fn page<T>(&self, mut found: Vec<T>, id: impl Fn(&T) -> Uuid) -> List<T> {
        let size = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = found.len() > size;
        found.truncate(size);
        let next_cursor = found.last().filter(|_| more).map(|last| encode(id(last)));
        List {
            items: found,
            next_cursor,
        }
    }
}

fn invalid(field: &str, code: &'static str, message: &'static str) -> Problem {
    Problem::invalid_input(vec![FieldError::new(field, code, message)])
}

fn encode(id: Uuid) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Option<Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (VERSION, id) = bytes.split_first().map(|(version, id)| (*version, id))? else {
        return None;
    };
    Uuid::from_slice(id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(query: &str) -> Result<Paging, String> {
        Paging::of(&Query::of(query)).map_err(|problem| problem.errors()[0].code.to_string())
    }

    #[test]
    fn a_cursor_comes_back_as_it_was_given_out() {
        let id = Uuid::from_u128(0x018f_3f5e_7c1a_7a30_8d2e_0123_4567_89ab);
        assert_eq!(decode(&encode(id)), Some(id));
        // As PATTERN says: 17 bytes, the version first, no stray bits at the end.
        let text = encode(Uuid::max());
        assert!(
            text.len() == 23 && text.starts_with("Af") && "AEIMQUYcgkosw048".contains(&text[22..]),
            "{text}"
        );
        for bad in [
            "",
            "AA",
            "not base64!",
            &URL_SAFE_NO_PAD.encode([2; 17]),
            &URL_SAFE_NO_PAD.encode([1; 18]),
            &format!("{}=", encode(id)),
        ] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_limit_is_one_to_a_hundred() {
        assert_eq!(
            paging(""),
            Ok(Paging {
                after: None,
                limit: 20
            })
        );
        assert_eq!(paging("limit=1&other=x").unwrap().limit, 1);
        assert_eq!(paging("limit=100").unwrap().limit, 100);
        for bad in [
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=x",
            "limit=",
            "limit=1.5",
            "limit=99999999999999999999",
        ] {
            assert_eq!(paging(bad), Err("out_of_range".to_owned()), "{bad}");
        }
        assert_eq!(paging("cursor=x"), Err("invalid_cursor".to_owned()));
        assert_eq!(paging("limit=1&limit=2"), Err("duplicate_field".to_owned()));
    }

    #[test]
    fn a_page_knows_whether_another_follows() {
        let paging = paging("limit=2").unwrap();
        let ids: Vec<Uuid> = (1..=3).map(Uuid::from_u128).collect();
        assert_eq!(paging.request().limit, 3);
        let page = paging.page(ids.clone(), |id| *id);
        assert_eq!(page.items, ids[..2]);
        assert_eq!(decode(&page.next_cursor.unwrap()), Some(ids[1]));
        let last = paging.page(ids[..2].to_vec(), |id| *id);
        assert_eq!((last.items.len(), last.next_cursor), (2, None));
    }
}
