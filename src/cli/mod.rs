//! The command line: one file per command, no logic another room should own.
//!
//! Exit status, the same everywhere: 0 fine; 1 findings, failed tests or differences; 2 wrong usage or
//! configuration; 3 it broke.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Everything went well.
pub const FINE: u8 = 0;
/// There are findings, failed tests or differences.
pub const FINDINGS: u8 = 1;
/// Wrong usage or configuration.
pub const USAGE: u8 = 2;
/// Something broke that was not the user's doing.
pub const BROKE: u8 = 3;

/// The X support channel a team runs itself, with its business rules as code.
#[derive(Debug, Parser)]
#[command(name = "twite", version, arg_required_else_help = true, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {}
}
