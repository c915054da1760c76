//! The promises of docs/rules.md §1–3, checked in every state that small sizes can get into, over the product's own decisions.
//!
//! The simulation beside this plays long runs of the whole machinery, by chance; this takes every step in every order, of
//! less machinery. `KEYWARD_MODEL=large` walks larger sizes (`make model`).

#![cfg(test)]

mod lapse_claims;
mod report;
mod revocation;
mod revocation_claims;
mod rotation;
mod rotation_claims;
mod search;
