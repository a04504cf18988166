//! X: decoding, client, OAuth, polling, lookups, limits.
//!
//! Every call fails with [`XError`] when X refuses or cannot be reached. `# Errors` says only what is more.

pub mod client;
pub mod error;
pub mod limits;
pub mod lookup;
pub mod oauth;
mod parts;
pub mod poll;
pub mod wire;

pub use error::{Refusal, XError};
pub use wire::{DirectMessage, Page, Post, Unreadable};
