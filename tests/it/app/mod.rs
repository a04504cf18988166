//! Tests of `app`.

mod actions;
mod assignments;
mod automations;
mod caps;
mod counted;
mod entities;
mod facts;
mod incoming;
mod invariants;
mod messages;
mod order;
mod overlooked;
mod people;
mod private;
mod problems;
mod replies;
mod satisfaction;
mod together;
mod verify;
mod volumes;
