//! Client for X's API: requests, decoding, OAuth, transports, delivery lookups, rate limits.
//!
//! Calls fail with [`XError`] when X refuses or cannot be reached; `# Errors` lists only other causes.

pub mod client;
mod entities;
pub mod error;
pub mod limits;
pub mod lookup;
pub mod media;
pub mod oauth;
pub mod operation;
mod parts;
pub mod signature;
pub mod subscriptions;
mod token_store;
pub mod transport;
pub mod webhooks;
pub mod wire;

pub use error::{Refusal, XError};
pub use token_store::{Asked, TokenError, TokenStore};
pub use wire::{DirectMessage, Page, Post, Unreadable};
