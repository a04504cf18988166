//! Words that must not appear in messages.

/// Terms of Rust and its libraries, which the authors of rule files do not know.
const OURS: &[&str] = &[
    "struct",
    "enum",
    "variant",
    "untagged",
    "u8",
    "u16",
    "u32",
    "u64",
    "usize",
    "i64",
    "f64",
    "invalid type",
    "invalid value",
    "invalid length",
    "Invalid input",
    "sequence",
    "map",
    "boolean",
    "Option",
    "Vec",
    "newtype",
    "field `",
    "did not match",
    "CustomValue",
    "Person",
    "Ticket ",
    "floating",
    "integer",
    "tuple",
    "unit",
];

pub fn assert_plain_words(message: &str, of: &str) {
    let words = |c: char| !(c.is_alphanumeric() || c == '_');
    for ours in OURS {
        let found = match ours.contains(' ') {
            true => message.contains(ours),
            false => message.split(words).any(|word| word == *ours),
        };
        assert!(!found, "`{ours}` in {message:?}, said of\n{of}");
    }
}
