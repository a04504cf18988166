//! The command line: one file per command, no logic another module should own.
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

use clap::{CommandFactory as _, Parser, Subcommand};

use self::terminal::Color;
use crate::desk::visible::visible;

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
    /// Wrong usage or configuration: what is wrong, and the way out, in one line whatever was given.
    #[error("{}", visible(.0))]
    Usage(String),
    /// The same over several lines, made for people.
    #[error("{0}")]
    Report(String),
    /// Something broke.
    #[error("{}", visible(&.0.to_string()))]
    Broke(#[from] Box<dyn std::error::Error + Send + Sync>),
    /// Nothing can be written or read.
    #[error("{}", visible(&.0.to_string()))]
    Io(#[from] io::Error),
}

/// Something broke, as an error of a command.
pub(crate) fn broke(error: impl std::error::Error + Send + Sync + 'static) -> CliError {
    CliError::Broke(Box::new(error))
}

/// The command line, as clap has it.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    #[cfg(unix)]
    signals::outlive_size_limits();
    ExitCode::from(match Arguments::try_parse() {
        Ok(arguments) => status(arguments.run()),
        Err(error) => {
            // What was given stands in one line, whatever it is; so it is read once more as it is shown.
            let shown = std::env::args_os().map(|argument| visible(&argument.to_string_lossy()).into_owned());
            status(not_run(&Arguments::try_parse_from(shown).err().unwrap_or(error)))
        }
    })
}

impl Arguments {
    fn run(self) -> Result<u8, CliError> {
        self.color.choose();
        match self.command {
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
        }
    }
}

/// Prints what clap has instead of a command: help and the version, which are data, or what is wrong with the arguments.
fn not_run(instead: &clap::Error) -> Result<u8, CliError> {
    let text = |colored: bool| match colored {
        true => instead.render().ansi().to_string(),
        false => instead.render().to_string(),
    };
    if instead.use_stderr() {
        terminal::remarks().write_all(text(terminal::colored(&io::stderr())).as_bytes())?;
        return Ok(USAGE);
    }
    terminal::people().write_all(text(terminal::colored(&io::stdout())).as_bytes())?;
    Ok(FINE)
}

/// The exit status of what a command came to; says what went wrong.
fn status(ran: Result<u8, CliError>) -> u8 {
    // The last moment at which anybody can be told that it cannot be written.
    let ran = ran.and_then(|status| Ok(terminal::people().flush().map(|()| status)?));
    let (status, error) = match ran {
        Ok(status) => return status,
        Err(error @ (CliError::Usage(_) | CliError::Report(_))) => (USAGE, error),
        Err(error) => (BROKE, error),
    };
    // Nobody is left to tell where standard error cannot be written.
    let _ = writeln!(terminal::remarks(), "error: {error}");
    status
}
