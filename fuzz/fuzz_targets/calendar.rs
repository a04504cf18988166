//! Any text as a calendar file gives holidays or an error, without a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use twite::desk::Holidays;

fuzz_target!(|text: &str| {
    let mut holidays = Holidays::default();
    let _ = holidays.add_calendar(text);
});
