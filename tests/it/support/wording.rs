//! Words that no message has.

/// Words of the program's own language and libraries, which nobody who writes a file knows.
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

pub fn assert_in_the_users_words(message: &str, of: &str) {
    let words = |c: char| !(c.is_alphanumeric() || c == '_');
    for ours in OURS {
        let found = match ours.contains(' ') {
            true => message.contains(ours),
            false => message.split(words).any(|word| word == *ours),
        };
        assert!(!found, "`{ours}` in {message:?}, said of\n{of}");
    }
}
