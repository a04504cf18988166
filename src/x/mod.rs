//! X: client, OAuth, posts to events, replies, limits.

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
