//! What is kept.

mod forget;
mod full_disk;
