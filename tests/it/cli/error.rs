//! Exit statuses: the table in `docs/formats.md`, run row by row.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// A directory with every file that the table names.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let toml = "[[account]]\nhandle = \"acme\"\n";
    let good = "trigger \"Good\" {\n  on created\n  when vip\n  then add tags good\n}\n";
    let vip = "let vip = requester.verified\n";
    let test = |expect: &str| {
        format!(
            "test \"a test\" {{\n  given ticket {{\n    requester {{ verified yes }}\n    comment \"hello\"\n  }}\n  when \
             created\n  expect {expect} \"Good\"\n}}\n"
        )
    };
    for set in ["good", "untested", "failing"] {
        write(&format!("{set}/twite.toml"), toml);
        write(&format!("{set}/a.twite"), good);
        write(&format!("{set}/vip.twite"), vip);
    }
    write("good/tests.twite", &test("fired"));
    write("failing/tests.twite", &test("not fired"));
    write("bad/twite.toml", toml);
    write("bad/a.twite", "trigger \"Bad\" {\n  then add tagz bad\n}\n");
    write("bad-beside/twite.toml", toml);
    write("bad-beside/bad.twite", "trigger \"Bad\" {\n  then add tagz bad\n}\n");
    write("bad-beside/good.twite", "trigger \"Fine\" {\n  on created\n  then add tags a\n}\n");
    write("bad-syntax/a.twite", "trigger \"Bad\" {\n");
    write("warned/a.twite", "trigger \"Warned\" {\n  on created\n  then add tags VIP\n}\n");
    for (set, level) in [("noted", "note"), ("denied", "error"), ("silent", "off")] {
        write(&format!("{set}/twite.toml"), &format!("{toml}[lints]\nTW0403 = \"{level}\"\n"));
        write(&format!("{set}/a.twite"), "trigger \"Warned\" {\n  on created\n  then add tags VIP\n}\n");
    }
    write("ragged/a.twite", "trigger \"Ragged\" { on created\n then add tags a }\n");
    write("blank/twite.toml", toml);
    write("odd/a.TWITE", good);
    write("misdeclared/twite.toml", "[x]\npoll_seconds = 0\n");
    write("misdeclared/a.twite", "trigger \"Fine\" {\n  on created\n  then add tags a\n}\n");
    write("comments/a.twite", "# nothing yet\n");
    write("emptied/twite.toml", "");
    write("emptied/a.twite", good);
    write("emptied/vip.twite", vip);
    write("hidden/a.twite", "");
    write("hidden/b.twite", "trigger \"Fine\" {\n  on created\n  then add tags a\n}\n");
    write("lines/fine.ndjson", "{\"description\": \"hello\"}\n");
    write("lines/none.ndjson", "\n");
    write("lines/list.ndjson", "[]\n");
    write("lines/broken.ndjson", "{\"description\": 7}\n");
    write(
        "lines/posts.ndjson",
        "{\"data\": {\"id\": \"1\", \"author_id\": \"2\", \"text\": \"hi @acme\", \"created_at\": \
         \"2026-01-05T09:00:00.000Z\", \"conversation_id\": \"1\"}, \"includes\": {\"users\": [{\"id\": \"2\", \"username\": \
         \"ana\", \"name\": \"Ana\"}]}}\n",
    );
    fs::create_dir(directory.path().join("empty")).unwrap();
    directory
}

/// The rows: status and command.
fn rows() -> Vec<(i32, String)> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md")).unwrap();
    let table = page.split("| status | command | why |").nth(1).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let (status, rest) = row[1..].split_once('|').unwrap();
        let command = rest.split('`').nth(1).unwrap().replace("\\|", "|");
        (status.trim().parse().unwrap(), command)
    })
    .collect()
}

/// Whether a file can be made unreadable: root can read every file.
#[cfg(unix)]
fn can_hide(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(file, fs::Permissions::from_mode(0o000)).unwrap();
    fs::read(file).is_err()
}

#[cfg(unix)]
#[test]
fn every_command_ends_with_the_status_of_the_table() {
    let directory = directory();
    let hides = can_hide(&directory.path().join("hidden/a.twite"));
    let rows = rows();
    assert!(rows.len() > 60, "{}", rows.len());
    let mut commands = std::collections::BTreeSet::new();
    for (expected, row) in rows {
        if row.contains("hidden") && !hides {
            continue;
        }
        commands.extend(row.split(' ').nth(1).map(str::to_owned));
        let (command, closed) = match row.strip_suffix(" | head -1") {
            Some(command) => (command, true),
            None => (row.as_str(), false),
        };
        let (command, full) = match command.strip_suffix(" >/dev/full") {
            Some(command) => (command, true),
            None => (command, false),
        };
        if full && !Path::new("/dev/full").exists() {
            continue;
        }
        let mut twite = Command::new(env!("CARGO_BIN_EXE_twite"));
        twite.current_dir(directory.path()).args(command.split(' ').skip(1)).env("TWITE_KEY", crate::support::key());
        twite.stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::piped());
        if full {
            twite.stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
        }
        let mut child = twite.spawn().unwrap();
        if closed {
            // The reader closes the pipe before the first line.
            drop(child.stdout.take());
        }
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(expected), "{row}\n{said}");
        assert!(expected == 0 || full || !said.is_empty(), "{row} says why");
        assert!(!said.contains("panicked") && !said.contains("error: error"), "{row}: {said}");
    }
    // Every command is in the table.
    let help = Command::new(env!("CARGO_BIN_EXE_twite")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let listed = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    // Continuation lines are indented further.
    let listed = listed.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    for command in listed.filter_map(|line| line.split_whitespace().next()) {
        assert!(commands.contains(command), "the table has no row of `twite {command}`");
    }
}

/// Every command with valid arguments, by clap's names of the arguments. A command that is missing here fails the test.
const USED: &[(&str, &[(&str, &str)])] = &[
    ("accounts acknowledge", &[("handle", "nobody"), ("rules", "good")]),
    ("accounts activate", &[("handle", "nobody"), ("rules", "good")]),
    ("accounts add", &[("handle", "nobody"), ("tokens_from_stdin", ""), ("rules", "good")]),
    ("accounts deactivate", &[("handle", "nobody"), ("rules", "good")]),
    ("accounts list", &[("rules", "good")]),
    ("accounts reauthorise", &[("handle", "nobody"), ("rules", "good")]),
    ("accounts set", &[("handle", "nobody"), ("switches", "track_likes=true"), ("rules", "good")]),
    ("accounts show", &[("handle", "nobody"), ("rules", "good")]),
    ("accounts unlink", &[("handle", "nobody"), ("yes", ""), ("rules", "good")]),
    ("check", &[("paths", "good")]),
    ("completions", &[("shell", "bash")]),
    ("demo", &[("once", ""), ("rules", "good"), ("posts", "lines/posts.ndjson")]),
    ("eval", &[("tickets", "lines/fine.ndjson"), ("paths", "good")]),
    ("explain", &[("code", "TW0203")]),
    ("fmt", &[("check", ""), ("paths", "ragged")]),
    ("incoming convert", &[("ids", "1"), ("rules", "good")]),
    ("incoming list", &[("rules", "good")]),
    ("incoming show", &[("id", "1"), ("rules", "good")]),
    ("init", &[("directory", "fresh")]),
    ("agents", &[("rules", "good")]),
    ("agents away", &[("name", "nobody"), ("rules", "good")]),
    ("agents back", &[("name", "nobody"), ("rules", "good")]),
    ("store rotate-key", &[("new_key_env", "TWITE_KEY"), ("rules", "good")]),
    ("outbox", &[("rules", "good")]),
    ("outbox resend", &[("items", "1"), ("rules", "good")]),
    ("outbox withdraw", &[("items", "1"), ("rules", "good")]),
    ("report", &[("rules", "good")]),
    ("rules", &[("paths", "good")]),
    ("serve", &[("paths", "good")]),
    ("sim", &[("listen", "127.0.0.1:0")]),
    ("status", &[("rules", "good")]),
    ("test", &[("paths", "good")]),
    ("ticket apply", &[("title", "A macro"), ("tickets", "1"), ("rules", "good")]),
    ("ticket list", &[("rules", "good")]),
    ("person show", &[("who", "@ada"), ("rules", "good")]),
    ("person update", &[("who", "@ada"), ("add_tag", "vip"), ("rules", "good")]),
    ("ticket media", &[("ticket", "1"), ("rules", "good")]),
    ("ticket rate", &[("ticket", "1"), ("rating", "good"), ("rules", "good")]),
    ("ticket reply", &[("ticket", "1"), ("text", "Hello."), ("rules", "good")]),
    ("ticket show", &[("ticket", "1"), ("rules", "good")]),
    ("ticket update", &[("ticket", "1"), ("set", "status=solved"), ("rules", "good")]),
    ("view", &[("rules", "good")]),
    ("why", &[("ticket", "1"), ("rules", "good")]),
];

/// Commands that run until they are stopped.
const ENDLESS: &[&str] = &["serve", "sim"];

/// Expected result of each cause, for any command: the status and cause from the page.
const CAUSES: &[(&str, &str)] = &[
    ("0", "`--help`"),
    ("2", "an option that does not exist"),
    ("2", "a path that is not there, or lies below a file; but `status` tells of rules that are gone, with 1"),
    ("2", "a directory where a file is meant, a file of another kind where rules are meant"),
    ("2", "a file in the place of a database that is none"),
    ("3", "a PostgreSQL server that does not answer"),
    ("2", "mistakes in the rules or in `twite.toml`, but for `check`, `fmt` and `status`, which are asked about them"),
    ("1", "the same for `check` and `status`, and for `fmt` where a file cannot be parsed"),
    ("3", "standard output that cannot be written, as on a full disk"),
    ("as ever", "standard output that nobody reads on"),
    ("as ever", "standard error that cannot be written"),
];

/// Paths that need not exist.
fn may_be_made(command: &str, argument: &str) -> bool {
    argument == "database" || (command, argument) == ("init", "directory")
}

/// All leaf commands of clap's tree, with their full names.
fn leaves(command: &clap::Command, name: &str, into: &mut Vec<(String, clap::Command)>) {
    let below: Vec<_> = command.get_subcommands().collect();
    if below.is_empty() || !command.is_subcommand_required_set() && !name.is_empty() {
        into.push((name.to_owned(), command.clone()));
    }
    for command in below {
        leaves(command, format!("{name} {}", command.get_name()).trim(), into);
    }
}

/// Where the output of a command goes.
#[derive(Clone, Copy, PartialEq)]
enum To {
    Us,
    NobodyReads,
    FullDisk,
    FullDiskForErrors,
}

/// Runs a command with these arguments, in its own directory.
fn run(
    name: &str,
    command: &clap::Command,
    arguments: &[(&str, &str)],
    more: &[&str],
    to: To,
) -> (i32, String, String) {
    let directory = directory();
    let mut twite = Command::new(env!("CARGO_BIN_EXE_twite"));
    twite.current_dir(directory.path()).env("TWITE_KEY", crate::support::key()).args(name.split(' '));
    let mut positional = vec![];
    for (id, value) in arguments {
        let argument = command.get_arguments().find(|argument| argument.get_id() == id);
        match argument.unwrap_or_else(|| panic!("`{name}` has no argument {id}")).get_long() {
            Some(long) => drop(twite.arg(format!("--{long}")).args(Some(value).filter(|value| !value.is_empty()))),
            None => positional.push(*value),
        }
    }
    twite.args(more).args(positional).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    match to {
        To::FullDisk => drop(twite.stdout(full())),
        To::FullDiskForErrors => drop(twite.stderr(full())),
        _ => {}
    }
    let mut child = twite.spawn().unwrap();
    if to == To::NobodyReads {
        drop(child.stdout.take());
    }
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[cfg(target_os = "linux")]
#[test]
fn every_cause_has_one_status_whatever_the_command() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md")).unwrap();
    let table = page.split("| status | cause |").nth(1).unwrap();
    let rows: Vec<_> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    let expected: Vec<_> = CAUSES.iter().map(|(status, cause)| format!("| {status} | {cause} |")).collect();
    assert_eq!(rows, expected);

    let mut tree = twite::cli::command();
    tree.build();
    let mut commands = vec![];
    leaves(&tree, "", &mut commands);
    let mut wrong = vec![];
    for (name, command) in &commands {
        let used = USED.iter().find(|(used, _)| used == name);
        let used = used.unwrap_or_else(|| panic!("`twite {name}` has no line in USED")).1;
        let with = |id: &str, value: &'static str| -> Vec<(&str, &str)> {
            let others = used.iter().copied().filter(|(other, _)| *other != id);
            others
                .chain([(command.get_arguments().map(|a| a.get_id().as_str()).find(|a| *a == id).unwrap(), value)])
                .collect()
        };
        let mut ends = |expected: i32, cause: &str, arguments: &[(&str, &str)], more: &[&str], to: To| {
            let (status, out, err) = run(name, command, arguments, more, to);
            let silent = expected > 0 && to == To::Us && out.is_empty() && err.is_empty();
            if status != expected || silent || err.contains("panicked") {
                wrong.push(format!("{cause}: twite {name} {arguments:?}: {status}, not {expected}\n{out}{err}"));
            }
        };
        ends(0, "help", &[], &["--help"], To::Us);
        ends(3, "help on a full disk", &[], &["--help"], To::FullDisk);
        ends(0, "help that nobody reads", &[], &["--help"], To::NobodyReads);
        ends(2, "no such option", used, &["--frobnicate"], To::Us);
        let path = |argument: &&clap::Arg| {
            argument.get_value_parser().type_id() == std::any::TypeId::of::<std::path::PathBuf>()
        };
        for argument in command.get_arguments().filter(path) {
            let id = argument.get_id().as_str();
            let is_file = argument.get_value_names().is_some_and(|names| names.iter().any(|name| name == "FILE"));
            if !may_be_made(name, id) {
                let gone = if name == "status" { 1 } else { 2 };
                ends(gone, "missing", &with(id, "nowhere/at.all"), &[], To::Us);
                ends(gone, "below a file", &with(id, "good/a.twite/b.twite"), &[], To::Us);
            }
            ends(2, "another kind", &with(id, if is_file { "good" } else { "lines/fine.ndjson" }), &[], To::Us);
            if id == "database" {
                ends(2, "no database", &with(id, "lines/fine.ndjson"), &[], To::Us);
                ends(3, "no server", &with(id, "postgres://127.0.0.1:1/none"), &[], To::Us);
            }
            if ["paths", "rules"].contains(&id) {
                let (bad, misdeclared) = match name.as_str() {
                    "check" | "status" => (1, 1),
                    "fmt" => (1, 0),
                    _ => (2, 2),
                };
                ends(bad, "mistakes", &with(id, "bad"), &[], To::Us);
                ends(misdeclared, "mistakes in twite.toml", &with(id, "misdeclared"), &[], To::Us);
            }
        }
        if ENDLESS.contains(&name.as_str()) {
            continue;
        }
        let (status, out, _) = run(name, command, used, &[], To::Us);
        ends(if out.is_empty() { status } else { 3 }, "a full disk", used, &[], To::FullDisk);
        ends(status, "nobody reads on", used, &[], To::NobodyReads);
        ends(status, "no room for errors", used, &[], To::FullDiskForErrors);
    }
    for (used, _) in USED {
        assert!(commands.iter().any(|(name, _)| name == used), "there is no `twite {used}`");
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
