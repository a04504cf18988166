//! `twite status`: shows the live rules, the rule files, the daemon, the queues and the accounts.

use clap::Args;

use super::{
    CliError, Exit,
    desk::{Access, DeskArgs},
    view::TableFormat,
};
use crate::{app::health::Health, clock::Clock, present};

/// Show the live rules, the state of the rule files, the daemon, the queues and the accounts.
///
/// Exits with status 1 if the files have errors; with --health, also if no daemon runs or an account does not work.
#[derive(Debug, Args)]
#[command(after_long_help = "\
With --format json one object is printed:

  database  where it is looked for
  rules     what is live: hash, commit (with + where the files are not as it has them), since; null before the first daemon
  follow    files as they are, or commit: what is committed is compared then
  files     same, newer, broken, or unknown where nothing is live yet
  broken    since (null where no daemon has said so yet) and report; null where nothing is wrong
  unread    files whose names end only nearly as those of rule files do, so that their rules are not read
  restart   settings that changed and are used when the daemon starts again
  daemon    running, and pid, host, since and renewed of the one that works, or worked last; stuck where it runs and yet has
            written nothing for ten seconds; null before the first
  queues    inbox, inbox_since, set_aside, outbox, outbox_due, sending, unknown
  failing   the mail server and the webhooks that fail now: destination, waiting, since and reason
  accounts  of each declared account, handle, id, state, since when it is connected, and its hindrances: what does not
            work (sending posts, sending messages, grant for anything at all, or what is read), the reason, since and next, and throttled where X's
            rate limit is the reason; since is null for a scope that was not granted, and for what may have been missed; acknowledged: what may have been missed and
            somebody has acknowledged, when (at) and who (by)
  admins    those whom no mail reaches when an account cannot work any more: name, and why
  loops     the tickets on which automations were stopped as they went in circles: ticket, at, automations
  held_back the rules that their caps (at most …) held back in the last 24 hours: rule, times")]
pub(crate) struct Status {
    /// Also exit with status 1 if no daemon runs on the database, if it cannot write, or if a declared account is not
    /// connected or has a problem. X's rate limit counts as a problem after half an hour.
    #[arg(long)]
    health: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    format: TableFormat,
    #[command(flatten)]
    desk: DeskArgs,
}

impl Status {
    pub(crate) async fn run(self) -> Result<Exit, CliError> {
        let place = self.desk.place()?;
        let store = place.open_existing(Access::Read).await?;
        let database = place.database();
        let now = Clock::Wall.now();
        let health = Health::read(database, store.as_ref(), self.desk.rule_files(), now).await?;
        self.format.print(|| present::health::text(&health, &place.no_database()), &health)?;
        let ails = health.broken.is_some() || (self.health && !health.works(now));
        Ok(if ails { Exit::Findings } else { Exit::Fine })
    }
}
