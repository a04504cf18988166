//! What `twite fmt` and `twite check --fix` do to files: links, owners, permissions and line ends stay, an edit made
//! meanwhile is kept, and one file that cannot be written keeps no other from it.

use std::{fs, path::Path};

use assert_cmd::Command;

const LOOSE: &str = "trigger \"a\" {\n    when status==open\n    then stop }\n";
const FIXED: &str = "trigger \"a\" {\n    when status is open\n    then stop }\n";
const TIDY: &str = "trigger \"a\" {\n  when status is open\n  then stop\n}\n";

fn twite(directory: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::cargo_bin("twite").unwrap().current_dir(directory).args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

fn rules(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, text)| fs::write(directory.path().join(name), text).unwrap());
    directory
}

/// Both commands that write, with what they make of [`LOOSE`]; `fmt` formats no errors.
const WRITERS: [(&[&str], &str, &str); 2] = [(&["fmt", "."], FIXED, TIDY), (&["check", "--fix", "."], LOOSE, FIXED)];

#[test]
fn line_ends_and_a_byte_order_mark_stay() {
    for (command, before, after) in WRITERS {
        for mark in ["", "\u{FEFF}"] {
            for end in ["\n", "\r\n"] {
                let dressed = |text: &str| format!("{mark}{}", text.replace('\n', end));
                let directory = rules(&[("a.twite", &dressed(before))]);
                let (status, text) = twite(directory.path(), command);
                assert_eq!(status, 0, "{text}");
                assert_eq!(
                    fs::read_to_string(directory.path().join("a.twite")).unwrap(),
                    dressed(after),
                    "{command:?}"
                );
                // A checkout on Windows passes the same gate.
                fs::write(directory.path().join("a.twite"), dressed(TIDY)).unwrap();
                let (status, text) = twite(directory.path(), &["fmt", "--check", "."]);
                assert_eq!(status, 0, "{text}");
            }
        }
    }
    // A text over several lines says the same whatever its line ends.
    let long = "let a = description contains \"\"\"one\r\n  two\"\"\"\r\n";
    let directory = rules(&[("a.twite", long)]);
    assert_eq!(twite(directory.path(), &["fmt", "."]).0, 0);
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
        // Only root can give a file away, and keep it given away.
        let given_away = chown(&real, Some(12_345), Some(12_345)).is_ok();
        symlink("real.txt", directory.path().join("a.twite")).unwrap();
        let (status, text) = twite(directory.path(), command);
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
        fs::hard_link(path("a.twite"), path("linked")).unwrap();
        fs::set_permissions(path("b.twite"), fs::Permissions::from_mode(0o444)).unwrap();
        let (status, text) = twite(directory.path(), command);
        assert_eq!(status, 3, "{text}");
        assert!(text.contains("error: cannot write `./a.twite`: it has 2 hard links"), "{text}");
        assert!(text.contains("error: cannot write `./b.twite`: it is read-only"), "{text}");
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
        let (status, text) = twite(directory.path(), command);
        assert_eq!(status, 0, "{text}");
        assert_eq!(fs::read_to_string(path(0xFE)).unwrap(), after, "{text}");
        assert_eq!(fs::read_to_string(path(0xFF)).unwrap(), after.replace("\"a\"", "\"b\""), "{text}");
        fs::write(path(0xFF), "\"").unwrap();
        let (_, text) = twite(directory.path(), &["check", "--format", "short", "."]);
        assert!(text.contains("./r\\xFF.twite:1:1: error TW0102"), "{text}");
    }
}
