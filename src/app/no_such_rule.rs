//! The error for an unknown rule title.

use crate::{
    desk::text::fold,
    lang::{did_you_mean, nearest},
};

/// There is no rule of this kind with this title.
#[derive(Debug, thiserror::Error)]
#[error("unknown {kind} `{title}`{}", did_you_mean(.nearest.as_deref()))]
pub struct NoSuchRule {
    kind: &'static str,
    title: String,
    /// The most similar title, as a suggestion.
    nearest: Option<String>,
}

impl NoSuchRule {
    /// Finds the rule with this title, compared folded.
    pub(super) fn find<'r, T>(
        kind: &'static str,
        title: &str,
        rules: impl Iterator<Item = (&'r str, T)> + Clone,
    ) -> Result<T, Self> {
        let titles = rules.clone().map(|(title, _)| title);
        let folded = fold(title);
        match rules.clone().find(|(other, _)| fold(other) == folded) {
            Some((_, rule)) => Ok(rule),
            None => Err(Self { kind, title: title.to_owned(), nearest: nearest(title, titles).map(str::to_owned) }),
        }
    }
}
