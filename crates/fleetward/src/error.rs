//! How a command ends: the error that people read, and the only map from endings to exit codes.

use std::fmt;
use std::process::ExitCode;

/// The exit codes as the help shows them. They are stable: scripts may rely on them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
   0  success; with --wait: the execution ended as the command asked for
   1  something unexpected inside this program
   2  the command line cannot be understood
   3  the configuration is invalid
   4  the server refused the request
   5  the server cannot be reached or has an error of its own
  10  the execution waits for an operator
  11  the execution was rolled back
  12  the execution was rolled back, and some devices did not go back
  13  the execution was cancelled
  14  --timeout passed before the execution ended
  15  the execution ended without a device: none was to be updated when its time came";

/// What a command that did its work came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All is well.
    Done,
    /// The execution waits for an operator.
    Halted,
    /// The execution went back.
    RolledBack,
    /// The execution went back, but not every device did.
    RollbackIncomplete,
    /// The execution was called off.
    Cancelled,
    /// The time to wait was over first.
    TimedOut,
    /// When its time came, no device was to be updated.
    NoDevices,
}

/// Why a command did not do its work.
#[derive(Debug)]
pub(crate) struct CliError {
    kind: ErrorKind,
    message: String,
    hints: Vec<String>,
}

/// The layer that an error comes from; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// A mistake in this program, or a machine that does not let it work.
    Internal,
    /// The command line asks for something that makes no sense.
    Usage,
    /// A configuration is invalid.
    Config,
    /// The server said no.
    Refused,
    /// The server knows no such thing.
    Missing,
    /// No server answers, or it has an error of its own.
    Network,
    /// Nobody reads the output any more.
    ClosedPipe,
}

impl CliError {
    /// An error of this kind; the message says what happened and to what.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// A mistake in this program, or a machine that does not let it work.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// A command line that makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds what to do where the server knows no such thing and had no advice of its own.
    pub(crate) fn hint_if_missing(self, hint: impl Into<String>) -> Self {
        if self.kind == ErrorKind::Missing && self.hints.is_empty() {
            self.hint(hint)
        } else {
            self
        }
    }

    /// The layer that it comes from.
    pub(crate) const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The exit code that scripts see.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            ErrorKind::ClosedPipe => 0,
            ErrorKind::Internal => 1,
            ErrorKind::Usage => 2,
            ErrorKind::Config => 3,
            ErrorKind::Refused | ErrorKind::Missing => 4,
            ErrorKind::Network => 5,
        })
    }
}

impl Ending {
    /// The exit code that scripts see.
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Halted => 10,
            Self::RolledBack => 11,
            Self::RollbackIncomplete => 12,
            Self::Cancelled => 13,
            Self::TimedOut => 14,
            Self::NoDevices => 15,
        })
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        self.hints
            .iter()
            .try_for_each(|hint| write!(f, "\n  hint: {hint}"))
    }
}

impl std::error::Error for CliError {}

#[cfg(test)]
mod tests {
    use super::{CliError, ErrorKind};

    #[test]
    fn advice_of_the_server_comes_before_ours() {
        let missing = || CliError::new(ErrorKind::Missing, "there is no plan `p`");
        let ours = missing().hint_if_missing("list them").to_string();
        assert_eq!(ours, "error: there is no plan `p`\n  hint: list them");
        let theirs = missing()
            .hint("look again")
            .hint_if_missing("list them")
            .to_string();
        assert_eq!(theirs, "error: there is no plan `p`\n  hint: look again");
        let refused = CliError::new(ErrorKind::Refused, "no").hint_if_missing("list them");
        assert_eq!(refused.to_string(), "error: no");
    }
}
