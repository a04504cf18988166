//! The command line: one file per command, no logic another room should own.
//!
//! Exit status, the same everywhere: 0 fine; 1 findings, failed tests or differences; 2 wrong usage or
//! configuration; 3 it broke.
//!
//! A command is a struct of arguments with `fn run(self) -> Result<u8, CliError>`; the number is its
//! exit status. Data goes to standard output, everything said about it to standard error.

mod accounts;
mod check;
mod completions;
mod demo;
mod desk;
mod eval;
mod explain;
mod fmt;
mod init;
mod junit;
mod outbox;
mod report;
mod rewrite;
mod rules;
mod serve;
#[cfg(unix)]
mod signals;
mod sim;
mod source;
mod starter;
mod status;
mod terminal;
mod test;
mod ticket;
mod view;
mod why;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use self::terminal::Color;

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
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

/// The commands, sorted.
#[derive(Debug, Subcommand)]
enum Command {
    Accounts(accounts::Accounts),
    Check(check::Check),
    Completions(completions::Completions),
    Demo(demo::Demo),
    Eval(eval::Eval),
    Explain(explain::Explain),
    Fmt(fmt::Fmt),
    Init(init::Init),
    Outbox(outbox::Outbox),
    Report(report::ReportCommand),
    Rules(rules::Rules),
    Serve(serve::Serve),
    Sim(sim::SimCommand),
    Status(status::Status),
    Test(test::Test),
    Ticket(ticket::TicketCommand),
    View(view::ViewCommand),
    Why(why::Why),
}

/// Why a command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Wrong usage or configuration: what is wrong, and the way out.
    #[error("{0}")]
    Usage(String),
    /// Something broke.
    #[error(transparent)]
    Broke(#[from] Box<dyn std::error::Error + Send + Sync>),
    /// Nothing can be written or read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Something broke, as an error of a command.
pub(crate) fn broke(error: impl std::error::Error + Send + Sync + 'static) -> CliError {
    CliError::Broke(Box::new(error))
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    #[cfg(unix)]
    signals::outlive_size_limits();
    let arguments = Arguments::parse();
    arguments.color.choose();
    let ran = match arguments.command {
        Command::Accounts(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Eval(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Fmt(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Outbox(command) => command.run(),
        Command::Report(command) => command.run(),
        Command::Rules(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Sim(command) => command.run(),
        Command::Status(command) => command.run(),
        Command::Test(command) => command.run(),
        Command::Ticket(command) => command.run(),
        Command::View(command) => command.run(),
        Command::Why(command) => command.run(),
    };
    ExitCode::from(status(ran))
}

/// The exit status of what a command came to; says what went wrong.
fn status(ran: Result<u8, CliError>) -> u8 {
    let (status, error) = match ran {
        Ok(status) => return status,
        Err(error @ CliError::Usage(_)) => (USAGE, error),
        Err(error) => (BROKE, error),
    };
    // Nobody is left to tell where standard error cannot be written.
    let _ = writeln!(terminal::remarks(), "error: {error}");
    status
}
