//! `/api/v1/admin`: who may what, and what it does.

mod audit;
mod audit_attacks;
mod keys_and_stats;
mod permissions;
mod users;
