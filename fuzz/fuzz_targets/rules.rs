//! Any text as a rule file: checking does not panic, formatting valid rules is idempotent, and fixing invalid ones
//! changes no more than the fixes say.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twite::{
    desk::Declarations,
    lang::{
        NotFormatted, check_sources, fix, format,
        rules::{Files, SourceFile},
        syntax,
    },
};

fuzz_target!(|text: &str| {
    assert_eq!(syntax::parse(text).tree().text().to_string(), text);
    let _ = check_sources([("a.twite", text)], Declarations::default());
    let rules = vec![SourceFile::new("a.twite", text)];
    let fixes = fix(&Files { rules, ..Files::default() });
    assert!(fixes.unproven.is_empty(), "a safe fix changes more than it says");
    match format(text) {
        Ok(formatted) => assert_eq!(format(&formatted).ok().as_deref(), Some(&*formatted)),
        Err(NotFormatted::Broken(errors)) => assert!(!errors.is_empty()),
        Err(NotFormatted::Unsound) => panic!("the formatter cannot read its own work"),
    }
});
