//! Any text as a rule file: it is checked without a panic, and what is sound is formatted once and for all.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twite::{
    desk::Desk,
    lang::{NotFormatted, check_sources, format, syntax},
};

fuzz_target!(|text: &str| {
    assert_eq!(syntax::parse(text).tree().text().to_string(), text);
    let _ = check_sources([("a.twite", text)], Desk::default());
    match format(text) {
        Ok(formatted) => assert_eq!(format(&formatted).ok().as_deref(), Some(&*formatted)),
        Err(NotFormatted::Broken(errors)) => assert!(!errors.is_empty()),
        Err(NotFormatted::Unsound) => panic!("the formatter cannot read its own work"),
    }
});
