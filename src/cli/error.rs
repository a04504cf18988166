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
    /// Something broke that was not the user's doing.
    Broke = 3,
}

/// Why a command could not do what it was asked. It is printed once, by [`super::main`].
///
/// Any error of a library becomes [`CliError::Broke`] by `?`; which is why this type is none itself.
#[derive(Debug)]
pub(crate) enum CliError {
    /// Wrong usage or configuration: what is wrong, and the way out, in one line whatever was given.
    Usage(String),
    /// The same over several lines, made for people.
    Report(String),
    /// Something broke.
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
