//! A model checker for the guarantees of docs/rules.md §1–3. It visits every reachable state of small models, which make their decisions
//! by the code that ships.
//!
//! The simulation beside it makes long random runs of the whole blacklist. This takes every step in every order, for a smaller part of it.
//! `KEYWARD_MODEL=large` visits larger models (`make model`).

#![cfg(test)]

mod lapse_claims;
mod report;
mod revocation;
mod revocation_claims;
mod rotation;
mod rotation_claims;
mod search;
