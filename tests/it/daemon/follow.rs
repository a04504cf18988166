//! Following commits: only committed rules go live, whatever is in the work tree.

use std::{fs, path::Path, process::Command, time::Duration};

use tempfile::TempDir;
use tokio::{sync::broadcast::Receiver, task::JoinHandle};
use twite::{
    app::{Live, Notice, Notices},
    clock::Clock,
    daemon::{Reload, Source},
    lang::Follow,
};

fn rule(tag: &str) -> String {
    format!("trigger \"Add {tag}\" {{\n  on created\n  then add tags {tag}\n}}\n")
}

fn git(at: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(at)
        .args(["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "protocol.file.allow=always"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(at: &Path, message: &str) -> String {
    git(at, &["add", "-A"]);
    git(at, &["commit", "-qm", message]);
    git(at, &["rev-parse", "HEAD"])
}

/// A repository with rules in a subdirectory and the declarations above them.
fn repository() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    git(root, &["init", "-q", "-b", "main"]);
    fs::create_dir_all(root.join("desk/rules/more")).unwrap();
    fs::write(root.join("desk/twite.toml"), "[[group]]\nname = \"Social\"\n").unwrap();
    fs::write(root.join("desk/rules/a.twite"), rule("a")).unwrap();
    fs::write(root.join("desk/rules/more/b.twite"), rule("b")).unwrap();
    commit(root, "one");
    directory
}

struct Followed {
    live: Live,
    told: Receiver<Notice>,
    following: JoinHandle<()>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.following.abort();
    }
}

impl Followed {
    fn start(rules: &Path) -> Result<Reload, String> {
        let source = Source {
            follow: Follow::Commit,
            settle: Duration::from_millis(50),
            ..Source::new(vec![rules.to_path_buf()], None)
        };
        Reload::start(source, Clock::Wall.now())
    }

    fn new(rules: &Path) -> Self {
        let reload = Self::start(rules).unwrap();
        let notices = Notices::default();
        let told = notices.listen();
        let (live, at) = (reload.live().clone(), notices);
        let following = tokio::spawn(async move { reload.follow(Clock::Wall, at).await.unwrap() });
        Self { live, told, following }
    }

    fn titles(&self) -> Vec<String> {
        self.live.rules().triggers.iter().map(|trigger| trigger.title.clone()).collect()
    }

    async fn notice(&mut self) -> Notice {
        tokio::time::timeout(Duration::from_secs(60), self.told.recv()).await.expect("no word").unwrap()
    }

    /// Waits until the rules of this commit are live; no other notice may come before.
    async fn live(&mut self, tags: &[&str], commit: &str) {
        let notice = self.notice().await;
        assert!(matches!(notice, Notice::Reloaded { .. }), "{notice}");
        let titles: Vec<_> = tags.iter().map(|tag| format!("Add {tag}")).collect();
        assert_eq!(self.titles(), titles);
        assert_eq!(self.live.rules().version.commit.as_deref(), Some(commit));
    }
}

#[tokio::test]
async fn what_is_committed_goes_live_and_nothing_else() {
    let directory = repository();
    let root = directory.path();
    let rules = root.join("desk/rules");
    // Changed, new and deleted files in the work tree are ignored.
    fs::write(rules.join("a.twite"), "half a fi").unwrap();
    fs::write(rules.join("new.twite"), rule("new")).unwrap();
    fs::remove_file(rules.join("more/b.twite")).unwrap();
    let mut followed = Followed::new(&rules);
    let first = git(root, &["rev-parse", "HEAD"]);
    assert_eq!(followed.titles(), ["Add a", "Add b"]);
    assert_eq!(followed.live.rules().version.commit, Some(first.clone()));
    assert!(followed.live.rules().desk.groups.iter().any(|group| group.name == "Social"), "its declarations too");
    fs::write(rules.join("a.twite"), rule("a2")).unwrap();
    let second = commit(root, "two");
    followed.live(&["a2", "new"], &second).await;
    // A detached HEAD, as deployments check out.
    git(root, &["checkout", "-q", "--detach", &first]);
    followed.live(&["a", "b"], &first).await;
    git(root, &["checkout", "-q", "main"]);
    followed.live(&["a2", "new"], &second).await;
    // A commit with an error, and one without rules.
    fs::write(rules.join("a.twite"), "trigger").unwrap();
    commit(root, "broken");
    let notice = followed.notice().await;
    assert!(matches!(&notice, Notice::Broken { report, .. } if report.contains("a.twite:1:")), "{notice:?}");
    git(root, &["rm", "-qrf", "desk/rules"]);
    commit(root, "gone");
    let notice = followed.notice().await;
    assert!(matches!(&notice, Notice::Broken { report, .. } if report.contains("cannot read")), "{notice:?}");
    assert_eq!(followed.titles(), ["Add a2", "Add new"]);
    git(root, &["reset", "-q", "--hard", &second]);
    followed.live(&["a2", "new"], &second).await;
}

#[tokio::test]
async fn commits_on_the_way_to_another_are_passed_by() {
    let directory = repository();
    let root = directory.path();
    let rules = root.join("desk/rules");
    let mut followed = Followed::new(&rules);
    git(root, &["checkout", "-q", "-b", "topic"]);
    for tag in ["c", "d"] {
        fs::write(rules.join(format!("{tag}.twite")), rule(tag)).unwrap();
        commit(root, tag);
    }
    let topic = git(root, &["rev-parse", "HEAD"]);
    followed.live(&["a", "c", "d", "b"], &topic).await;
    // A rebase that stops after its first commit.
    git(root, &["-c", "sequence.editor=sed -i '1 a break'", "rebase", "-q", "-i", "main", "--force-rebase"]);
    let stopped = git(root, &["rev-parse", "HEAD"]);
    assert!(root.join(".git/rebase-merge").exists() && stopped != topic);
    tokio::time::timeout(Duration::from_millis(600), followed.told.recv()).await.unwrap_err();
    assert_eq!(followed.titles(), ["Add a", "Add c", "Add d", "Add b"]);
    git(root, &["rebase", "--abort"]);
    git(root, &["checkout", "-q", "main"]);
    let main = git(root, &["rev-parse", "HEAD"]);
    followed.live(&["a", "b"], &main).await;
}

#[tokio::test]
async fn a_linked_work_tree_and_a_submodule_are_followed_as_any_other() {
    let directory = repository();
    let root = directory.path();
    git(root, &["worktree", "add", "-q", "-b", "live", "linked"]);
    let mut followed = Followed::new(&root.join("linked/desk/rules"));
    fs::write(root.join("linked/desk/rules/c.twite"), rule("c")).unwrap();
    let moved = commit(&root.join("linked"), "in the linked tree");
    followed.live(&["a", "c", "b"], &moved).await;

    let outer = tempfile::tempdir().unwrap();
    git(outer.path(), &["init", "-q", "-b", "main"]);
    git(outer.path(), &["submodule", "add", "-q", root.to_str().unwrap(), "inner"]);
    let followed = Followed::new(&outer.path().join("inner/desk/rules"));
    assert_eq!(followed.titles(), ["Add a", "Add b"]);
    // A commit does not contain the files of its submodules.
    commit(outer.path(), "a submodule");
    let error = Followed::start(outer.path()).err().unwrap();
    assert!(error.contains("inner`: it is in a submodule"), "{error}");
    let error = Followed::start(&outer.path().join("inner/desk")).err();
    assert_eq!(error, None, "the path of the rules in it");
}

#[cfg(unix)]
#[test]
fn links_are_followed_within_the_commit() {
    use std::os::unix::fs::symlink;
    let directory = repository();
    let root = directory.path();
    let rules = root.join("desk/rules");
    fs::create_dir(root.join("shared")).unwrap();
    fs::write(root.join("shared/s.twite"), rule("s")).unwrap();
    fs::write(root.join("out.twite"), rule("out")).unwrap();
    symlink("../../shared", rules.join("shared")).unwrap();
    symlink("../../out.twite", rules.join("z.twite")).unwrap();
    symlink("a.twite", rules.join("again.twite")).unwrap();
    symlink(".", rules.join("shared-again")).unwrap();
    symlink("nowhere", rules.join("nothing")).unwrap();
    commit(root, "links");
    // The work tree does not matter.
    fs::remove_file(rules.join("z.twite")).unwrap();
    fs::write(root.join("shared/s.twite"), "half a fi").unwrap();
    let followed = Followed::start(&rules).unwrap();
    let titles: Vec<_> = followed.live().rules().triggers.iter().map(|trigger| trigger.title.clone()).collect();
    assert_eq!(titles, ["Add a", "Add b", "Add s", "Add out"]);
    for (target, why) in [
        ("../../../outside.twite", "it leads out of the Git repository"),
        ("/etc/hostname", "it is a symbolic link that leads out of the Git repository"),
        ("nowhere", "it is a symbolic link that leads nowhere"),
        ("o.twite", "too many levels of symbolic links"),
    ] {
        git(root, &["checkout", "-q", "."]);
        let _ = fs::remove_file(rules.join("o.twite"));
        symlink(target, rules.join("o.twite")).unwrap();
        commit(root, target);
        // The report is wrapped.
        let error = Followed::start(&rules).err().unwrap().replace("\n  │ ", " ");
        assert!(error.contains(&format!("o.twite`: {why}")), "{target}: {error}");
    }
}

#[test]
fn where_there_is_no_commit_that_is_said() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("rules")).unwrap();
    fs::write(directory.path().join("rules/a.twite"), rule("a")).unwrap();
    let error = Followed::start(&directory.path().join("rules")).err().unwrap();
    assert!(error.contains("cannot read a Git commit") && error.contains("there is no git repository"), "{error}");
    git(directory.path(), &["init", "-q"]);
    let error = Followed::start(&directory.path().join("rules")).err().unwrap();
    assert!(error.contains("cannot read a Git commit"), "{error}");
}

#[test]
fn without_git_no_commit_can_be_followed_and_that_is_said() {
    let directory = repository();
    let rules = directory.path().join("desk/rules");
    for (command, says) in [("serve", "cannot run git: "), ("check", "")] {
        let mut twite = Command::new(env!("CARGO_BIN_EXE_twite"));
        twite.arg(command).arg(&rules).env("PATH", "").env("TWITE_KEY", crate::support::key());
        if command == "serve" {
            twite.args(["--follow", "commit"]);
        }
        let output = twite.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(if says.is_empty() { 0 } else { 2 }), "{command}: {said}");
        assert!(said.contains(says), "{command}: {said}");
        assert!(says.is_empty() || said.contains("cannot read a Git commit"), "{command}: {said}");
        assert!(!rules.join("twite.db").exists() && !rules.join("../twite.db").exists(), "no database in passing");
    }
}

#[test]
fn rules_that_differ_from_their_commit_carry_a_plus() {
    let directory = repository();
    let root = directory.path();
    let paths = [root.join("desk/rules")];
    let version = || twite::app::git::load(&paths, None).rules.unwrap().version.clone();
    let head = git(root, &["rev-parse", "HEAD"]);
    assert_eq!(version().commit, Some(head.clone()));
    assert!(version().to_string().ends_with(&format!("(commit {})", &head[..12])));
    let dirty = |what: &str, path: &str, text: &str| {
        let before = fs::read_to_string(root.join(path)).ok();
        fs::write(root.join(path), text).unwrap();
        assert_eq!(version().commit, Some(format!("{head}+")), "{what}");
        assert!(version().to_string().ends_with(&format!("(commit {}+)", &head[..12])), "{what}: {}", version());
        match before {
            Some(text) => fs::write(root.join(path), text).unwrap(),
            None => fs::remove_file(root.join(path)).unwrap(),
        }
        assert_eq!(version().commit, Some(head.clone()), "{what} undone");
    };
    dirty("a rule file", "desk/rules/a.twite", &rule("x"));
    dirty("a new rule file", "desk/rules/new.twite", &rule("x"));
    dirty("the declarations above the rules", "desk/twite.toml", "[[group]]\nname = \"Other\"\n");
    // Files that git ignores do not count as changes, except rule files.
    fs::write(root.join(".git/info/exclude"), "*.db\nlocal*\n").unwrap();
    fs::write(root.join("desk/rules/twite.db"), "x").unwrap();
    assert_eq!(version().commit, Some(head.clone()), "the database beside the rules");
    dirty("an ignored rule file", "desk/rules/local.twite", &rule("x"));
    fs::write(root.join("README"), "beside the rules").unwrap();
    assert_eq!(version().commit, Some(head.clone()), "what is elsewhere in the repository");
}
