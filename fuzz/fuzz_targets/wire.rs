//! Any bytes as an answer of X or a file of payloads.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twite::x::wire::{decode_direct_line, decode_directs, decode_line, decode_posts};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(post) = decode_line(text) {
            // The inbox stores these and decodes them again.
            assert!(!post.id.as_str().is_empty() && !post.text.is_empty());
        }
        let _ = decode_direct_line(text);
    }
    // A broken message must not affect those beside it.
    let page = [b"{\"data\":[", GOOD, b",", bytes, b",", GOOD, b"]}"].concat();
    if is_balanced(bytes) {
        let read = decode_posts(&page).expect("its brackets match");
        let good = read.items.iter().flatten().filter(|post| post.text == "good").count();
        assert!(good >= 2, "{good} of 2");
    }
    let _ = decode_posts(bytes);
    let _ = decode_directs(bytes);
});

const GOOD: &[u8] = br#"{"id":"3","author_id":"4","text":"good"}"#;

/// Whether strings and brackets are balanced.
fn is_balanced(bytes: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_i64, false, false);
    for byte in bytes {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => depth += 1,
            (false, b']' | b'}') => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0 && !in_string
}
