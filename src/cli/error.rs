//! What a command comes to: an exit status, or an error, which has one of its own.

use std::{error::Error, fmt};

use crate::desk::visible::visible;

/// The exit status of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything went well.
    Fine = 0,
    /// There are findings, failed tests or differences.
    Findings = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// A failure that is not the user's doing.
    Broke = 3,
}

/// Why a command could not do what it was asked. It is printed once, by [`super::main`].
///
/// `?` turns any error into [`CliError::Broke`]. So that this conversion is possible, the type is no `Error` itself.
#[derive(Debug)]
pub(crate) enum CliError {
    /// Wrong usage or configuration: what is wrong, and the way out. Printed on one line, with control characters escaped.
    Usage(String),
    /// Wrong usage or configuration, over several lines.
    Report(String),
    /// A failure that is not the user's doing.
    Broke(Box<dyn Error + Send + Sync>),
}

impl CliError {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Report(_) => Exit::Usage,
            Self::Broke(_) => Exit::Broke,
        }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) => f.write_str(&visible(message)),
            Self::Report(report) => f.write_str(report),
            Self::Broke(error) => f.write_str(&visible(&error.to_string())),
        }
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for CliError {
    fn from(error: E) -> Self {
        Self::Broke(error.into())
    }
}
