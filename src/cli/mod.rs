//! The command line: one file for each command, which reads arguments, calls the library and prints.
//!
//! A command is a struct of arguments with `fn run(self) -> Result<Exit, CliError>`, `async` if it needs the runtime.
//! Data is written to standard output, remarks and errors to standard error.

mod accounts;
mod agents;
mod check;
mod completions;
mod demo;
mod desk;
mod edits;
mod error;
mod eval;
mod explain;
mod fmt;
mod incoming;
mod init;
mod outbox;
mod person;
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
mod store;
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

use self::{
    error::{CliError, Exit},
    terminal::Color,
};
use crate::desk::visible::visible;

/// The X support channel a team runs itself, with its business rules as code.
#[derive(Debug, Parser)]
#[command(name = "twite", version, arg_required_else_help = true, disable_help_subcommand = true)]
struct Arguments {
    /// When to use colors.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

/// The commands, sorted.
#[derive(Debug, Subcommand)]
enum Command {
    Accounts(accounts::Accounts),
    Agents(agents::Agents),
    Check(check::Check),
    Completions(completions::Completions),
    Demo(demo::Demo),
    Eval(eval::Eval),
    Explain(explain::Explain),
    Fmt(fmt::Fmt),
    Incoming(incoming::Incoming),
    Init(init::Init),
    Outbox(outbox::Outbox),
    Person(person::PersonCommand),
    Report(report::ReportCommand),
    Rules(rules::Rules),
    Serve(serve::Serve),
    Sim(sim::SimCommand),
    Status(status::Status),
    Store(store::StoreCommand),
    Test(test::Test),
    Ticket(ticket::TicketCommand),
    View(view::ViewCommand),
    Why(why::Why),
}

/// The command line as a [`clap::Command`].
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Parses the arguments of the process and runs the command.
pub fn main() -> ExitCode {
    #[cfg(unix)]
    signals::outlive_size_limits();
    let ran = match Arguments::try_parse() {
        Ok(arguments) => arguments.run(),
        Err(error) => {
            // The error message quotes the arguments. Parsing them again with control characters escaped makes it safe
            // to print.
            let shown = std::env::args_os().map(|argument| visible(&argument.to_string_lossy()).into_owned());
            not_run(&Arguments::try_parse_from(shown).err().unwrap_or(error))
        }
    };
    // Output is buffered, so a write error may occur only here.
    let ran = ran.and_then(|exit| Ok(terminal::people().flush().map(|()| exit)?));
    let exit = ran.unwrap_or_else(|error| {
        // If standard error cannot be written, there is nowhere left to report to.
        let _ = writeln!(terminal::remarks(), "error: {error}");
        error.exit()
    });
    ExitCode::from(exit as u8)
}

impl Arguments {
    /// Runs the command on a Tokio runtime.
    fn run(self) -> Result<Exit, CliError> {
        self.color.choose();
        tokio::runtime::Runtime::new()?.block_on(self.command.run())
    }
}

impl Command {
    async fn run(self) -> Result<Exit, CliError> {
        match self {
            Self::Accounts(command) => command.run().await,
            Self::Agents(command) => command.run().await,
            Self::Check(command) => command.run(),
            Self::Completions(command) => command.run(),
            Self::Demo(command) => Box::pin(command.run()).await,
            Self::Eval(command) => command.run(),
            Self::Explain(command) => command.run(),
            Self::Fmt(command) => command.run(),
            Self::Incoming(command) => command.run().await,
            Self::Init(command) => command.run(),
            Self::Outbox(command) => command.run().await,
            Self::Person(command) => command.run().await,
            Self::Report(command) => command.run().await,
            Self::Rules(command) => command.run().await,
            Self::Serve(command) => command.run().await,
            Self::Sim(command) => command.run().await,
            Self::Status(command) => command.run().await,
            Self::Store(command) => command.run().await,
            Self::Test(command) => command.run(),
            Self::Ticket(command) => command.run().await,
            Self::View(command) => command.run().await,
            Self::Why(command) => command.run().await,
        }
    }
}

/// Prints the result of clap if it is not a command: help or the version, which are data, or a usage error.
fn not_run(instead: &clap::Error) -> Result<Exit, CliError> {
    let text = |colored: bool| match colored {
        true => instead.render().ansi().to_string(),
        false => instead.render().to_string(),
    };
    if instead.use_stderr() {
        terminal::remarks().write_all(text(terminal::colored(&io::stderr())).as_bytes())?;
        return Ok(Exit::Usage);
    }
    terminal::people().write_all(text(terminal::colored(&io::stdout())).as_bytes())?;
    Ok(Exit::Fine)
}
