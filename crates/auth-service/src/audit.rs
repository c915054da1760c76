//! The audit log's seals (behaviour.md §9). Rows are written by their causes; once a second whoever comes first closes the new
//! ones into a batch, whose code covers them and the seal before. What is changed, removed or put in between then shows.
//!
//! The key of the codes is made once and kept sealed with the master key: a new master key leaves the chain as it was.

use crate::{
    admin::Admin,
    authenticate::Principal,
    error::Error,
    master_key::MasterKey,
    moment::{Caller, Entropy, chance},
    service::Service,
    sessions::PageRequest,
};
use auth_domain::{
    audit::{AuditEvent, Seal, sealed_bytes},
    ids::UserId,
    time::Timestamp,
};
use auth_storage::{AUDIT_FLOOR, AuditFilter, SealMac, Storage, StorageError};
use aws_lc_rs::hmac;
use std::sync::Arc;

/// The name of the setting that holds the key, sealed.
pub(crate) const AUDIT_KEY: &str = "audit_key";
/// How many rows a batch has at most.
const BATCH: u32 = 1_000;
/// How many rows one transaction removes: some milliseconds' worth.
const PRUNED: u32 = 75;

/// The chain of seals.
#[derive(Clone)]
pub struct AuditLog {
    storage: Storage,
    key: hmac::Key,
}

/// What a walk along the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chain {
    /// Every batch is as it was sealed.
    Whole {
        /// How many batches were looked at.
        batches: u64,
        /// How many events.
        events: u64,
        /// How many events no seal covers yet.
        unsealed: u64,
        /// The newest seal.
        head: Option<Seal>,
    },
    /// The head that was given is older than what is kept: it shows nothing.
    HeadPruned {
        /// The last batch that was removed.
        up_to: i64,
    },
    /// The first batch that is not.
    Broken {
        /// Its number.
        batch: i64,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl AuditLog {
    /// The log of this storage; makes its key if there is none.
    ///
    /// # Errors
    /// A failure, among them a key that was sealed with another master key.
    pub async fn open(storage: Storage, master: &MasterKey, entropy: &dyn Entropy) -> Result<Self, Error> {
        let sealed = match storage.setting(AUDIT_KEY).await? {
            Some(sealed) => sealed,
            None => {
                let fresh = master.seal(AUDIT_KEY, &chance::<32>(entropy)?, entropy)?;
                storage.insert_setting(AUDIT_KEY, fresh.clone()).await?;
                // Another node may have been first.
                storage.setting(AUDIT_KEY).await?.unwrap_or(fresh)
            }
        };
        let key = master
            .open(AUDIT_KEY, &sealed)
            .map_err(|error| Error::Internal(format!("the audit log's key: {error}")))?;
        Ok(Self {
            storage,
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
        })
    }

    /// Closes what is not sealed yet. Answers the newest seal that it made.
    ///
    /// # Errors
    /// A failure.
    pub async fn seal(&self, now: Timestamp) -> Result<Option<Seal>, Error> {
        let mut newest = None;
        // Looked at first: a claim on the right to seal is a write.
        while self.storage.unsealed_audit().await? > 0 {
            let key = self.key.clone();
            let mac: SealMac = Arc::new(move |number, previous, events| code(&key, number, previous, events));
            match self.storage.seal_audit(BATCH, now, mac).await? {
                Some(seal) => newest = Some(seal),
                None => break,
            }
        }
        Ok(newest)
    }

    /// Walks the chain from where it begins. With a head (a number and its code, as the log of a server has them) a tail that
    /// was cut shows, too.
    ///
    /// # Errors
    /// A failure.
    pub async fn verify(&self, head: Option<(i64, [u8; 32])>) -> Result<Chain, Error> {
        let broken = |batch, what| Ok(Chain::Broken { batch, what });
        let Some((mut number, mut previous)) = self.floor().await? else {
            return broken(0, "where the chain begins was changed");
        };
        if head.is_some_and(|(wanted, _)| wanted <= number) {
            return Ok(Chain::HeadPruned { up_to: number });
        }
        let (mut batches, mut events, mut newest) = (0, 0, None);
        loop {
            let next = match self.storage.audit_batch_after(number).await {
                Ok(Some(next)) => next,
                Ok(None) => break,
                Err(StorageError::Corrupt { .. }) => return broken(number + 1, "a row fits no event"),
                Err(error) => return Err(error.into()),
            };
            let seal = next.seal;
            if seal.number != number + 1 {
                return broken(number + 1, "its seal is missing");
            }
            if seal.previous != previous {
                return broken(seal.number, "it does not follow the batch before it");
            }
            if seal.count != next.events.len() as i64 {
                return broken(seal.number, "rows were removed or put in");
            }
            let bytes = sealed_bytes(seal.number, &previous, &next.events);
            if hmac::verify(&self.key, &bytes, &seal.mac).is_err() {
                return broken(seal.number, "its rows or its seal were changed");
            }
            if head.is_some_and(|(wanted, mac)| wanted == seal.number && mac != seal.mac) {
                return broken(seal.number, "its seal is not the one that was given");
            }
            batches += 1;
            events += next.events.len() as u64;
            (number, previous) = (seal.number, seal.mac);
            newest = Some(seal);
        }
        if head.is_some_and(|(wanted, _)| wanted > number) {
            return broken(number + 1, "the tail of the chain was cut");
        }
        if let Some(stray) = self.storage.stray_audit_batch().await? {
            return broken(stray, "rows name it, and it has no seal");
        }
        Ok(Chain::Whole {
            batches,
            events,
            unsealed: self.storage.unsealed_audit().await?,
            head: newest,
        })
    }

    /// Removes whole batches that were sealed before a moment, some rows a transaction, and writes down where the chain begins
    /// from now on. Answers whether nothing is left to remove.
    ///
    /// # Errors
    /// A failure.
    pub(crate) async fn prune(
        &self,
        before: Timestamp,
        admin: &Admin,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let Some(seal) = self.storage.newest_seal_before(before).await? else {
            return Ok(true);
        };
        let mark = self.mark(seal.number, &seal.mac);
        let terms = admin.terms(&Caller::service(now))?;
        Ok(self.storage.prune_audit(seal.number, mark, PRUNED, terms).await?)
    }

    /// The number and code that the first batch follows; `None` if what says so was changed.
    async fn floor(&self) -> Result<Option<(i64, [u8; 32])>, Error> {
        let Some(mark) = self.storage.setting(AUDIT_FLOOR).await? else {
            return Ok(Some((0, [0; 32])));
        };
        let Some((number, rest)) = mark.split_first_chunk::<8>() else {
            return Ok(None);
        };
        let Some((mac, _)) = rest.split_first_chunk::<32>() else {
            return Ok(None);
        };
        let number = i64::from_be_bytes(*number);
        let genuine = self.mark(number, mac);
        Ok(aws_lc_rs::constant_time::verify_slices_are_equal(&mark, &genuine)
            .is_ok()
            .then_some((number, *mac)))
    }

    fn mark(&self, number: i64, mac: &[u8; 32]) -> Vec<u8> {
        let body = [number.to_be_bytes().as_slice(), mac].concat();
        let code = hmac::sign(&self.key, &[b"floor".as_slice(), &body].concat());
        [&body, code.as_ref()].concat()
    }
}

fn code(key: &hmac::Key, number: i64, previous: &[u8; 32], events: &[AuditEvent]) -> [u8; 32] {
    let mut out = [0; 32];
    let tag = hmac::sign(key, &sealed_bytes(number, previous, events));
    for (to, from) in out.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    out
}

impl Service {
    /// What concerns the caller, newest first; not what it did to others.
    ///
    /// # Errors
    /// A failure.
    pub async fn own_events(
        &self,
        principal: &Principal,
        page: PageRequest,
    ) -> Result<Vec<AuditEvent>, Error> {
        self.events_of(principal.user(), page).await
    }

    /// What concerns a user, newest first; not what it did to others.
    ///
    /// # Errors
    /// A failure.
    pub async fn events_of(&self, id: UserId, page: PageRequest) -> Result<Vec<AuditEvent>, Error> {
        let about_it = AuditFilter {
            subject: Some(id),
            ..AuditFilter::default()
        };
        self.admin().audit(about_it, page).await
    }
}

impl Admin {
    /// A part of the audit log, newest first.
    ///
    /// # Errors
    /// A failure.
    pub async fn audit(&self, filter: AuditFilter, page: PageRequest) -> Result<Vec<AuditEvent>, Error> {
        Ok(self.storage().audit(filter, page.into()).await?)
    }
}
