//! Tests of `lang`: parsing, checking, formatting and messages.

mod characters;
mod kinds;
mod lists;
mod messages;
mod mistakes;
mod moments;
mod neighbours;
mod printing;
mod properties;
mod recipes;
mod reserved;
mod sample;
mod sane;
mod slips;
mod suppressions;
mod templates;
