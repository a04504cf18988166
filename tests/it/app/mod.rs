//! What the desk does, whoever asks for it.

mod actions;
mod automations;
mod counted;
mod invariants;
mod order;
mod private;
mod together;
mod verify;
