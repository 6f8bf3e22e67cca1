//! Stands in for `fault` in the program itself: nothing is counted and nothing fails.

use crate::StoreError;

/// No faults.
#[derive(Debug, Default)]
pub(crate) struct Faults {}

impl Faults {
    pub(crate) const fn begin(&self) -> Result<(), StoreError> {
        Ok(())
    }

    pub(crate) const fn statement(&self) -> Result<(), StoreError> {
        Ok(())
    }

    pub(crate) const fn before_commit(&self) -> Result<(), StoreError> {
        Ok(())
    }

    pub(crate) const fn after_commit(&self) -> Result<(), StoreError> {
        Ok(())
    }

    pub(crate) fn outcome<T, E>(&self, done: Result<T, E>) -> Result<T, E> {
        done
    }
}
