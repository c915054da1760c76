//! The keys of a part of a section. The rule: they are the field names of its struct, so that there is no second list.

use serde::{
    Deserializer,
    de::{self, DeserializeOwned, Visitor},
};
use std::fmt;

/// The keys of a part of a section.
pub(super) fn keys_of<T: DeserializeOwned>() -> &'static [&'static str] {
    T::deserialize(FieldNames).err().map_or(&[], |found| found.0)
}

/// Returns the field names of a struct instead of its value.
struct FieldNames;

/// The field names. serde passes them to the deserializer of a struct, which can return them only as an error.
#[derive(Debug)]
struct Found(&'static [&'static str]);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl std::error::Error for Found {}

impl de::Error for Found {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for FieldNames {
    type Error = Found;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Found> {
        Err(Found(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Found> {
        Err(Found(fields))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
