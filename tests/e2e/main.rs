//! The contract over HTTP, a module a route, on every backend. Names are the promises.

#![cfg(test)]

mod access_tokens;
mod attacks;
mod bad_input;
mod health;
mod keys;
mod login;
mod logout;
mod me;
mod oauth;
mod refresh;
mod register;
mod sessions;
mod setup;
mod verify;
