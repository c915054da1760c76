//! Verification of the chain of seals: whether the kept events are the ones that were sealed, and whether none is missing.

use super::{AuditLog, BEGAN_ANEW, MARK_CHANGED, MARK_REMOVED, WENT_BACK};
use crate::parts::failure::Failure;
use auth_domain::{
    audit::{ChainPosition, LONGEST_WRITE, Seal, SealFormat},
    time::{Timestamp, after},
};
use auth_storage::{
    StorageError,
    audit::{self, Signer as _},
};

/// How often the chain is walked, if pruning or a first seal changed it during a walk.
const WALKS: u8 = 3;

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainStatus {
    /// Every batch is as it was sealed.
    Intact {
        /// How many batches were verified.
        batches: u64,
        /// How many events.
        events: u64,
        /// How many events no seal covers yet.
        unsealed: u64,
        /// The newest seal.
        head: Option<Seal>,
        /// How the chain begins, if its first seal is still kept.
        beginning: Option<ChainStart>,
    },
    /// The given head is older than the kept batches: it proves nothing.
    HeadPruned {
        /// The last batch that was removed.
        up_to: i64,
    },
    /// A batch is not as it was sealed: the first one.
    Broken {
        /// Its number.
        batch: i64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The batches are as they were sealed, but there are rows that can't be sealed: they were not written at the time that they
    /// state, or they can't be read.
    Refused {
        /// How many.
        count: u64,
        /// The ids of the first of them.
        ids: Vec<String>,
    },
    /// The batches are as they were sealed, but rows have waited for their seal for longer than a running server allows.
    Overdue {
        /// How many.
        count: u64,
    },
}

/// How a chain begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainStart {
    /// When its first seal was made.
    pub at: Timestamp,
    /// The time of the oldest row under that seal.
    pub oldest: Timestamp,
}

impl ChainStart {
    /// Whether rows are older than a first seal allows. That happens where commands were run before the first start, and where a
    /// chain was removed and a new one begun.
    #[must_use]
    pub fn is_late(&self) -> bool {
        after(self.oldest, LONGEST_WRITE) < self.at
    }
}

/// The figures of a chain that was walked to its end.
struct Walked {
    batches: u64,
    events: u64,
    newest: Option<Seal>,
    beginning: Option<ChainStart>,
}

impl AuditLog {
    /// Walks the chain from its beginning. With a head (a number and its code, from the log of a server) it also detects a tail
    /// that was removed while no server ran.
    pub async fn verify(
        &self,
        head: Option<(i64, [u8; 32])>,
        now: Timestamp,
    ) -> Result<ChainStatus, Failure> {
        let mut marks = self.marks().await?;
        let mut found = self.walk(head, &marks, now).await?;
        for _ in 1..WALKS {
            if !matches!(found, ChainStatus::Broken { .. }) {
                break;
            }
            let anew = self.marks().await?;
            if anew == marks {
                break;
            }
            marks = anew;
            found = self.walk(head, &marks, now).await?;
        }
        Ok(found)
    }

    /// The marks of the chain's end and beginning.
    async fn marks(&self) -> Result<(Option<Vec<u8>>, Option<Vec<u8>>), Failure> {
        let head = self.storage.setting(audit::HEAD).await?;
        Ok((head, self.storage.setting(audit::FLOOR).await?))
    }

    async fn walk(
        &self,
        head: Option<(i64, [u8; 32])>,
        marks: &(Option<Vec<u8>>, Option<Vec<u8>>),
        now: Timestamp,
    ) -> Result<ChainStatus, Failure> {
        let (mark, floor_mark) = marks;
        let Some(floor) = self.signer.floor(floor_mark.as_deref()) else {
            return Ok(broken((0, "where the chain begins was changed")));
        };
        if head.is_some_and(|(wanted, _)| wanted <= floor.number) {
            return Ok(ChainStatus::HeadPruned { up_to: floor.number });
        }
        let walked = match self.along(floor, head, mark.as_deref()).await? {
            Ok(walked) => walked,
            Err(found) => return Ok(broken(found)),
        };
        if let Some(stray) = self.storage.stray_audit_batch(floor.number).await? {
            return Ok(broken((stray, "rows belong to it, and it has no seal")));
        }
        let refused = self.storage.refused_audit().await?;
        if refused.count > 0 {
            return Ok(ChainStatus::Refused {
                count: refused.count,
                ids: refused.ids,
            });
        }
        let overdue = self.storage.unsealed_audit_before(now - LONGEST_WRITE).await?;
        if overdue > 0 {
            return Ok(ChainStatus::Overdue { count: overdue });
        }
        Ok(ChainStatus::Intact {
            batches: walked.batches,
            events: walked.events,
            unsealed: self.storage.unsealed_audit().await?,
            head: walked.newest,
            beginning: walked.beginning,
        })
    }

    /// Walks batch by batch to the end, or to the first batch that is not as it was sealed.
    async fn along(
        &self,
        floor: ChainPosition,
        given: Option<(i64, [u8; 32])>,
        mark: Option<&[u8]>,
    ) -> Result<Result<Walked, (i64, &'static str)>, Failure> {
        let marked = match mark.map(|mark| self.signer.head(mark)) {
            Some(None) => return Ok(Err((floor.number + 1, MARK_CHANGED))),
            Some(marked) => marked.filter(|marked| marked.number > 0),
            None => None,
        };
        if let Some(marked) = marked.filter(|marked| marked.number <= floor.number) {
            return Ok(Err((marked.number, WENT_BACK)));
        }
        let mut walked = Walked {
            batches: 0,
            events: 0,
            newest: None,
            beginning: None,
        };
        let mut link = floor;
        loop {
            let next = match self.storage.audit_batch_after(link.number).await {
                Ok(Some(next)) => next,
                Ok(None) => break,
                Err(StorageError::Corrupt { .. }) => {
                    return Ok(Err((link.number + 1, "its seal can't be read")));
                }
                Err(error) => return Err(error.into()),
            };
            if let Err(found) = self.signer.check(&link, &next) {
                return Ok(Err(found));
            }
            let seal = next.seal;
            if given.is_some_and(|(wanted, mac)| wanted == seal.number && mac != seal.mac) {
                return Ok(Err((seal.number, "its seal is not the one that was given")));
            }
            if marked.is_some_and(|marked| marked.number == seal.number && marked.mac != seal.mac) {
                return Ok(Err((seal.number, BEGAN_ANEW)));
            }
            if seal.number == 1 {
                let oldest = next.events.iter().map(|event| event.at).min();
                walked.beginning = oldest.map(|oldest| ChainStart {
                    at: seal.sealed_at,
                    oldest,
                });
            }
            walked.batches += 1;
            walked.events += next.events.len() as u64;
            link = ChainPosition::of(&seal);
            walked.newest = Some(seal);
        }
        if given.is_some_and(|(wanted, _)| wanted > link.number) {
            return Ok(Err((link.number + 1, "the tail of the chain was cut")));
        }
        if marked.is_some_and(|marked| marked.number > link.number) {
            return Ok(Err((link.number + 1, WENT_BACK)));
        }
        if walked.newest.is_none() && floor.number > 0 {
            // Pruning leaves the newest seal.
            return Ok(Err((floor.number + 1, "its seal is missing")));
        }
        if mark.is_none() && link.format.is_some_and(|format| format != SealFormat::First) {
            return Ok(Err((link.number, MARK_REMOVED)));
        }
        Ok(Ok(walked))
    }
}

fn broken((batch, what): (i64, &'static str)) -> ChainStatus {
    ChainStatus::Broken { batch, what }
}
