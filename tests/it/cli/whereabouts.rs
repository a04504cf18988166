//! Where the database is, and what its daemon follows, is found whatever becomes of the files.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use crate::support::key;
use serde_json::Value;

const TOML: &str = "[[account]]\nhandle = \"acme\"\n[store]\npath = \"../elsewhere.db\"\n";
const RULE: &str = "trigger \"a\" {\n  on created\n  then add tags a\n}\n";

/// A desk in a repository, whose database lies where only its `twite.toml` says.
struct Desk {
    directory: tempfile::TempDir,
    daemon: Option<Child>,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { directory: tempfile::tempdir().unwrap(), daemon: None };
        fs::create_dir_all(desk.at("rules")).unwrap();
        fs::write(desk.at("rules/twite.toml"), TOML).unwrap();
        fs::write(desk.at("rules/a.twite"), RULE).unwrap();
        desk
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.directory.path().join(path)
    }

    fn commit(&self) {
        for arguments in [&["init", "-q"][..], &["add", "rules"], &["commit", "-qm", "one"]] {
            let as_somebody = ["-c", "user.name=t", "-c", "user.email=t@localhost"];
            let done =
                Command::new("git").arg("-C").arg(self.directory.path()).args(as_somebody).args(arguments).status();
            assert!(done.unwrap().success());
        }
    }

    fn twite(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twite"));
        command.args(arguments).current_dir(self.directory.path()).env("TWITE_KEY", key()).stdin(Stdio::null());
        command
    }

    /// Starts the daemon, and waits until its database knows what is live. Returns its log so far.
    fn serve(&mut self, more: &[&str]) -> String {
        self.stop();
        let log = File::create(self.at("log")).unwrap();
        self.daemon = Some(self.command(&["serve", "rules"]).args(more).stderr(log).spawn().unwrap());
        let from = tokio::time::Instant::now();
        while from.elapsed() < Duration::from_secs(60) {
            let pid = self.daemon.as_ref().map(|daemon| daemon.id());
            let (_, status) = self.status(&["--database", "elsewhere.db"]);
            if status["daemon"]["running"] == true
                && !status["rules"].is_null()
                && status["daemon"]["pid"].as_u64() == pid.map(u64::from)
            {
                return self.log();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it did not start: {}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.at("log")).unwrap()
    }

    fn stop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
        }
    }

    fn status(&self, more: &[&str]) -> (Option<i32>, Value) {
        let output = self.command(&["status", "--format", "json"]).args(more).output().unwrap();
        (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}")))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What becomes of the files of a desk.
type Change = (&'static str, fn(&Path));

const CHANGES: &[Change] = &[
    ("no declarations", |rules| fs::remove_file(rules.join("twite.toml")).unwrap()),
    ("empty declarations", |rules| fs::write(rules.join("twite.toml"), "").unwrap()),
    ("a path that is none", |rules| {
        fs::write(rules.join("twite.toml"), TOML.replace("\"../elsewhere.db\"", "5")).unwrap()
    }),
    ("cut off before it", |rules| fs::write(rules.join("twite.toml"), "[[account]\nhan").unwrap()),
    ("no UTF-8", |rules| fs::write(rules.join("twite.toml"), b"\xff\xfe").unwrap()),
    ("a directory", |rules| {
        fs::remove_file(rules.join("twite.toml")).unwrap();
        fs::create_dir(rules.join("twite.toml")).unwrap();
    }),
    ("no directory", |rules| fs::remove_dir_all(rules).unwrap()),
];

#[test]
fn the_database_is_found_when_the_declarations_are_not() {
    for (what, change) in CHANGES {
        for committed in [true, false] {
            let mut desk = Desk::new();
            if committed {
                desk.commit();
            }
            desk.serve(&[]);
            let good = desk.status(&[]).1;
            assert_eq!(good["files"], "same", "{good}");
            change(&desk.at("rules"));
            let more: &[&str] = if committed { &[] } else { &["--database", "elsewhere.db"] };
            let (code, broken) = desk.status(more);
            assert_eq!((code, &broken["files"]), (Some(1), &"broken".into()), "{what}: {broken}");
            assert_eq!(broken["rules"]["hash"], good["rules"]["hash"], "{what}");
            let list = |more: &[&str]| desk.twite(&[&["ticket", "list"], more].concat());
            assert_eq!(list(more).status.code(), Some(0), "{what}");
            if !committed {
                let unknown = list(&[]);
                let said = String::from_utf8(unknown.stderr).unwrap();
                assert!(
                    unknown.status.code() == Some(2) && said.contains("name it with `--database`"),
                    "{what}: {said}"
                );
            }
            // A restart in the middle of it goes on with what was live, on the same database.
            let log = desk.serve(more);
            assert!(log.contains("goes on with the last good rules"), "{what}: {log}");
            assert!(!log.contains("\\u{a}"), "each line of a report is a line of the log: {log}");
            assert!(!desk.at("twite.db").exists() && !desk.at("rules/twite.db").exists(), "{what}");
        }
    }
}

#[test]
fn where_commits_are_followed_the_work_tree_is_nobodys_concern() {
    let mut desk = Desk::new();
    desk.commit();
    desk.serve(&["--follow", "commit"]);
    let same = |what: &str| {
        let (code, status) = desk.status(&["--database", "elsewhere.db"]);
        assert_eq!(
            (code, &status["files"], &status["follow"]),
            (Some(0), &"same".into(), &"commit".into()),
            "{what}: {status}"
        );
        let listed = desk.twite(&["ticket", "list"]);
        assert_eq!((listed.status.code(), listed.stderr.as_slice()), (Some(0), &b""[..]), "{what}");
    };
    same("as committed");
    fs::write(desk.at("rules/a.twite"), RULE.replace("tags a", "tags b")).unwrap();
    same("changed");
    fs::write(desk.at("rules/a.twite"), "trigger").unwrap();
    same("broken");
    fs::write(desk.at("rules/twite.toml"), "").unwrap();
    same("empty declarations");
    fs::remove_dir_all(desk.at("rules")).unwrap();
    same("no directory");
    let shown = String::from_utf8(desk.twite(&["status"]).stdout).unwrap();
    assert!(shown.contains("files     the same, as committed"), "{shown}");
}
