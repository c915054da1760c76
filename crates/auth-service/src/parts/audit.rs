//! The seals of the audit log (docs/rules.md §9). A change writes its events. Once a second one of the nodes closes the new events
//! into a batch, whose authentication code (HMAC-SHA-256) covers them and the seal before. So a change, a removal and an insertion
//! can be detected.
//!
//! The key of the codes is created once and stored sealed with the master key: a new master key leaves the chain as it is. `verify`
//! checks the chain, and `prune` removes what is past its retention.

mod prune;
mod verify;

pub use verify::{ChainStart, ChainStatus};

use crate::parts::{
    admin::Admin,
    caller::Caller,
    entropy::{Entropy, random_bytes},
    failure::Failure,
    master_key::MasterKey,
};
use auth_domain::{
    audit::{AuditEvent, ChainHead, ChainPosition, Seal, SealFormat, sealed_bytes},
    time::{Span, Timestamp, age},
};
use auth_storage::{
    Storage,
    audit::{self, Signer as _},
};
use aws_lc_rs::hmac;
use std::sync::{Arc, Mutex, PoisonError};

/// The name of the setting that holds the key, sealed.
pub(crate) const AUDIT_KEY: &str = "audit_key";
/// The largest number of rows in a batch.
const BATCH: u32 = 250;
/// How many refused rows of one round are logged one by one; the others are counted.
const LOGGED_ROWS: usize = 10;
/// How often an alarm that persists is logged again.
const ALARM_INTERVAL: Span = Span::seconds(60);

/// The audit log and its chain of seals. All clones share what they remember.
#[derive(Clone)]
pub struct AuditLog {
    storage: Storage,
    signer: Arc<Signer>,
    memory: Arc<Mutex<Memory>>,
}

/// What this process remembers. A change of the database can't alter it.
#[derive(Default)]
struct Memory {
    /// The newest seal that a valid mark named.
    head: Option<ChainHead>,
    /// What is wrong with the log, and when that was last logged.
    alarm: Option<(&'static str, Timestamp)>,
}

/// Computes the authentication codes.
struct Signer(hmac::Key);

impl Signer {
    /// The code over the parts. The first part says what the code is for.
    fn over(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        let mut out = [0; 32];
        for (to, from) in out.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        out
    }

    /// The bytes, followed by their code.
    fn authenticated(&self, name: &[u8], body: &[u8]) -> Vec<u8> {
        [body, &self.over(&[name, body])].concat()
    }

    /// The bytes of a mark, if the code that follows them is valid.
    fn genuine<'a, const N: usize>(&self, name: &[u8], mark: &'a [u8]) -> Option<&'a [u8; N]> {
        let (body, code) = mark.split_first_chunk::<N>()?;
        let expected = self.over(&[name, body]);
        aws_lc_rs::constant_time::verify_slices_are_equal(code, &expected)
            .is_ok()
            .then_some(body)
    }

    /// The mark of the chain's beginning.
    fn floor_mark(&self, link: &ChainPosition) -> Vec<u8> {
        self.authenticated(
            b"floor",
            &[link.number.to_be_bytes().as_slice(), &link.mac].concat(),
        )
    }

    /// Where the chain begins; `None` if the mark was changed.
    fn floor(&self, mark: Option<&[u8]>) -> Option<ChainPosition> {
        let Some(mark) = mark else {
            return Some(ChainPosition::BEGINNING);
        };
        let (number, mac) = self.genuine::<40>(b"floor", mark)?.split_first_chunk::<8>()?;
        Some(ChainPosition {
            number: i64::from_be_bytes(*number),
            mac: mac.try_into().ok()?,
            format: None,
        })
    }

    /// Whether a batch continues the chain here, as it was sealed.
    fn check(&self, link: &ChainPosition, batch: &audit::SealedBatch) -> Result<(), (i64, &'static str)> {
        if batch.unreadable > 0 {
            return Err((link.number + 1, "a row fits no event"));
        }
        link.continued_by(&batch.seal, batch.events.len())?;
        let bytes = sealed_bytes(&batch.seal, &batch.events);
        hmac::verify(&self.0, &bytes, &batch.seal.mac)
            .map_err(|_| (batch.seal.number, "its rows or its seal were changed"))
    }
}

impl audit::Signer for Signer {
    fn code(&self, seal: &Seal, events: &[AuditEvent]) -> [u8; 32] {
        self.over(&[&sealed_bytes(seal, events)])
    }

    fn mark(&self, head: &ChainHead) -> Vec<u8> {
        self.authenticated(b"head", &head.bytes())
    }

    fn head(&self, mark: &[u8]) -> Option<ChainHead> {
        ChainHead::from_bytes(self.genuine(b"head", mark)?)
    }
}

impl AuditLog {
    /// Opens the log of this storage. Creates its key if there is none.
    ///
    /// # Errors
    /// A failure, among them a key that was sealed with another master key.
    pub async fn open(storage: Storage, master: &MasterKey, entropy: &dyn Entropy) -> Result<Self, Failure> {
        let sealed = match storage.setting(AUDIT_KEY).await? {
            Some(sealed) => sealed,
            None => {
                let fresh = master.seal(AUDIT_KEY, &random_bytes::<32>(entropy)?, entropy)?;
                storage.insert_setting(AUDIT_KEY, fresh.clone()).await?;
                // Another node may have been first.
                storage.setting(AUDIT_KEY).await?.unwrap_or(fresh)
            }
        };
        let key = master
            .open(AUDIT_KEY, &sealed)
            .map_err(|error| Failure::internal(format!("the audit log's key: {error}")))?;
        Ok(Self {
            storage,
            signer: Arc::new(Signer(hmac::Key::new(hmac::HMAC_SHA256, &key))),
            memory: Arc::default(),
        })
    }

    /// Checks that the chain still ends where it did, then seals what is not sealed yet. Returns the newest seal that it made.
    pub async fn seal(&self, now: Timestamp) -> Result<Option<Seal>, Failure> {
        // Read before the table, so that the table is never behind it.
        let remembered = self.memory().head;
        let standing = self.storage.audit_state().await?;
        self.watch(remembered, &standing, now).await?;
        let (mut newest, mut unsealed) = (None, standing.unsealed);
        // Checked first, because claiming the right to seal is a write.
        while unsealed > 0 {
            let round = self
                .storage
                .seal_audit(BATCH, now, Arc::<Signer>::clone(&self.signer))
                .await?;
            log_refused_rows(&round.refused);
            let Some(seal) = round.seal else { break };
            if seal.number == 1 {
                tracing::warn!(
                    event = "audit_chain_begun",
                    "the chain of the audit log begins with this seal: if this server is not new, an earlier chain was removed"
                );
            }
            newest = Some(seal);
            unsealed = self.storage.unsealed_audit().await?;
        }
        Ok(newest)
    }

    /// What is wrong with the log, as far as this process noticed.
    #[must_use]
    pub fn alarm(&self) -> Option<&'static str> {
        self.memory().alarm.map(|(what, _)| what)
    }

    /// Accepts the chain as it is: after a backup was restored, or after an investigation. Returns the newest seal.
    pub async fn accept(&self, admin: &Admin, caller: &Caller) -> Result<Option<Seal>, Failure> {
        let context = admin.change_context(caller)?;
        let signer = Arc::<Signer>::clone(&self.signer);
        Ok(self.storage.accept_audit(signer, context).await?)
    }

    /// Compares the table with the newest known seal: the one that this process remembers, or the one that any node recorded in the
    /// mark.
    async fn watch(
        &self,
        remembered: Option<ChainHead>,
        standing: &audit::LogState,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let marked = standing.mark.as_deref().and_then(|mark| self.signer.head(mark));
        let head = [remembered, marked]
            .into_iter()
            .flatten()
            .reduce(ChainHead::later);
        let wrong = match head {
            Some(head) => self.departure(&head, standing).await?,
            None => self.missing(standing).await?,
        };
        // The mark only moves forward, and is never removed.
        let changed = marked != head || (standing.mark.is_some() && marked.is_none());
        self.update_alarm(wrong.or(changed.then_some(MARK_CHANGED)), now);
        let Some(head) = head else { return Ok(()) };
        if marked != Some(head) {
            // What this process remembers is stored where other nodes and `keyward audit verify` find it.
            self.storage
                .keep_audit_head(standing.mark.clone(), self.signer.mark(&head))
                .await?;
        }
        let mut memory = self.memory();
        memory.head = Some(memory.head.map_or(head, |known| known.later(head)));
        Ok(())
    }

    /// Whether the mark is missing: the first seal of the new format writes one.
    async fn missing(&self, standing: &audit::LogState) -> Result<Option<&'static str>, Failure> {
        let newest = standing.newest.as_ref();
        if newest.is_none_or(|seal| seal.format == SealFormat::First) {
            return Ok(None);
        }
        // That seal may have been made after the mark was read.
        let there = self.storage.setting(audit::HEAD).await?.is_some();
        Ok((!there).then_some(MARK_REMOVED))
    }

    /// How the table differs from a known head.
    async fn departure(
        &self,
        head: &ChainHead,
        standing: &audit::LogState,
    ) -> Result<Option<&'static str>, Failure> {
        if head.is_of(standing.newest.as_ref()) || head.number == 0 {
            return Ok(None);
        }
        if standing
            .newest
            .as_ref()
            .is_none_or(|newest| newest.number < head.number)
        {
            return Ok(Some(WENT_BACK));
        }
        let there = self.storage.seal_of(head.number).await?;
        let same = match there {
            Some(seal) => seal.mac == head.mac,
            // Other nodes may have sealed and pruned in the meantime.
            None => {
                let mark = self.storage.setting(audit::FLOOR).await?;
                let floor = self.signer.floor(mark.as_deref());
                floor.is_some_and(|floor| floor.number >= head.number)
            }
        };
        Ok((!same).then_some(BEGAN_ANEW))
    }

    /// Logs what is wrong: at once, and then once a minute.
    fn update_alarm(&self, wrong: Option<&'static str>, now: Timestamp) {
        let mut memory = self.memory();
        let said = memory.alarm;
        memory.alarm = match (wrong, said) {
            (None, _) => None,
            (Some(what), Some((before, at))) if what == before && age(at, now) < ALARM_INTERVAL => said,
            (Some(what), _) => {
                tracing::error!(
                    event = "audit_alarm",
                    what,
                    "the audit log was tampered with or restored: see `keyward audit verify`"
                );
                Some((what, now))
            }
        };
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const WENT_BACK: &str = "the chain went back: a later seal was there before";
const BEGAN_ANEW: &str = "the chain began anew: another seal of this number was there before";
const MARK_CHANGED: &str = "the mark of the newest seal was changed";
const MARK_REMOVED: &str = "the mark of the newest seal was removed";

/// Logs the rows that no seal covers: the first of them, and how many there are.
fn log_refused_rows(rows: &[audit::RefusedRow]) {
    for row in rows.iter().take(LOGGED_ROWS) {
        tracing::error!(
            event = "audit_row_refused",
            row = %row.id,
            why = %row.why,
            "a row of the audit log can't be sealed"
        );
    }
    if rows.len() > LOGGED_ROWS {
        let count = rows.len();
        tracing::error!(
            event = "audit_rows_refused",
            count,
            "rows of the audit log can't be sealed"
        );
    }
}
