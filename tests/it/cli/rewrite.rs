//! How `twite fmt` and `twite check --fix` write files: links, owners, permissions and line ends are kept, an edit made
//! meanwhile is not overwritten, and a file that cannot be written does not stop the others.

use std::{fs, path::Path};

use crate::support::command::run;

const LOOSE: &str = "trigger \"a\" {\n    when status==open\n    then stop }\n";
const FIXED: &str = "trigger \"a\" {\n    when status is open\n    then stop }\n";
const TIDY: &str = "trigger \"a\" {\n  when status is open\n  then stop\n}\n";

fn rules(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, text)| fs::write(directory.path().join(name), text).unwrap());
    directory
}

/// Both commands that write, with the file before and after; `fmt` does not format files with errors.
const WRITERS: [(&[&str], &str, &str); 2] = [(&["fmt", "."], FIXED, TIDY), (&["check", "--fix", "."], LOOSE, FIXED)];

#[test]
fn line_ends_and_a_byte_order_mark_stay() {
    for (command, before, after) in WRITERS {
        for mark in ["", "\u{FEFF}"] {
            for end in ["\n", "\r\n"] {
                let dressed = |text: &str| format!("{mark}{}", text.replace('\n', end));
                let directory = rules(&[("a.twite", &dressed(before))]);
                let (status, text) = run(directory.path(), command);
                assert_eq!(status, 0, "{text}");
                assert_eq!(
                    fs::read_to_string(directory.path().join("a.twite")).unwrap(),
                    dressed(after),
                    "{command:?}"
                );
                // A checkout with Windows line ends passes `fmt --check` too.
                fs::write(directory.path().join("a.twite"), dressed(TIDY)).unwrap();
                let (status, text) = run(directory.path(), &["fmt", "--check", "."]);
                assert_eq!(status, 0, "{text}");
            }
        }
    }
    // A text over several lines means the same with any line ends.
    let long = "let a = description contains \"\"\"one\r\n  two\"\"\"\r\n";
    let directory = rules(&[("a.twite", long)]);
    assert_eq!(run(directory.path(), &["fmt", "."]).0, 0);
    assert_eq!(fs::read_to_string(directory.path().join("a.twite")).unwrap(), long);
}

#[cfg(unix)]
#[test]
fn links_permissions_and_owners_stay() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
    for (command, before, after) in WRITERS {
        let directory = rules(&[("real.txt", before)]);
        let real = directory.path().join("real.txt");
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        // Only root can change the owner of a file.
        let given_away = chown(&real, Some(12_345), Some(12_345)).is_ok();
        symlink("real.txt", directory.path().join("a.twite")).unwrap();
        let (status, text) = run(directory.path(), command);
        assert_eq!(status, 0, "{text}");
        assert!(fs::symlink_metadata(directory.path().join("a.twite")).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), after);
        let meta = fs::metadata(&real).unwrap();
        assert_eq!(meta.permissions().mode() & 0o7777, 0o640);
        assert!(!given_away || (meta.uid(), meta.gid()) == (12_345, 12_345));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing is left behind");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_is_named_and_keeps_no_other_from_it() {
    use std::os::unix::fs::PermissionsExt;
    for (command, before, after) in WRITERS {
        let directory = rules(&[
            ("a.twite", before),
            ("b.twite", before),
            ("c.twite", &before.replace("\"a\"", "\"c\"")),
            ("bad.twite", "\""),
        ]);
        let path = |name: &str| directory.path().join(name);
        fs::create_dir(path("other")).unwrap();
        for name in ["linked", "linked.twite", "other/linked"] {
            fs::hard_link(path("a.twite"), path(name)).unwrap();
        }
        fs::set_permissions(path("b.twite"), fs::Permissions::from_mode(0o444)).unwrap();
        let (status, text) = run(directory.path(), command);
        assert_eq!(status, 3, "{text}");
        let linked = "cannot write `./a.twite`: the file has 3 hard links besides this name (`linked`, `linked.twite`, 1 in other directories)";
        assert!(text.contains(linked), "{text}");
        assert!(text.contains("error: cannot write `./b.twite`: the file is read-only"), "{text}");
        assert!(text.contains("TW0102"), "{text}");
        for name in ["a.twite", "b.twite", "linked"] {
            assert_eq!(fs::read_to_string(path(name)).unwrap(), before, "{name}");
        }
        assert_eq!(fs::read_to_string(path("c.twite")).unwrap(), after.replace("\"a\"", "\"c\""));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn files_are_written_by_their_path_and_named_so_that_they_differ() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    for (command, before, after) in WRITERS {
        let directory = rules(&[]);
        let path =
            |byte: u8| directory.path().join(OsStr::from_bytes(&[b'r', byte, b'.', b't', b'w', b'i', b't', b'e']));
        fs::write(path(0xFE), before).unwrap();
        fs::write(path(0xFF), before.replace("\"a\"", "\"b\"")).unwrap();
        let (status, text) = run(directory.path(), command);
        assert_eq!(status, 0, "{text}");
        assert_eq!(fs::read_to_string(path(0xFE)).unwrap(), after, "{text}");
        assert_eq!(fs::read_to_string(path(0xFF)).unwrap(), after.replace("\"a\"", "\"b\""), "{text}");
        fs::write(path(0xFF), "\"").unwrap();
        let (_, text) = run(directory.path(), &["check", "--format", "short", "."]);
        assert!(text.contains("./r\\xFF.twite:1:1: error TW0102"), "{text}");
    }
}

/// A file with two names is read, reported and written once.
#[cfg(unix)]
#[test]
fn a_file_with_several_names_is_one() {
    use std::os::unix::fs::symlink;
    /// Makes the second name in a directory with `a.twite`; returns the paths to pass to the command.
    type Named = fn(&Path) -> &'static [&'static str];
    let cases: &[(&str, Named)] = &[
        ("a link beside it", |at| {
            symlink("a.twite", at.join("z.twite")).unwrap();
            &["."]
        }),
        ("a link before it", |at| {
            fs::rename(at.join("a.twite"), at.join("z.twite")).unwrap();
            symlink("z.twite", at.join("a.twite")).unwrap();
            &["."]
        }),
        ("a link to a link", |at| {
            symlink("a.twite", at.join("m.twite")).unwrap();
            symlink("m.twite", at.join("z.twite")).unwrap();
            &["."]
        }),
        ("a link to its directory", |at| {
            fs::create_dir(at.join("below")).unwrap();
            fs::rename(at.join("a.twite"), at.join("below/a.twite")).unwrap();
            symlink("below", at.join("twin")).unwrap();
            &["."]
        }),
        ("given twice", |_| &["a.twite", "a.twite"]),
        ("with and without a dot", |_| &["a.twite", "./a.twite"]),
        ("with its directory", |_| &[".", "a.twite"]),
        ("its directory twice", |_| &[".", "."]),
        ("relative and absolute", |_| &["a.twite", "ABSOLUTE"]),
        ("a way around", |at| {
            fs::create_dir(at.join("below")).unwrap();
            &["a.twite", "below/../a.twite"]
        }),
    ];
    for (command, before, after) in WRITERS {
        for (case, named) in cases {
            let directory = rules(&[("a.twite", before)]);
            let at = directory.path();
            let absolute = at.join("a.twite");
            let given =
                named(at).iter().map(|path| if *path == "ABSOLUTE" { absolute.to_str().unwrap() } else { *path });
            let arguments: Vec<_> = command[..command.len() - 1].iter().copied().chain(given).collect();
            let (status, text) = run(at, &arguments);
            assert_eq!(status, 0, "{case}, {command:?}: {text}");
            assert!(text.contains("1 of 1 file changed") || text.matches(" fixed").count() == 1, "{case}: {text}");
            let (status, text) = run(at, &["check", "."]);
            assert_eq!((status, text.contains("in 1 file")), (0, true), "{case}: {text}");
            let written =
                ["a.twite", "below/a.twite"].into_iter().find_map(|name| fs::read_to_string(at.join(name)).ok());
            assert_eq!(written.as_deref(), Some(after), "{case}");
        }
    }
}

/// If the argument is not a rule file, nothing is written, and the error is a usage error that names the reason.
#[cfg(unix)]
#[test]
fn what_is_no_rule_file_is_refused() {
    use std::os::unix::fs::symlink;
    let loose = "trigger \"T\" {\n    on created\n then add tags a }\n";
    let all = ["fmt", "check", "test", "rules", "eval"];
    for (given, reason, commands) in [
        ("notes.txt", "`notes.txt` is not a rule file: its name ends neither in `.twite` nor in `.list`", &all[..]),
        ("data.json", "is not a rule file", &all),
        ("a.TWITE", "is not a rule file", &all),
        ("twite", "is not a rule file", &all),
        (".twite", "is not a rule file", &all),
        // `check` reports what is wrong in it.
        ("twite.toml", "is not a rule file", &["fmt", "test", "rules", "eval"]),
        ("binary", "is not a rule file", &all),
        ("", "", &all),
        ("missing.twite", "no such file or directory", &all),
        ("loop.twite", "cannot read `loop.twite`: ", &all),
        ("dangling.twite", "no such file or directory", &all),
        ("pipe.twite", "not a regular file", &all),
        ("device.twite", "not a regular file", &all),
        ("/dev/stdin", "is not a rule file", &all),
        ("a.twite/b.twite", "cannot read `a.twite/b.twite`: ", &all),
    ] {
        for command in commands {
            let directory = rules(&[("a.twite", loose), ("twite.toml", ""), ("notes.txt", loose), ("data.json", "{}")]);
            let at = directory.path();
            for name in ["a.TWITE", "twite", ".twite", "binary"] {
                fs::write(at.join(name), loose).unwrap();
            }
            fs::write(at.join("binary"), b"\x7fELF\0\xff").unwrap();
            symlink("loop.twite", at.join("loop.twite")).unwrap();
            symlink("nowhere", at.join("dangling.twite")).unwrap();
            symlink("/dev/null", at.join("device.twite")).unwrap();
            let made = std::process::Command::new("mkfifo").arg(at.join("pipe.twite")).status().unwrap();
            assert!(made.success());
            let tickets: &[&str] = if *command == "eval" { &["--tickets", "/dev/null"] } else { &[] };
            let (status, text) = run(at, &[&[*command], tickets, &[given]].concat());
            assert_eq!(status, 2, "{command} {given}: {text}");
            assert!(text.contains(reason), "{command} {given}: {text}");
            assert_eq!(fs::read_to_string(at.join("notes.txt")).unwrap(), loose, "{command} {given}");
        }
    }
    let directory = rules(&[("a.twite", loose), ("twite.toml", "[x]\npoll_seconds = 0\n")]);
    let (status, text) = run(directory.path(), &["check", "twite.toml"]);
    assert_eq!((status, text.contains("`poll_seconds` must be from 1")), (1, true), "{text}");
    let (status, text) = run(directory.path(), &["check", "-", "--stdin-path", "notes.txt"]);
    assert_eq!((status, text.contains("is not a rule file")), (2, true), "{text}");
}

/// The names of all files in a directory.
#[cfg(unix)]
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    entries.collect()
}

/// If a write fails, the file is unchanged and no temporary file is left.
#[cfg(unix)]
#[test]
fn a_write_that_fails_leaves_nothing_behind() {
    use std::os::unix::fs::PermissionsExt as _;
    /// Name of the file, what is done to its directory, and the arguments.
    type Case = (&'static str, fn(&Path), &'static [&'static str]);
    let long = format!("{}.twite", "n".repeat(249));
    let cases: &[(&str, Case)] = &[
        ("a limit on the size of files", ("a.twite", |_| (), &["sh", "-c", "ulimit -f 0; exec \"$@\"", "sh"])),
        (
            "a read-only directory",
            ("a.twite", |at| fs::set_permissions(at, fs::Permissions::from_mode(0o555)).unwrap(), &[]),
        ),
        ("the longest name", ("LONG", |_| (), &[])),
    ];
    for (command, before, after) in WRITERS {
        for (case, (name, prepare, through)) in cases {
            let directory = rules(&[]);
            let at = directory.path().join("rules");
            fs::create_dir(&at).unwrap();
            let file = at.join(if *name == "LONG" { &long } else { *name });
            fs::write(&file, before).unwrap();
            prepare(&at);
            let binary = assert_cmd::cargo::cargo_bin("twite");
            let call: Vec<_> =
                through.iter().copied().chain([binary.to_str().unwrap()]).chain(command.iter().copied()).collect();
            let output = std::process::Command::new(call[0]).args(&call[1..]).current_dir(&at).output().unwrap();
            let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert_eq!(names(&at).len(), 1, "{case}: {:?}", names(&at));
            // Root may write everywhere.
            let written = fs::read_to_string(&file).unwrap() == after;
            assert_eq!(output.status.code(), Some(if written { 0 } else { 3 }), "{case}: {text}");
            assert!(
                written || (fs::read_to_string(&file).unwrap() == before && text.contains("cannot write `")),
                "{text}"
            );
            assert!(case.contains("limit") != written || case.contains("read-only"), "{case}: {text}");
            fs::set_permissions(&at, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
}

/// Killed at any moment, the command leaves each file whole and no temporary file.
#[cfg(unix)]
#[test]
fn an_end_in_the_middle_leaves_nothing_behind() {
    const FILES: usize = 200;
    for (round, signal) in ["INT", "TERM"].into_iter().cycle().take(16).enumerate() {
        let directory = rules(&[]);
        for n in 0..FILES {
            fs::write(directory.path().join(format!("{n:03}.twite")), FIXED.replace("\"a\"", &format!("\"{n}\"")))
                .unwrap();
        }
        let mut twite = std::process::Command::new(assert_cmd::cargo::cargo_bin("twite"));
        let mut child =
            twite.args(["fmt", "."]).current_dir(directory.path()).stderr(std::process::Stdio::null()).spawn().unwrap();
        // Each round kills it a few files later.
        let tidied =
            |n: usize| fs::read_to_string(directory.path().join(format!("{n:03}.twite"))).unwrap().contains("  when");
        while child.try_wait().unwrap().is_none() && !tidied(round * 12) {
            std::thread::yield_now();
        }
        let kill = std::process::Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
        let _ = (kill, child.wait().unwrap());
        assert_eq!(
            names(directory.path()).len(),
            FILES,
            "{:?}",
            names(directory.path()).iter().find(|n| n.starts_with('.'))
        );
        for n in 0..FILES {
            let text = fs::read_to_string(directory.path().join(format!("{n:03}.twite"))).unwrap();
            let named = |text: &str| text.replace("\"a\"", &format!("\"{n}\""));
            assert!(text == named(FIXED) || text == named(TIDY), "{n}: {text}");
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
#[test]
fn attributes_stay() {
    use rustix::fs::{XattrFlags, getxattr, setxattr};
    for (command, before, after) in WRITERS {
        let directory = rules(&[("a.twite", before)]);
        let path = directory.path().join("a.twite");
        if setxattr(&path, "user.twite", b"kept", XattrFlags::empty()).is_err() {
            // This file system does not support them.
            return;
        }
        let (status, text) = run(directory.path(), command);
        assert_eq!((status, fs::read_to_string(&path).unwrap().as_str()), (0, after), "{text}");
        let mut value = [0; 8];
        let length = getxattr(&path, "user.twite", &mut value).unwrap();
        assert_eq!(&value[..length], b"kept");
    }
}
