//! Runs `git` to find the commit of rule files, detect uncommitted changes, and read files from a commit.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    ops::Bound,
    path::{Component, Path, PathBuf},
    process::{Command, Stdio},
};

use crate::lang::{
    self, Diagnostic, Disk, Follow, Found, Loaded, MAX_FILE_BYTES, Tree, cannot_read, is_rule_file, too_large,
};

/// Entries of the git directory that exist during a rebase, a cherry-pick sequence or a bisection.
const UNDER_WAY: &[&str] = &["rebase-merge", "rebase-apply", "sequencer", "BISECT_LOG"];

/// The checked-out commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// The commit hash.
    pub(crate) commit: String,
    /// Whether a rebase, a cherry-pick sequence or a bisection is in progress, so that this is an intermediate commit.
    pub(crate) under_way: bool,
}

impl Head {
    /// The checked-out commit of the repository that contains a path.
    ///
    /// # Errors
    /// Git's error message, for example if there is no repository.
    pub(crate) fn at(path: &Path) -> Result<Self, String> {
        let directory = existing(path);
        let out = git(&directory, ["rev-parse", "--absolute-git-dir", "HEAD^{commit}"])?;
        let out = String::from_utf8_lossy(&out).into_owned();
        let (git_dir, commit) = out.trim_end().split_once('\n').ok_or("cannot tell which commit is checked out")?;
        let under_way = UNDER_WAY.iter().any(|name| Path::new(git_dir).join(name).exists());
        Ok(Self { commit: commit.to_owned(), under_way })
    }
}

/// The tree to read rules from.
///
/// # Errors
/// If a commit is to be followed and cannot be read.
pub(crate) fn tree(follow: Follow, paths: &[PathBuf]) -> Result<Box<dyn Tree>, String> {
    if follow == Follow::Files {
        return Ok(Box::new(WorkTree));
    }
    let path = paths.first().map_or(Path::new("."), PathBuf::as_path);
    let head = Head::at(path).map_err(|why| format!("cannot read a Git commit at {}: {why}", lang::name(path)))?;
    Ok(Box::new(Commit::open(path, &head.commit)?))
}

/// [`lang::load`], with the commit of the files.
pub fn load(paths: &[PathBuf], config: Option<&Path>) -> Loaded {
    lang::load_from(&WorkTree, paths, config)
}

/// The file system, with the commit that is checked out.
struct WorkTree;

impl Tree for WorkTree {
    fn entry(&self, path: &Path) -> Option<lang::Entry> {
        Disk.entry(path)
    }

    fn exists(&self, path: &Path) -> bool {
        Disk.exists(path)
    }

    fn find(&self, paths: &[PathBuf]) -> Found {
        Disk.find(paths)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Diagnostic> {
        Disk.read(path)
    }

    fn commit(&self, paths: &[PathBuf], files: &[PathBuf]) -> Option<String> {
        commit_of(paths, files)
    }

    fn is_on_disk(&self) -> bool {
        true
    }
}

/// Maximum number of symbolic links followed for one path.
const MAX_LINKS: usize = 40;

/// The files of a commit, independent of the work tree.
#[derive(Debug)]
struct Commit {
    id: String,
    root: PathBuf,
    /// Files, links and submodules by path, relative to the root of the repository.
    entries: BTreeMap<PathBuf, Entry>,
}

#[derive(Debug)]
struct Entry {
    kind: Kind,
    blob: String,
    /// Size in bytes.
    length: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Link,
    Submodule,
}

impl Commit {
    /// Lists the files of a commit in the repository that contains a path.
    fn open(path: &Path, id: &str) -> Result<Self, String> {
        let directory = existing(path);
        let root = git(&directory, ["rev-parse", "--show-toplevel"])?;
        let root = PathBuf::from(String::from_utf8_lossy(&root).trim_end_matches('\n'));
        let listed = git(&directory, ["ls-tree", "-r", "-l", "-z", "--full-tree", id])?;
        let mut entries = BTreeMap::new();
        for line in listed.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let line = String::from_utf8_lossy(line);
            let Some((head, path)) = line.split_once('\t') else { continue };
            let mut head = head.split_ascii_whitespace();
            let (mode, _type, blob, length) = (head.next(), head.next(), head.next(), head.next());
            let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
            if let (Some(mode), Some(blob)) = (mode, blob) {
                let kind = match mode {
                    "120000" => Kind::Link,
                    "160000" => Kind::Submodule,
                    _ => Kind::File,
                };
                entries.insert(path.into(), Entry { kind, blob: blob.to_owned(), length });
            }
        }
        Ok(Self { id: id.to_owned(), root: root.canonicalize().unwrap_or(root), entries })
    }

    /// The path relative to the root of the repository, with the links of the commit followed.
    ///
    /// # Errors
    /// Why there can be no file or directory of the commit.
    fn resolve(&self, path: &Path) -> Result<PathBuf, String> {
        let outside = || "it is outside the Git repository".to_owned();
        // Links of the work tree are followed only on the way to the repository.
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let mut parts = absolute.components();
        let mut above = PathBuf::new();
        while !above.starts_with(&self.root) {
            match parts.next().ok_or_else(outside)? {
                Component::ParentDir => drop(above.pop()),
                part => above.push(part),
            }
            above = above.canonicalize().unwrap_or(above);
        }
        let below = above.strip_prefix(&self.root).unwrap_or(Path::new("")).join(parts.as_path());
        self.follow(&below)
    }

    /// Follows the links of the commit in a path relative to the root of the repository.
    fn follow(&self, below: &Path) -> Result<PathBuf, String> {
        let parts_of =
            |path: &Path| path.components().rev().map(|part| part.as_os_str().to_owned()).collect::<Vec<_>>();
        let (mut rest, mut real, mut links) = (parts_of(below), PathBuf::new(), 0);
        while let Some(part) = rest.pop() {
            match part.to_str() {
                Some(".") => continue,
                Some("..") if real.pop() => continue,
                Some("..") => return Err("it leads out of the Git repository".to_owned()),
                _ => real.push(part),
            }
            let Some(entry) = self.entries.get(&real) else { continue };
            match entry.kind {
                Kind::File => {}
                Kind::Submodule => return Err(IN_SUBMODULE.to_owned()),
                Kind::Link if links == MAX_LINKS => return Err("too many levels of symbolic links".to_owned()),
                Kind::Link => {
                    links += 1;
                    let target = git(&self.root, ["cat-file", "blob", &entry.blob])?;
                    let target = PathBuf::from(String::from_utf8_lossy(&target).into_owned());
                    if target.is_absolute() {
                        return Err("it is a symbolic link that leads out of the Git repository".to_owned());
                    }
                    real.pop();
                    rest.extend(parts_of(&target));
                }
            }
        }
        Ok(real)
    }

    /// What is at a path without links, relative to the root of the repository.
    fn at(&self, real: &Path) -> Option<lang::Entry> {
        match self.entries.get(real) {
            Some(entry) => (entry.kind == Kind::File).then_some(lang::Entry::File(entry.length)),
            None => self.below(real).next().map(|_| lang::Entry::Directory),
        }
    }

    /// The entries below a directory, in order.
    fn below<'c>(&'c self, directory: &'c Path) -> impl Iterator<Item = (&'c Path, &'c Entry)> {
        let from = self.entries.range::<Path, _>((Bound::Excluded(directory), Bound::Unbounded));
        from.map(|(path, entry)| (path.as_path(), entry)).take_while(move |(path, _)| path.starts_with(directory))
    }
}

/// Searches directories of a commit as `lang` searches those of the file system.
struct Search<'c> {
    commit: &'c Commit,
    found: Found,
    /// The directories being searched, to detect cycles of links.
    above: Vec<PathBuf>,
    /// Files found so far, with links resolved: a file with several names is read once, under the first.
    seen: BTreeSet<PathBuf>,
}

impl Search<'_> {
    /// Searches a directory. `real` is its path with links resolved, `shown` the one that names its files.
    fn directory(&mut self, real: PathBuf, shown: &Path) {
        if self.above.contains(&real) {
            return;
        }
        self.above.push(real.clone());
        let commit = self.commit;
        for (path, entry) in commit.below(&real) {
            let Ok(inside) = path.strip_prefix(&real) else { continue };
            // Names that start with a dot are skipped.
            if inside.iter().any(|name| name.as_encoded_bytes().starts_with(b".")) {
                continue;
            }
            let shown = shown.join(inside);
            match (entry.kind, commit.follow(path)) {
                (Kind::File, _) => self.file(path.to_owned(), shown),
                (Kind::Submodule, _) => self.found.errors.push(cannot_read(&shown, IN_SUBMODULE)),
                (Kind::Link, Ok(target)) if commit.at(&target) == Some(lang::Entry::Directory) => {
                    self.directory(target, &shown);
                }
                (Kind::Link, Ok(target)) if commit.at(&target).is_some() => self.file(target, shown),
                (Kind::Link, followed) if is_rule_file(&shown) => {
                    let why = followed.err().unwrap_or_else(|| "it is a symbolic link that leads nowhere".to_owned());
                    self.found.errors.push(cannot_read(&shown, &why));
                }
                (Kind::Link, _) => self.found.unread.push(shown),
            }
        }
        self.above.pop();
    }

    fn file(&mut self, real: PathBuf, shown: PathBuf) {
        match is_rule_file(&shown) {
            true if self.seen.insert(real) => self.found.files.push(shown),
            true => {}
            false => self.found.unread.push(shown),
        }
    }
}

const IN_SUBMODULE: &str = "it is in a submodule, which is a repository of its own; pass the path of the rules in it";

impl Tree for Commit {
    fn entry(&self, path: &Path) -> Option<lang::Entry> {
        self.at(&self.resolve(path).ok()?)
    }

    fn find(&self, paths: &[PathBuf]) -> Found {
        let mut search = Search { commit: self, found: Found::default(), above: vec![], seen: BTreeSet::new() };
        for path in paths {
            match self.resolve(path).map(|real| (self.at(&real), real)) {
                Ok((Some(lang::Entry::Directory), real)) => search.directory(real, path),
                Ok((Some(lang::Entry::File(_)), real)) => {
                    if search.seen.insert(real) {
                        search.found.files.push(path.clone());
                    }
                }
                Ok((None, _)) => {
                    let why = format!("commit {} has no such path", self.id);
                    search.found.errors.push(cannot_read(path, &why));
                }
                Err(why) => search.found.errors.push(cannot_read(path, &why)),
            }
        }
        search.found
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Diagnostic> {
        let real = self.resolve(path).map_err(|why| cannot_read(path, &why))?;
        let entry = self.entries.get(&real);
        let entry = entry.ok_or_else(|| cannot_read(path, &format!("commit {} has no such file", self.id)))?;
        if entry.length > MAX_FILE_BYTES {
            return Err(too_large(path));
        }
        git(&self.root, ["cat-file", "blob", &entry.blob]).map_err(|why| cannot_read(path, &why))
    }

    fn commit(&self, _: &[PathBuf], _: &[PathBuf]) -> Option<String> {
        Some(self.id.clone())
    }

    fn is_on_disk(&self) -> bool {
        false
    }
}

/// The checked-out commit of the rule files, followed by `+` if a file below these paths differs from it or is outside
/// the repository. `None` outside git.
fn commit_of(paths: &[PathBuf], files: &[PathBuf]) -> Option<String> {
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
pub(super) fn real(path: &Path) -> PathBuf {
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
pub(super) fn existing(path: &Path) -> PathBuf {
    let path = real(path);
    path.ancestors().find(|path| path.is_dir()).map_or_else(|| PathBuf::from("/"), Path::to_path_buf)
}

/// Runs git in a directory: its standard output, or an error message.
pub(super) fn git(
    directory: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<std::ffi::OsStr>>,
) -> Result<Vec<u8>, String> {
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
        _ if said.contains("dubious ownership") => {
            "the git repository belongs to another user; allow it with `git config --global --add safe.directory PATH`"
                .to_owned()
        }
        _ if said.contains("must be run in a work tree") => "the git repository is bare: it has no files".to_owned(),
        _ if said.contains("HEAD") => "the git repository has no commit yet".to_owned(),
        "" => "git failed".to_owned(),
        said => format!("git says: {said}"),
    })
}
