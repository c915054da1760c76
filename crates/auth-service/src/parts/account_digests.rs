//! The digests by which the limits count accounts. They are keyed, so that Redis does not reveal the address.

use crate::parts::{
    failure::Failure,
    master_key::{MasterKey, Purpose},
    tokens::sha256,
};
use aws_lc_rs::hmac;

/// Derives the digest of an address with a key.
pub(crate) struct AccountDigests(hmac::Key);

impl AccountDigests {
    pub(crate) fn new(master: &MasterKey) -> Result<Self, Failure> {
        Ok(Self(master.hmac_key(Purpose::Limits)?))
    }

    pub(crate) fn of(&self, address: &str) -> [u8; 32] {
        sha256(hmac::sign(&self.0, address.as_bytes()).as_ref())
    }
}
