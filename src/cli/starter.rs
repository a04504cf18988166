//! The starter rules and the demo's conversations, compiled in.

use std::{io, path::Path};

/// The files of the starter rules: names relative to the rules' directory, and contents.
const RULES: &[(&str, &str)] = &[
    ("twite.toml", include_str!("../../rules/twite.toml")),
    ("10-people.twite", include_str!("../../rules/10-people.twite")),
    ("20-topics.twite", include_str!("../../rules/20-topics.twite")),
    ("30-replies.twite", include_str!("../../rules/30-replies.twite")),
    ("40-views.twite", include_str!("../../rules/40-views.twite")),
    ("50-time.twite", include_str!("../../rules/50-time.twite")),
    ("60-macros.twite", include_str!("../../rules/60-macros.twite")),
    ("70-reports.twite", include_str!("../../rules/70-reports.twite")),
    ("tests.twite", include_str!("../../rules/tests.twite")),
];

/// The demo's conversations, one X API payload per line.
pub(super) const CONVERSATIONS: &str = include_str!("../../examples/conversations/northwind.ndjson");

/// Writes the starter rules to a directory, which is created if needed. An existing file is an error and is not
/// overwritten.
pub(super) fn write_rules(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut written = vec![];
    for (name, content) in RULES {
        let path = directory.join(name);
        let done = std::fs::File::create_new(&path).and_then(|mut file| {
            written.push(path);
            io::Write::write_all(&mut file, content.as_bytes())
        });
        if let Err(error) = done {
            // Half a set would be refused the next time.
            written.iter().for_each(|path| drop(std::fs::remove_file(path)));
            return Err(error);
        }
    }
    Ok(())
}
