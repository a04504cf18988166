//! Client for X's API: requests, decoding, OAuth, polling, delivery lookups, rate limits.
//!
//! Calls fail with [`XError`] when X refuses or cannot be reached; `# Errors` lists only other causes.

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
