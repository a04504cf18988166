//! Commands find the database and the daemon's rules whatever happens to the files, and read permission is enough to
//! read.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use crate::support::{TestDesk, database, key};
use serde_json::Value;
use twite::sim::{NewPerson, NewPost};

const TOML: &str = "[[account]]\nhandle = \"acme\"\n[store]\nurl = \"sqlite:../elsewhere.db\"\n";
const RULE: &str = "trigger \"a\" {\n  on created\n  then add tags a\n}\n";

/// A desk in a repository; only its `twite.toml` says where the database is.
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

    /// Starts the daemon, and waits until the live rules are in the database. Returns its log so far.
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

/// A change of the desk's files.
type Change = (&'static str, fn(&Path));

const CHANGES: &[Change] = &[
    ("no declarations", |rules| fs::remove_file(rules.join("twite.toml")).unwrap()),
    ("empty declarations", |rules| fs::write(rules.join("twite.toml"), "").unwrap()),
    ("a path that is none", |rules| {
        fs::write(rules.join("twite.toml"), TOML.replace("\"sqlite:../elsewhere.db\"", "5")).unwrap()
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
                assert!(unknown.status.code() == Some(2) && said.contains("pass `--database`"), "{what}: {said}");
            }
            // A restart meanwhile continues with the rules that were live, on the same database.
            let log = desk.serve(more);
            assert!(log.contains("the last good rules stay live"), "{what}: {log}");
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

/// A desk of the demo, whose commands have only the rights that file permissions give.
#[cfg(unix)]
struct Closed(tempfile::TempDir);

#[cfg(unix)]
impl Closed {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("demo.db");
        let demo = ["demo", "--once", "--format", "json", "--database"];
        let mut demo =
            Command::new(env!("CARGO_BIN_EXE_twite")).args(demo).arg(&database).stdout(Stdio::null()).spawn().unwrap();
        assert!(demo.wait().unwrap().success());
        Self(directory)
    }

    /// Sets the permissions of the directory and the database.
    fn allow(&self, directory: u32, database: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(self.0.path(), fs::Permissions::from_mode(directory)).unwrap();
        fs::set_permissions(self.0.path().join("demo.db"), fs::Permissions::from_mode(database)).unwrap();
    }

    /// Runs a command; as root, without root's privileges over files.
    fn twite(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let binary = env!("CARGO_BIN_EXE_twite");
        let root = "/proc/self".as_ref() as &Path;
        let is_root = fs::metadata(root).is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0);
        let mut command = Command::new(if is_root { "setpriv" } else { binary });
        if is_root {
            command.args(["--bounding-set=-all", "--inh-caps=-all", binary]);
        }
        let output = command.args(arguments).arg("--database").arg(self.0.path().join("demo.db")).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// Commands that only read.
#[cfg(unix)]
const READING: &[&[&str]] = &[
    &["view"],
    &["view", "Urgent"],
    &["ticket", "list"],
    &["ticket", "show", "3"],
    &["why", "3"],
    &["report", "What is open"],
    &["outbox"],
    &["accounts", "list"],
    &["status"],
];

#[cfg(unix)]
#[test]
fn who_may_only_read_the_database_can_look() {
    let desk = Closed::new();
    let looks = |what: &str| {
        let files = desk.files();
        for arguments in READING {
            let (status, text) = desk.twite(arguments);
            assert_eq!(status, Some(0), "{what}: {arguments:?}: {text}");
        }
        assert_eq!(desk.files(), files, "{what}");
    };
    looks("may write");
    desk.allow(0o755, 0o444);
    looks("may write beside it");
    desk.allow(0o555, 0o444);
    looks("may not write");
    let writes = ["outbox", "withdraw", "1"];
    let (status, text) = desk.twite(&writes);
    assert!(status == Some(2) && text.contains("demo.db: this user may not write it; run the command as"), "{text}");
    desk.allow(0o555, 0o000);
    let (status, text) = desk.twite(&["status"]);
    assert!(status == Some(2) && text.contains("demo.db: this user may not read it; run the command as"), "{text}");
    desk.allow(0o555, 0o644);
    let (status, text) = desk.twite(&writes);
    assert!(status == Some(2) && text.contains("this user can make no file beside it"), "{text}");
    desk.allow(0o755, 0o644);
}

#[cfg(unix)]
#[tokio::test]
async fn who_may_only_read_the_database_can_look_while_a_daemon_works() {
    let desk = Closed::new();
    let store = twite::store::Store::open(&desk.0.path().join("demo.db")).await.unwrap();
    store.begin().await.unwrap().commit().await.unwrap();
    assert_eq!(desk.files(), ["demo.db", "demo.db-shm", "demo.db-wal"]);
    desk.allow(0o555, 0o444);
    for arguments in READING {
        let (status, text) = desk.twite(arguments);
        assert_eq!(status, Some(0), "{arguments:?}: {text}");
    }
    assert_eq!(desk.files(), ["demo.db", "demo.db-shm", "demo.db-wal"]);
    desk.allow(0o755, 0o644);
    store.close().await;
}

#[test]
fn a_place_that_can_hold_no_database_is_told_with_a_way_out() {
    let desk = Desk::new();
    let told = |arguments: &[&str], database: &str, says: &str| {
        let output = desk.twite(&[arguments, &["--database", database]].concat());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert_eq!(told.lines().last().unwrap(), format!("error: {says}"));
    };
    let missing =
        "cannot open the database gone/twite.db: there is no directory `gone`; make it, or name a file in another one";
    told(&["serve", "rules"], "gone/twite.db", missing);
    told(&["demo", "--once"], "gone/twite.db", missing);
    #[cfg(unix)]
    {
        assert!(Command::new("mkfifo").arg(desk.at("pipe")).status().unwrap().success());
        let pipe = "cannot open the database pipe: it is a pipe, a socket or a device; name a file";
        told(&["serve", "rules"], "pipe", pipe);
        told(&["view"], "pipe", pipe);
        told(&["status"], "pipe", pipe);
        fs::write(desk.at("file"), "").unwrap();
        told(&["serve", "rules"], "file/twite.db", "cannot open the database file/twite.db: not a directory");
    }
}

/// Shared memory cannot be enlarged where files may have no size, as on a full disk. Only the tests of SQLite need this.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_no_mistake_of_the_caller_and_everything_can_still_be_read() {
    if database::server().is_some() {
        return;
    }
    let desk = TestDesk::new(&["acme"], RULE, "").await;
    desk.sim.make_user(&NewPerson::named("ana")).unwrap();
    let served = desk.serve();
    desk.sim.post(&NewPost { by: "ana".into(), text: "@acme hello".into(), ..NewPost::default() }).unwrap();
    desk.until("a ticket", |counts, _| counts.tickets == 1).await;
    drop(served);
    // Closed in order, without a write-ahead log.
    desk.store().await.close().await;
    let full = |arguments: &[&str]| {
        let desk = desk.command();
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]).arg(desk.get_program()).args(arguments);
        command.current_dir(desk.get_current_dir().unwrap()).env("TWITE_KEY", key()).stdin(Stdio::null());
        command
    };
    let run = |arguments: &[&str]| {
        let output = full(arguments).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code().unwrap(), said)
    };
    let reads = || {
        for arguments in [&["status"][..], &["ticket", "list"], &["ticket", "show", "1"], &["why", "1"], &["outbox"]] {
            let (status, said) = run(arguments);
            assert_eq!(status, 0, "{arguments:?}: {said}");
        }
    };
    reads();
    for arguments in [&["ticket", "reply", "1", "hello"][..], &["accounts", "acknowledge", "acme"]] {
        let (status, said) = run(arguments);
        assert!(status == 3 && said.contains("the database rules/twite.db: the disk "), "{status}: {said}");
    }
}
