//! Where a command finds its rules.

use std::{path::PathBuf, sync::Arc};

use clap::Args;

use super::CliError;
use crate::lang::{self, rules::Rules};

/// The rules a command works with.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// Rule files, or directories that hold them.
    #[arg(default_value = "rules")]
    paths: Vec<PathBuf>,
    /// The declarations; without it, `twite.toml` beside the rules or one directory above.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Source {
    /// The rules; where anything is wrong with them, everything that is.
    pub(crate) fn load(&self) -> Result<Arc<Rules>, CliError> {
        let loaded = lang::load(&self.paths, self.config.as_deref());
        match &loaded.rules {
            Some(rules) => Ok(Arc::clone(rules)),
            None => {
                Err(CliError::Usage(format!("the rules cannot be used\n\n{}{}", loaded.report(), loaded.summary())))
            }
        }
    }
}
