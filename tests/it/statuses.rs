//! Exit statuses: the table in `docs/formats.md`, run row by row.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// A directory with everything that the table speaks of.
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
    write("bad-syntax/a.twite", "trigger \"Bad\" {\n");
    write("warned/a.twite", "trigger \"Warned\" {\n  on created\n  then add tags VIP\n}\n");
    write("ragged/a.twite", "trigger \"Ragged\" { on created\n then add tags a }\n");
    write("blank/twite.toml", toml);
    write("odd/a.TWITE", good);
    write("misdeclared/twite.toml", "[x]\npoll_seconds = 0\n");
    write("misdeclared/a.twite", "trigger \"Fine\" {\n  on created\n  then add tags a\n}\n");
    write("hidden/a.twite", "");
    write("hidden/b.twite", "trigger \"Fine\" {\n  on created\n  then add tags a\n}\n");
    write("lines/fine.ndjson", "{\"description\": \"hello\"}\n");
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

/// The rows: status, command, why.
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

/// What of the table can be seen here: root may read everything.
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
            // A reader that is gone before the first line.
            drop(child.stdout.take());
        }
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(expected), "{row}\n{said}");
        assert!(expected == 0 || full || !said.is_empty(), "{row} says why");
        assert!(!said.contains("panicked"), "{row}: {said}");
    }
    // No command is forgotten.
    let help = Command::new(env!("CARGO_BIN_EXE_twite")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let listed = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    // What goes on in the next line stands further right.
    let listed = listed.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    for command in listed.filter_map(|line| line.split_whitespace().next()) {
        assert!(commands.contains(command), "the table has no row of `twite {command}`");
    }
}
