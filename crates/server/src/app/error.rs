//! Why a use case did not happen. What to do next is part of each.

use fleetward_core::engine::Refusal;
use fleetward_store::StoreError;

use crate::auth::{Right, Role};
use crate::driver::DriveError;

/// Why a use case did not happen.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The role lacks the right.
    #[error("the role {role} may not do this (it takes the right `{right:?}`)")]
    Forbidden {
        /// Who tried.
        role: Role,
        /// What it takes.
        right: Right,
    },
    /// There is no such thing.
    #[error("there is no {kind} `{id}`")]
    NotFound {
        /// What kind of thing.
        kind: &'static str,
        /// What it was called.
        id: String,
    },
    /// The request's values can't be.
    #[error("the request can't be carried out: {}", fields(.0))]
    Invalid(Vec<Problem>),
    /// The thing is not in a state for this.
    #[error("{detail}")]
    Conflict {
        /// A word for programs.
        code: &'static str,
        /// What is in the way, and what to do.
        detail: String,
    },
    /// A change must say what it changes.
    #[error("say which revision you change: send its `ETag` as `If-Match`")]
    Unconditional,
    /// The caller saw another revision than there is.
    #[error(
        "the plan changed since you read it (it is at revision {revision} now): read it again and repeat the change"
    )]
    Stale {
        /// The revision that there is.
        revision: u32,
    },
    /// The image is refused.
    #[error("{detail}")]
    BadImage {
        /// A word for programs.
        code: &'static str,
        /// What is wrong with it, where, and what to do.
        detail: String,
    },
    /// The key was used before for another request.
    #[error("this Idempotency-Key was used for another request: use a new key for each request")]
    KeyReused,
    /// The engine refused a command.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file system failed.
    #[error("the image store failed: {0}")]
    Files(#[from] std::io::Error),
}

/// One value that can't be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl AppError {
    pub(crate) fn not_found(kind: &'static str, id: &str) -> Self {
        Self::NotFound {
            kind,
            id: id.to_owned(),
        }
    }

    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem {
            field: field.to_owned(),
            message: message.into(),
        }])
    }

    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict {
            code,
            detail: detail.into(),
        }
    }
}

impl From<DriveError> for AppError {
    fn from(error: DriveError) -> Self {
        match error {
            DriveError::Refused(refusal) => Self::Refused(refusal),
            DriveError::Store(error) => Self::Store(error),
        }
    }
}

fn fields(problems: &[Problem]) -> String {
    let each = problems
        .iter()
        .map(|p| format!("{}: {}", p.field, p.message));
    each.collect::<Vec<_>>().join("; ")
}
