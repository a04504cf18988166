//! The lines of the work tree that changed since a revision of git.

use std::{
    collections::HashMap,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use super::git::{existing, git, real};
use crate::lang::path_of;

/// Maximum number of a line.
const LAST: usize = usize::MAX - 1;

/// The changed lines of each file.
#[derive(Debug, Default)]
pub(crate) struct Changes(HashMap<PathBuf, Vec<RangeInclusive<usize>>>);

impl Changes {
    /// What changed in the repository that contains a path, committed or not. A file that git does not know is new.
    ///
    /// # Errors
    /// Git's message, for example if there is no such revision.
    pub(crate) fn since(revision: &str, path: &Path) -> Result<Self, String> {
        let directory = existing(path);
        if revision.starts_with('-') {
            return Err(format!("`{revision}` is no revision"));
        }
        let text = |out: Vec<u8>| String::from_utf8_lossy(&out).into_owned();
        let commit = text(git(&directory, ["rev-parse", "--verify", &format!("{revision}^{{commit}}")])?);
        let root = real(Path::new(text(git(&directory, ["rev-parse", "--show-toplevel"])?).trim_end_matches('\n')));
        let names = |out: Vec<u8>| -> Vec<String> {
            text(out).split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        let commit = commit.trim();
        let changed = git(&root, ["diff", "--name-only", "--no-renames", "-z", commit, "--"])?;
        let added = git(&root, ["ls-files", "--others", "--exclude-standard", "-z"])?;
        let mut changes = HashMap::new();
        for name in names(changed).into_iter().filter(|name| root.join(name).is_file()) {
            let how = ["diff", "--unified=0", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", commit];
            let diff = git(&root, how.into_iter().chain(["--", name.as_str()]))?;
            changes.insert(root.join(name), text(diff).lines().filter_map(added_lines).collect());
        }
        changes.extend(names(added).into_iter().map(|name| (root.join(name), vec![1..=LAST])));
        Ok(Self(changes))
    }

    /// The changed lines of a file, from 1.
    pub(crate) fn of(&self, file: &str) -> Vec<RangeInclusive<usize>> {
        self.0.get(&real(&path_of(file))).cloned().unwrap_or_default()
    }
}

/// The lines that a hunk of a diff writes, by its header: `@@ -3,2 +3 @@`. Where lines were only deleted, the lines around.
fn added_lines(line: &str) -> Option<RangeInclusive<usize>> {
    let added = line.strip_prefix("@@ ")?.split(' ').find_map(|part| part.strip_prefix('+'))?;
    let (start, count) = added.split_once(',').unwrap_or((added, "1"));
    let (start, count): (usize, usize) = (start.parse().ok()?, count.parse().ok()?);
    Some(match count {
        0 => start.max(1)..=start.saturating_add(1),
        count => start..=start.saturating_add(count - 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_a_hunk_says_which_lines() {
        for (line, lines) in [
            ("@@ -3,2 +3 @@ trigger", Some(3..=3)),
            ("@@ -3 +4,3 @@", Some(4..=6)),
            ("@@ -3,2 +2,0 @@", Some(2..=3)),
            ("@@ -1 +0,0 @@", Some(1..=1)),
            ("+@@ -3 +4 @@", None),
            ("+++ b/a", None),
        ] {
            assert_eq!(added_lines(line), lines, "{line}");
        }
    }
}
