//! The ways to sign in: with a password, by registration, by the set-up. All of them end in `complete`. And the rules that apply to
//! them.

pub(crate) mod complete;
pub(crate) mod error;
pub(crate) mod login;
pub(crate) mod register;
pub(crate) mod rules;
pub(crate) mod setup;
