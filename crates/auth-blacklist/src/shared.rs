//! The node's copy between its tasks. Readers hold the lock for three look-ups, writers for a bounded portion.

use crate::copy::LocalCopy;
use auth_domain::time::Span;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

#[derive(Debug, Default)]
pub(crate) struct Shared {
    copy: RwLock<LocalCopy>,
    offset: RwLock<Option<Span>>,
}

impl Shared {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, LocalCopy> {
        // A panic while it was held left whole entries at worst too few in the copy, never wrong ones, and no read completed.
        self.copy.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, LocalCopy> {
        self.copy.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_offset(&self, offset: Span) {
        *self.offset.write().unwrap_or_else(PoisonError::into_inner) = Some(offset);
    }

    pub(crate) fn offset(&self) -> Option<Span> {
        *self.offset.read().unwrap_or_else(PoisonError::into_inner)
    }
}
