//! Any text as a `twite.toml`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twite::lang::{
    check_files,
    rules::{Files, SourceFile, Version},
};

fuzz_target!(|text: &str| {
    let config = Some(SourceFile::new("twite.toml", text));
    let _ = check_files(Files { config, calendars: vec![], rules: vec![] }, Version::default());
});
