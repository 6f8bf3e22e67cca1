//! Public ids: a word for the kind and a time-ordered random part.

use fleetward_core::Timestamp;
use rand::TryRng as _;

/// A new id such as `plan_0198c2f4a1b2_9f3c61d2`.
pub(crate) fn new_id(kind: &str, now: Timestamp) -> String {
    let mut random = [0u8; 5];
    rand::rngs::SysRng
        .try_fill_bytes(&mut random)
        .expect("the operating system gives random bytes");
    format!(
        "{kind}_{:011x}{}",
        now.as_millisecond(),
        hex::encode(random)
    )
}
