//! What is live.

use std::sync::Arc;

use crate::{engine::RuleSet, settings::Settings};

/// The live rules, and the settings of the same files.
#[derive(Debug, Clone)]
pub(crate) struct Configuration {
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) settings: Arc<Settings>,
}
