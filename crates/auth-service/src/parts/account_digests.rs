//! The names of accounts in the counters of the limits: keyed digests, so that the address can't be read from Redis.

use crate::parts::{
    failure::Failure,
    master_key::{MasterKey, Purpose},
    tokens::sha256,
};
use aws_lc_rs::hmac;

/// Names accounts for the counters by a code of their address.
pub(crate) struct AccountDigests(hmac::Key);

impl AccountDigests {
    pub(crate) fn new(master: &MasterKey) -> Result<Self, Failure> {
        Ok(Self(master.hmac_key(Purpose::Limits)?))
    }

    pub(crate) fn of(&self, address: &str) -> [u8; 32] {
        sha256(hmac::sign(&self.0, address.as_bytes()).as_ref())
    }
}
