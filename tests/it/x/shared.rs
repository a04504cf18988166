//! Real payloads, if available: `TWITE_SHARED` names a folder with `x/*.json` and `conversations.ndjson`, which are not
//! part of this project. Without it, the tests print that they did not run.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;
use twite::x::wire::{decode_directs, decode_line, decode_posts};

fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("TWITE_SHARED").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("not run: TWITE_SHARED names no folder with real payloads");
    }
    folder
}

#[test]
fn recorded_answers_are_read() {
    let Some(folder) = shared() else { return };
    let mut seen = 0;
    for path in fs::read_dir(folder.join("x")).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.ends_with(".json") || name.ends_with(".headers.json") {
            continue;
        }
        let value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let count = value["data"].as_array().map_or(0, Vec::len);
        if name.starts_with("v2_dm_events") {
            let page = decode_directs(value.to_string().as_bytes()).unwrap();
            assert!(page.items.len() <= count, "{name}");
            // With default fields, X gives neither sender nor conversation; this is an error, and nothing is guessed.
            for broken in page.items.iter().filter_map(|item| item.as_ref().err()) {
                assert!(broken.reason.contains("has no `"), "{name}: {broken}");
            }
        } else if name.starts_with("v2_full") {
            let page = decode_posts(value.to_string().as_bytes()).unwrap();
            assert_eq!(page.items.len(), count, "{name}");
            for item in page.items {
                let post = item.unwrap();
                assert!(!post.text.is_empty() && post.made.is_some(), "{name}: {post:?}");
                assert_eq!(decode_line(&post.payload).unwrap(), post, "{name}");
            }
        } else if name.starts_with("v2_mentions") || name.starts_with("v2_liked") {
            let page = decode_posts(value.to_string().as_bytes()).unwrap();
            assert_eq!(page.items.len(), count, "{name}");
            for broken in page.items.iter().filter_map(|item| item.as_ref().err()) {
                assert!(broken.reason.contains("has no `author_id`"), "{name}: {broken}");
            }
        }
        seen += 1;
    }
    assert!(seen >= 5, "{seen} recorded answers");
}

#[test]
fn every_line_of_the_conversations_is_a_post() {
    let Some(folder) = shared() else { return };
    let text = fs::read_to_string(folder.join("conversations.ndjson")).unwrap();
    let mut ids = BTreeSet::new();
    for (n, line) in text.lines().enumerate() {
        let post = decode_line(line).unwrap_or_else(|error| panic!("line {}: {error}", n + 1));
        assert_eq!(decode_line(&post.payload).unwrap(), post, "line {}", n + 1);
        assert!(!post.text.contains("&amp;") || line.contains("&amp;amp;"), "line {}: {}", n + 1, post.text);
        ids.insert(post.id);
    }
    assert_eq!(ids.len(), 3_007);
}
