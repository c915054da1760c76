//! The blacklist's keys and commands in a real Redis, over the connections of `auth-redis`.

mod connection;
mod connector;
mod keys;

pub(crate) use keys::PURPOSE;

pub use connector::RedisConnector;
