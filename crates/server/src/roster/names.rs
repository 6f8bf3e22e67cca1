//! Names of environments as small numbers.

use std::sync::{Arc, PoisonError, RwLock};

#[derive(Default)]
pub(super) struct Names(RwLock<Vec<Arc<str>>>);

impl Names {
    /// The number of a name, given to it where it has none.
    pub(super) fn number(&self, name: &str) -> u16 {
        let find = |names: &[Arc<str>]| names.iter().position(|known| &**known == name);
        let known = find(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        if let Some(position) = known {
            return position as u16;
        }
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let position = find(&names).unwrap_or_else(|| {
            names.push(name.into());
            names.len() - 1
        });
        position as u16
    }

    pub(super) fn name(&self, number: u16) -> Arc<str> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)[usize::from(number)])
    }
}
