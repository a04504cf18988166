//! Any text as a list file, used as what lists are used for: the tree has the whole text, and checking does not panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twite::{desk::Declarations, lang::check_sources};

const RULES: &str = r#"
trigger "Handles" { when requester.handle in these then stop }
trigger "Numbers" { when requester.followers not in these then stop }
trigger "Words" { when status in these then stop }
trigger "Tags" { when tags has all of these then stop }
trigger "Texts" { when description contains word any of these or subject ends with any of these then stop }
"#;

fuzz_target!(|text: &str| {
    let _ = check_sources([("a.twite", RULES), ("these.list", text)], Declarations::default());
});
