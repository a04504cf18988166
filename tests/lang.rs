//! What people read when something is wrong with rules: every code from its page, and whole files from `tests/lang`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

use std::{fs, path::Path};

use assert_cmd::Command;
use twite::lang::codes;

/// What `twite` prints and its exit status; errors stand behind the rest.
fn twite(directory: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::cargo_bin("twite")
        .unwrap()
        .current_dir(directory)
        .env("NO_COLOR", "1")
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

/// The fenced blocks of a page: what stands behind the fence, and the block.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut blocks = vec![];
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((info, block.join("\n") + "\n"));
        }
    }
    blocks
}

/// A directory with this block in it: rules, beside the desk that comes with Twite, or a desk of its own.
fn directory(language: &str, block: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let desk = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/twite.toml");
    if language == "toml" {
        fs::write(path.join("twite.toml"), block).unwrap();
    } else {
        fs::copy(desk, path.join("twite.toml")).unwrap();
        fs::write(path.join("rules.twite"), block).unwrap();
    }
    directory
}

/// Pages about files, not about what stands in them; other tests show these.
const ABOUT_FILES: &[&str] = &["TW0109", "TW0110", "TW0111"];

#[test]
fn every_code_is_what_its_page_shows() {
    let mut shown = String::new();
    for code in codes::ALL {
        assert!(code.page.starts_with(&format!("# {}: {}\n", code.id, code.title)), "{}", code.page);
        assert!(code.page.len() > 150, "{} says little", code.id);
        let blocks = blocks(code.page);
        let wrong: Vec<_> = blocks.iter().filter(|(info, _)| info.ends_with(" wrong")).collect();
        assert_eq!(wrong.len(), usize::from(!ABOUT_FILES.contains(&code.id)), "{}: one example", code.id);
        for (info, block) in &blocks {
            let (language, wrong) = info.split_once(' ').unwrap_or((info, ""));
            let directory = directory(language, block);
            let (status, text) = twite(directory.path(), &["check", "--deny-warnings", "."]);
            if wrong == "wrong" {
                assert_eq!(status, 1, "{}:\n{block}\n{text}", code.id);
                assert!(text.starts_with(code.id), "{}:\n{block}\n{text}", code.id);
                assert_eq!(text.matches("\nTW").count(), 0, "{} is alone:\n{text}", code.id);
                shown += &text.replace(&"(".repeat(100), "((…((").replace(&"─".repeat(100), "──…──");
            } else {
                assert_eq!(status, 0, "{}:\n{block}\n{text}", code.id);
                if language == "twite" {
                    let (status, text) = twite(directory.path(), &["fmt", "--check", "."]);
                    assert_eq!(status, 0, "{} as `twite fmt` writes it:\n{block}\n{text}", code.id);
                }
            }
        }
    }
    insta::assert_snapshot!("every_code", shown);
}

/// Each file of `tests/lang`, checked beside the desk that comes with Twite.
#[test]
fn files_are_reported_whole() {
    insta::glob!("lang/*.twite", |path| {
        let directory = directory("twite", &fs::read_to_string(path).unwrap());
        let (status, text) = twite(directory.path(), &["check", "."]);
        // Nobody reads what a check of sound rules with warnings came to but people.
        assert_eq!(status, i32::from(!path.ends_with("warnings.twite")), "{text}");
        insta::assert_snapshot!(text);
    });
}
