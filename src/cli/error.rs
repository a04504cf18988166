//! Exit statuses and errors of commands.

use std::{error::Error, fmt};

use crate::desk::visible::visible;

/// The exit status of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Success.
    Fine = 0,
    /// There are findings, failed tests or differences.
    Findings = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// Any other failure, such as an I/O error.
    Broke = 3,
}

/// An error that ends a command. It is printed once, by [`super::main`].
///
/// `?` converts any error to [`CliError::Broke`]. That conversion requires that this type does not implement `Error`.
#[derive(Debug)]
pub(crate) enum CliError {
    /// Wrong usage or configuration: what is wrong, and what to do. Printed on one line, control characters escaped.
    Usage(String),
    /// Wrong usage or configuration, over several lines.
    Report(String),
    /// Any other failure, such as an I/O error.
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
