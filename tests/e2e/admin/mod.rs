//! `/api/v1/admin`: the permission that each route needs, and what each route does.

mod audit;
mod audit_attacks;
mod keys_and_stats;
mod permissions;
mod users;
