//! The real Redis: what the blacklist keeps there, over the connections of `auth-redis`.

mod connection;
mod connector;
mod keys;

pub(crate) use keys::PURPOSE;

pub use connector::RedisConnector;
