//! JSON bodies. The rule: a body is one object. Its members are all known, all required ones are present, and all have the right type.
//! One answer names every fault, in words of our own.

use crate::http::{
    body,
    problem::{Code, FieldError, Problem},
    route::argument::{Argument, JsonBody, OptionalJsonBody, Specified, Unspecified},
};
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures::future::LocalBoxFuture;
use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use std::{fmt, str::FromStr};
use validator::{Validate, ValidationErrors};

/// A type that is read from the members of a JSON object.
pub trait FromMembers: Validate + Sized + 'static {
    /// Takes its members. Those that are missing or of the wrong type are recorded as faults.
    fn from_members(members: &mut Members) -> Option<Self>;
}

/// A JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T> Argument for Json<T> {
    type Access = Unspecified;
    type Body = Specified<JsonBody<T>>;
}

impl<T: FromMembers> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { read(&request, payload).await.map(Self) })
    }
}

/// A JSON body that is optional as a whole.
#[derive(Debug)]
pub struct OptionalJson<T>(pub Option<T>);

impl<T> Argument for OptionalJson<T> {
    type Access = Unspecified;
    type Body = Specified<OptionalJsonBody<T>>;
}

impl<T: FromMembers> FromRequest for OptionalJson<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !body::is_announced(request) {
            return Box::pin(std::future::ready(Ok(Self(None))));
        }
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { read(&request, payload).await.map(|body| Self(Some(body))) })
    }
}

/// Reads a body as JSON.
///
/// # Errors
/// [`Problem`]: 400, 408, 413, 415 or 422.
pub async fn read<T: FromMembers>(request: &HttpRequest, payload: Payload) -> Result<T, Problem> {
    if !body::is_of_type(request, "application/json") {
        return Err(Code::UnsupportedMediaType.into());
    }
    parse(&body::read(request, payload).await?)
}

/// Parses a body.
///
/// # Errors
/// [`Problem`]: 400 for invalid JSON, 422 for other JSON than is expected.
pub fn parse<T: FromMembers>(body: &[u8]) -> Result<T, Problem> {
    let mut members = Members::parse(body)?;
    let read = T::from_members(&mut members);
    members.refuse_unknown_fields();
    match read {
        Some(read) if members.faults.is_empty() => {
            read.validate()
                .map_err(|faults| Problem::invalid_input(to_field_errors(&faults)))?;
            Ok(read)
        }
        _ => Err(Problem::invalid_input(members.faults)),
    }
}

/// The members of a JSON object, to be taken one by one.
pub struct Members {
    left: Vec<(String, Value)>,
    faults: Vec<FieldError>,
}

impl Members {
    fn parse(body: &[u8]) -> Result<Self, Problem> {
        let malformed = |detail: String| Problem::with_detail(Code::MalformedJson, detail);
        let text =
            std::str::from_utf8(body).map_err(|_| malformed("The body is not valid UTF-8.".to_owned()))?;
        if text.trim().is_empty() {
            return Err(malformed("The body is empty; send a JSON object.".to_owned()));
        }
        let place = |error: serde_json::Error| {
            malformed(format!(
                "The body is not valid JSON (line {}, column {}).",
                error.line(),
                error.column()
            ))
        };
        let mut reader = serde_json::Deserializer::from_str(text);
        let read = Top::deserialize(&mut reader).map_err(place)?;
        reader.end().map_err(place)?;
        match read {
            Top::Object(members) => Ok(Self::new(members)),
            Top::Other => Err(Problem::invalid_input(vec![FieldError::new(
                "",
                "wrong_type",
                "The body must be a JSON object.",
            )])),
        }
    }

    fn new(members: Vec<(String, Value)>) -> Self {
        let mut found = Self {
            left: Vec::with_capacity(members.len()),
            faults: Vec::new(),
        };
        for (name, value) in members {
            // With two members of one name, two parsers could read two different requests (RFC 8259 §4).
            if found.left.iter().any(|(known, _)| *known == name) {
                found.fault::<()>(&name, "duplicate_field", "The field is given twice.");
            } else {
                found.left.push((name, value));
            }
        }
        found
    }

    /// Takes a required string.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name) {
            Some(Value::String(text)) => Some(text),
            Some(_) => self.fault(name, "wrong_type", "The field must be a string."),
            None => self.fault(name, "missing", "The field is needed."),
        }
    }

    /// Takes a required string that is secret.
    pub fn secret(&mut self, name: &str) -> Option<SecretString> {
        self.text(name).map(SecretString::from)
    }

    /// Takes a required string or `null`.
    pub fn nullable_text(&mut self, name: &str) -> Option<Option<String>> {
        match self.take(name) {
            Some(Value::String(text)) => Some(Some(text)),
            Some(Value::Null) => Some(None),
            Some(_) => self.fault(name, "wrong_type", "The field must be a string or null."),
            None => self.fault(name, "missing", "The field is needed; null clears it."),
        }
    }

    /// Takes an optional string, which may be `null`.
    pub fn optional_text(&mut self, name: &str) -> Option<Option<String>> {
        if self.has(name) {
            self.nullable_text(name)
        } else {
            Some(None)
        }
    }

    /// Takes an optional boolean, which may be `null`.
    pub fn optional_bool(&mut self, name: &str) -> Option<Option<bool>> {
        match self.take(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::Bool(value)) => Some(Some(value)),
            Some(_) => self.fault(name, "wrong_type", "The field must be true or false."),
        }
    }

    /// Takes an optional list of strings, which may be `null`.
    pub fn optional_texts(&mut self, name: &str) -> Option<Option<Vec<String>>> {
        let texts = match self.take(name) {
            None | Some(Value::Null) => return Some(None),
            Some(Value::Array(items)) => items.into_iter().map(text_of).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        match texts {
            Some(texts) => Some(Some(texts)),
            None => self.fault(name, "wrong_type", "The field must be a list of strings."),
        }
    }

    /// Takes an optional string, which may be `null`, and parses it.
    pub fn optional_word<T: FromStr>(
        &mut self,
        name: &str,
        code: &'static str,
        message: &'static str,
    ) -> Option<Option<T>> {
        match self.take(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::String(text)) => match text.parse() {
                Ok(value) => Some(Some(value)),
                Err(_) => self.fault(name, code, message),
            },
            Some(_) => self.fault(name, "wrong_type", "The field must be a string."),
        }
    }

    /// Whether a member is present.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.left.iter().any(|(known, _)| known == name)
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.left.iter().position(|(known, _)| known == name)?;
        Some(self.left.swap_remove(at).1)
    }

    pub(crate) fn fault<T>(&mut self, field: &str, code: &'static str, message: &'static str) -> Option<T> {
        self.faults.push(FieldError::new(field, code, message));
        None
    }

    fn refuse_unknown_fields(&mut self) {
        // The answer to thousands of unknown fields stays short.
        for (name, _) in std::mem::take(&mut self.left).into_iter().take(16) {
            self.fault::<()>(&name, Code::UnknownField.as_str(), "The field is unknown.");
        }
        self.faults.truncate(32);
    }
}

fn text_of(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// The top level of a body.
enum Top {
    Object(Vec<(String, Value)>),
    Other,
}

impl<'de> Deserialize<'de> for Top {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TopVisitor)
    }
}

struct TopVisitor;

impl<'de> Visitor<'de> for TopVisitor {
    type Value = Top;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Top, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry::<String, Value>()? {
            members.push(member);
        }
        Ok(Top::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Top, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Top::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Top, E> {
        Ok(Top::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Top, E> {
        Ok(Top::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Top, E> {
        Ok(Top::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Top, E> {
        Ok(Top::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Top, E> {
        Ok(Top::Other)
    }

    fn visit_unit<E>(self) -> Result<Top, E> {
        Ok(Top::Other)
    }
}

fn to_field_errors(faults: &ValidationErrors) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> = Vec::new();
    for (field, found) in faults.field_errors() {
        for fault in found {
            let message = fault
                .message
                .clone()
                .unwrap_or("The value is out of bounds.".into());
            errors.push(FieldError::new(&field, fault.code.clone(), message));
        }
    }
    errors.sort_by(|a, b| a.field.cmp(&b.field));
    errors
}

#[cfg(test)]
mod tests;
