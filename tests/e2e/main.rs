//! The contract over HTTP, one module per route, on every backend. The names of the tests are the promises.

#![cfg(test)]

mod access_tokens;
mod account;
mod activity;
mod admin;
mod api_keys;
mod attacks;
mod bad_input;
mod device_limits;
mod email;
mod health;
mod honest;
mod keys;
mod limits;
mod login;
mod logout;
mod me;
mod metrics;
mod notices;
mod oauth;
mod pages;
mod password;
mod refresh;
mod register;
mod routes;
mod rules;
mod sessions;
mod setup;
mod verify;
