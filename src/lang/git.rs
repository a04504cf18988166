//! Runs `git` to find the commit of rule files, detect uncommitted changes, and read files from a commit.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Component, Path, PathBuf},
    process::{Command, Stdio},
};

/// Entries of the git directory that exist during a rebase, a cherry-pick sequence or a bisection.
const UNDER_WAY: &[&str] = &["rebase-merge", "rebase-apply", "sequencer", "BISECT_LOG"];

/// The checked-out commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The commit hash.
    pub commit: String,
    /// Whether a rebase, a cherry-pick sequence or a bisection is in progress, so that this is an intermediate commit.
    pub under_way: bool,
}

impl Head {
    /// The checked-out commit of the repository that contains a path.
    ///
    /// # Errors
    /// Git's error message, for example if there is no repository.
    pub fn at(path: &Path) -> Result<Self, String> {
        let directory = existing(path);
        let out = git(&directory, ["rev-parse", "--absolute-git-dir", "HEAD^{commit}"])?;
        let out = String::from_utf8_lossy(&out).into_owned();
        let (git_dir, commit) = out.trim_end().split_once('\n').ok_or("cannot tell which commit is checked out")?;
        let under_way = UNDER_WAY.iter().any(|name| Path::new(git_dir).join(name).exists());
        Ok(Self { commit: commit.to_owned(), under_way })
    }
}

/// The files of a commit, independent of the work tree.
#[derive(Debug)]
pub struct Commit {
    id: String,
    root: PathBuf,
    /// Entries by path, relative to the root of the repository.
    entries: BTreeMap<PathBuf, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// The file mode: `100644` for a file, `120000` for a symbolic link, `160000` for a submodule.
    mode: String,
    blob: String,
    length: u64,
}

impl Commit {
    /// Lists the files of a commit in the repository that contains a path.
    ///
    /// # Errors
    /// Git's error message.
    pub fn open(path: &Path, id: &str) -> Result<Self, String> {
        let directory = existing(path);
        let root = git(&directory, ["rev-parse", "--show-toplevel"])?;
        let root = PathBuf::from(String::from_utf8_lossy(&root).trim_end_matches('\n'));
        let listed = git(&directory, ["ls-tree", "-r", "-l", "-z", "--full-tree", id])?;
        let mut entries = BTreeMap::new();
        for line in listed.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let line = String::from_utf8_lossy(line);
            let Some((head, path)) = line.split_once('\t') else { continue };
            let mut head = head.split_ascii_whitespace();
            let (mode, _kind, blob, length) = (head.next(), head.next(), head.next(), head.next());
            let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
            if let (Some(mode), Some(blob)) = (mode, blob) {
                entries.insert(path.into(), Entry { mode: mode.to_owned(), blob: blob.to_owned(), length });
            }
        }
        Ok(Self { id: id.to_owned(), root: root.canonicalize().unwrap_or(root), entries })
    }

    /// The commit hash.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the commit has a directory at this path.
    pub fn is_directory(&self, path: &Path) -> bool {
        self.below(path).is_some_and(|below| self.files_in(&below).next().is_some())
    }

    /// Whether the commit has a file at this path.
    pub fn is_file(&self, path: &Path) -> bool {
        self.below(path).is_some_and(|below| self.entries.contains_key(&below))
    }

    /// The files below a directory, in order, as paths that start with `directory`: first the rule files, then the
    /// others. Names that start with a dot are skipped.
    pub fn files(&self, directory: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let Some(below) = self.below(directory) else { return Default::default() };
        let hidden = |path: &Path| path.iter().any(|name| name.as_encoded_bytes().starts_with(b"."));
        self.files_in(&below)
            .filter_map(|path| path.strip_prefix(&below).ok())
            .filter(|path| !hidden(path))
            .map(|path| directory.join(path))
            .partition(|path| path.extension().is_some_and(|e| e == "twite"))
    }

    /// The size of a file, in bytes.
    pub fn length(&self, path: &Path) -> Option<u64> {
        Some(self.entries.get(&self.below(path)?)?.length)
    }

    /// The contents of a file.
    ///
    /// # Errors
    /// If there is no such file, if it is a symbolic link or a submodule, or if it has more than `most` bytes.
    pub fn read(&self, path: &Path, most: u64) -> Result<Vec<u8>, String> {
        let entry = self.below(path).and_then(|below| self.entries.get(&below));
        let entry = entry.ok_or_else(|| format!("commit {} has no such file", self.id))?;
        match entry.mode.as_str() {
            "120000" => return Err("symbolic links in a commit are not followed".to_owned()),
            "160000" => return Err("it is a submodule".to_owned()),
            _ => {}
        }
        if entry.length > most {
            return Err(format!("more than {} KiB", most / 1024));
        }
        git(&self.root, ["cat-file", "blob", &entry.blob])
    }

    fn files_in<'c>(&'c self, directory: &'c Path) -> impl Iterator<Item = &'c Path> {
        self.entries.keys().map(PathBuf::as_path).filter(move |path| *path != directory && path.starts_with(directory))
    }

    /// The path relative to the root of the repository; `None` if it is outside.
    fn below(&self, path: &Path) -> Option<PathBuf> {
        real(path).strip_prefix(&self.root).map(Path::to_path_buf).ok()
    }
}

/// The checked-out commit of the rule files, followed by `+` if a file below these paths differs from it or is outside
/// the repository. `None` outside git.
pub(super) fn commit_of(paths: &[PathBuf], files: &[PathBuf]) -> Option<String> {
    let directory = existing(paths.first()?);
    let text = |arguments: &[&str]| {
        Some(String::from_utf8_lossy(&git(&directory, arguments).ok()?).trim_end_matches('\n').to_owned())
    };
    let head = text(&["rev-parse", "--verify", "HEAD"])?;
    let root = PathBuf::from(text(&["rev-parse", "--show-toplevel"])?);
    let root = root.canonicalize().unwrap_or(root);
    let files: Vec<_> = files.iter().map(|file| real(file)).collect();
    let mut arguments: Vec<OsString> =
        ["status", "--porcelain", "-z", "--ignored", "--untracked-files=all", "--"].map(Into::into).into();
    let asked = paths.iter().map(|path| real(path)).chain(files.iter().cloned());
    let (inside, outside): (Vec<_>, Vec<_>) = asked.partition(|path| path.starts_with(&root));
    let directories: Vec<_> = inside.iter().filter(|path| path.is_dir()).collect();
    // Files below a directory that is passed to git anyway are not passed again.
    let named = inside.iter().filter(|path| !directories.iter().any(|above| path.starts_with(above) && path != above));
    arguments.extend(named.map(|path| path.clone().into_os_string()));
    let changed = git(&root, arguments).ok()?;
    let differs = String::from_utf8_lossy(&changed).split('\0').any(|line| match line.strip_prefix("!! ") {
        // An ignored file counts as a change only if it is one of the rule files.
        Some(ignored) => files.iter().any(|file| file.starts_with(root.join(ignored))),
        None => !line.is_empty(),
    });
    Some(if differs || !outside.is_empty() { head + "+" } else { head })
}

/// The absolute path with symbolic links resolved, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut real = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(real.pop()),
            part => real.push(part),
        }
        real = real.canonicalize().unwrap_or(real);
    }
    real
}

/// The nearest existing directory at or above a path.
fn existing(path: &Path) -> PathBuf {
    let path = real(path);
    path.ancestors().find(|path| path.is_dir()).map_or_else(|| PathBuf::from("/"), Path::to_path_buf)
}

/// Runs git in a directory: its standard output, or an error message.
fn git(directory: &Path, arguments: impl IntoIterator<Item = impl AsRef<std::ffi::OsStr>>) -> Result<Vec<u8>, String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        // When run from a git hook, these variables name the hook's repository, which may not be that of the rules.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run git: {error}; is it installed?"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or_default().trim_start_matches("fatal: ");
    Err(match said {
        _ if said.starts_with("not a git repository") => "there is no git repository".to_owned(),
        _ if said.contains("HEAD") => "the git repository has no commit yet".to_owned(),
        "" => "git failed".to_owned(),
        said => format!("git says: {said}"),
    })
}
