//! Who is to be looked at. Waking twice is waking once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Executions that woke up, and the bell of the outbox. Cheap to clone.
#[derive(Clone, Default)]
pub struct Wakes(Arc<Inner>);

#[derive(Default)]
struct Inner {
    executions: Mutex<BTreeSet<i64>>,
    driver: Notify,
    outbox: Notify,
}

impl Wakes {
    /// Has these executions looked at soon.
    pub fn wake(&self, executions: impl IntoIterator<Item = i64>) {
        let mut waiting = self
            .0
            .executions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        waiting.extend(executions);
        if !waiting.is_empty() {
            self.0.driver.notify_one();
        }
    }

    /// Says that something lies in the outbox.
    pub fn told(&self) {
        self.0.outbox.notify_one();
    }

    /// Returns when something was put into the outbox since the last time.
    pub async fn outbox_filled(&self) {
        self.0.outbox.notified().await;
    }

    pub(super) async fn woken(&self) {
        self.0.driver.notified().await;
    }

    /// Who is to be looked at; they are waiting no longer.
    #[must_use]
    pub fn take(&self) -> BTreeSet<i64> {
        std::mem::take(
            &mut *self
                .0
                .executions
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}
