//! The language: what is read, refused, formatted and told.

mod characters;
mod kinds;
mod messages;
mod moments;
mod neighbours;
mod printing;
mod properties;
mod recipes;
mod reserved;
mod suppressions;
