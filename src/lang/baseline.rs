//! Baselines: findings that are accepted for now, so that `check` reports only new ones.
//!
//! A finding is known again by its fingerprint, which survives moved lines. Errors are never accepted.

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{
    diagnostic::{Diagnostic, Severity},
    render::Named,
    span::SourceSet,
};

/// The version of the format.
const VERSION: u32 = 1;

/// A baseline, as it is written to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    version: u32,
    findings: BTreeSet<Accepted>,
}

/// An accepted finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Accepted {
    /// The file, relative to the root of the repository.
    pub file: String,
    /// The code.
    pub code: String,
    /// The message.
    pub message: String,
    /// What it is known by: a hash of the code, the file, the message and the text of the line.
    fingerprint: String,
}

/// Findings beside a baseline.
#[derive(Debug)]
pub struct Compared {
    /// The findings that are not accepted.
    pub new: Vec<Diagnostic>,
    /// The accepted findings that are no longer found.
    pub mended: Vec<Accepted>,
    /// The baseline after this check: with the new findings, without the mended ones.
    pub next: Baseline,
}

impl Default for Baseline {
    fn default() -> Self {
        Self { version: VERSION, findings: BTreeSet::new() }
    }
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(text: &str) -> Result<Self, String> {
        let baseline: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match baseline.version {
            VERSION => Ok(baseline),
            other => Err(format!("version {other} of the format is not known; this is version {VERSION}")),
        }
    }

    /// As it is written to a file: JSON with one finding a line, so that changes are easy to merge.
    pub fn written(&self) -> String {
        let findings: Vec<_> = self.findings.iter().filter_map(|finding| serde_json::to_string(finding).ok()).collect();
        let lines = if findings.is_empty() { String::new() } else { format!("\n    {}\n  ", findings.join(",\n    ")) };
        format!("{{\n  \"version\": {VERSION},\n  \"findings\": [{lines}]\n}}\n")
    }

    /// Number of accepted findings.
    pub fn count(&self) -> usize {
        self.findings.len()
    }

    /// Compares findings with the baseline. Accepted findings of files that were not checked stay accepted, as long as
    /// the files exist. Relative names start from `directory`.
    pub fn compare(&self, diagnostics: Vec<Diagnostic>, sources: &SourceSet, directory: &Path) -> Compared {
        let mut named = Named::around(directory);
        let prints: Vec<_> = diagnostics.iter().map(|found| named.fingerprint(found, sources)).collect();
        let checked: HashSet<String> = sources.names().map(|name| named.name(name)).collect();
        let root = named.root().to_owned();
        let (mut new, mut next) = (vec![], BTreeSet::new());
        for (found, fingerprint) in diagnostics.into_iter().zip(prints) {
            if found.code.severity == Severity::Error {
                new.push(found);
                continue;
            }
            let accepted = Accepted {
                file: named.name(found.file()),
                code: found.code.id.to_owned(),
                message: found.message.clone(),
                fingerprint,
            };
            if !self.findings.contains(&accepted) {
                new.push(found);
            }
            next.insert(accepted);
        }
        let gone = self.findings.iter().filter(|accepted| !next.contains(accepted)).cloned();
        let is_mended = |accepted: &Accepted| checked.contains(&accepted.file) || !root.join(&accepted.file).exists();
        let (mended, unchecked): (Vec<_>, Vec<_>) = gone.partition(is_mended);
        next.extend(unchecked);
        Compared { new, mended, next: Self { version: VERSION, findings: next } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        desk::Declarations,
        lang::{check_sources, span::SourceFile},
    };

    fn found(text: &str) -> (Vec<Diagnostic>, SourceSet) {
        let (_, found) = check_sources([("a.twite", text)], Declarations::default());
        let mut sources = SourceSet::default();
        sources.insert(SourceFile::new("a.twite", text));
        (found, sources)
    }

    #[test]
    fn accepted_findings_are_known_again() {
        let rule =
            |title: &str, tags: &str| format!("trigger \"{title}\" {{\n  on created\n  then add tags {tags}\n}}\n");
        let compare = |baseline: &Baseline, text: &str| {
            let (found, sources) = found(text);
            baseline.compare(found, &sources, Path::new("/nowhere"))
        };
        let first = compare(&Baseline::default(), &rule("a", "VIP"));
        assert_eq!((first.new.len(), first.mended.len(), first.next.count()), (1, 0, 1));
        let baseline = Baseline::read(&first.next.written()).unwrap();
        assert_eq!(baseline, first.next);
        // Moved lines, other rules, a twin, a mended one, an error in a line that changed.
        let cases = [
            (rule("a", "VIP"), 0, 0),
            (format!("# moved\n\n{}", rule("a", "VIP")), 0, 0),
            (format!("{}{}", rule("b", "WEB"), rule("a", "VIP")), 1, 0),
            (format!("{}{}", rule("b", "VIP"), rule("a", "VIP")), 1, 0),
            (rule("a", "vip"), 0, 1),
            (rule("a", "VIP, x").replace("then", "thn"), 2, 1),
        ];
        for (text, new, mended) in cases {
            let compared = compare(&baseline, &text);
            assert_eq!((compared.new.len(), compared.mended.len()), (new, mended), "{text}");
        }
    }

    #[test]
    fn what_is_no_baseline_is_refused() {
        for text in ["", "[]", "{\"version\": 2, \"findings\": []}", "{\"version\": 1}"] {
            assert!(Baseline::read(text).is_err(), "{text}");
        }
    }
}
