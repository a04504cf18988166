//! The live rules and settings, as one value.

use std::sync::Arc;

use crate::{engine::RuleSet, settings::Settings};

/// The live rules, with the settings from the same files.
#[derive(Debug, Clone)]
pub(crate) struct Configuration {
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) settings: Arc<Settings>,
}
