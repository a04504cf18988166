//! Any bytes as what X, or a file of payloads, says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twite::x::wire::{decode_direct_line, decode_directs, decode_line, decode_posts};

fuzz_target!(|text: &str| {
    if let Ok(post) = decode_line(text) {
        // What is kept in the inbox is read again from there.
        assert!(!post.id.as_str().is_empty());
    }
    let _ = decode_direct_line(text);
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(text) {
        let _ = decode_posts(value.clone());
        let _ = decode_directs(value);
    }
});
