//! The ways in: signing in, registering, setting the server up; their one end; and the rules that hold for them.

pub(crate) mod complete;
pub(crate) mod error;
pub(crate) mod login;
pub(crate) mod register;
pub(crate) mod rules;
pub(crate) mod setup;
