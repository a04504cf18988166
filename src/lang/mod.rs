//! The rule language: parser, checker, formatter and diagnostics.
//!
//! ```text
//! text ─► syntax ─► lossless tree ─► ast ─► check ─► rules
//!                        └► format
//! ```
//!
//! [`load()`] reads files, [`check_sources`] takes texts from memory; the rest is the same. All problems are
//! returned at once, as [`Diagnostic`]s.

mod ast;
mod baseline;
mod check;
pub mod codes;
mod config;
pub(crate) mod described;
mod diagnostic;
pub(crate) mod display;
mod fix;
mod foreign;
mod format;
mod language;
mod levels;
pub mod lines;
mod load;
pub mod render;
pub mod rules;
mod secrets;
mod sources;
mod span;
mod suggest;
pub mod syntax;
mod tree;

pub use baseline::{Accepted, Baseline, Compared};
pub(crate) use check::Parsed;
pub use diagnostic::{Diagnostic, Edit, Fix, Grade, Label, Severity, TextDiagnostic};
pub use fix::{Fixed, Fixes, fix};
pub use format::{NotFormatted, format};
pub use load::{Buffer, Follow, Loaded, check_files, check_sources, files_at, load, load_with, missing, settings};
pub(crate) use load::{hash_at, load_again, load_from, lost, store_settings};
pub use sources::MAX_FILE_BYTES;
pub(crate) use sources::{
    Found, NotRead, Reader, RuleFiles, cannot_read, is_list, is_rule_file, name, nearly_a_rule_file, path_of,
    read_rule_files, too_large, unreadable,
};
pub use span::{SourceFile, SourceSet, Span};
pub(crate) use suggest::{did_you_mean, listed, nearest};
pub(crate) use tree::{Disk, Entry, Tree};
