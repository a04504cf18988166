//! Fingerprints of findings, by which they are known again.

use std::{collections::HashMap, path::Path, sync::Arc};

use sha2::{Digest, Sha256};

use super::repository::Repository;
use crate::lang::{diagnostic::Diagnostic, span::SourceSet};

/// Fingerprints, which stay the same when lines are added above a finding: a hash of the code, the file, the message
/// and the text of the line, and a number if several findings have the same hash.
#[derive(Default)]
pub(super) struct Fingerprints {
    /// SHA-256 of each line, by file and line number; cached, because one long line can have thousands of findings.
    lines: HashMap<(Arc<str>, usize), [u8; 32]>,
    /// Number of findings with each hash.
    given: HashMap<String, usize>,
}

impl Fingerprints {
    /// The fingerprint of a finding in a file, which is named so that the name does not depend on the machine.
    pub(super) fn of(&mut self, d: &Diagnostic, sources: &SourceSet, uri: &str) -> String {
        let line = d.span().line as usize;
        let digest = self.lines.entry((Arc::clone(d.file()), line)).or_insert_with(|| {
            let file = sources.file(d.file());
            let text = file.map(|file| file.lines().text(&file.text, line - 1)).unwrap_or_default();
            Sha256::digest(text.trim()).into()
        });
        let mut sha = Sha256::new();
        for piece in [d.code.id.as_bytes(), uri.as_bytes(), d.message.as_bytes(), digest.as_slice()] {
            sha.update(piece);
            sha.update([0]);
        }
        let print: String = sha.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let twins = self.given.entry(print.clone()).or_default();
        *twins += 1;
        match twins {
            1 => print,
            twins => format!("{print}:{twins}"),
        }
    }
}

/// Names files so that the names do not depend on the machine, and fingerprints findings with these names.
pub(crate) struct Named {
    repository: Repository,
    fingerprints: Fingerprints,
}

impl Named {
    /// For the repository that contains a directory, which relative names start from.
    pub(crate) fn around(directory: &Path) -> Self {
        Self { repository: Repository::around(directory), fingerprints: Fingerprints::default() }
    }

    /// The root of the repository.
    pub(crate) fn root(&self) -> &Path {
        &self.repository.root
    }

    /// The path of a file relative to the root; the absolute path of a file outside.
    pub(crate) fn name(&self, file: &str) -> String {
        let path = self.repository.below(file).unwrap_or_else(|outside| outside);
        path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
    }

    /// The fingerprint of the next finding.
    pub(crate) fn fingerprint(&mut self, found: &Diagnostic, sources: &SourceSet) -> String {
        let name = self.name(found.file());
        self.fingerprints.of(found, sources, &name)
    }
}
