//! `twite ticket`: tickets in the terminal.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    sync::Arc,
};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::{
    CliError, FINDINGS, FINE, broke,
    check::pretty,
    desk::DeskArgs,
    terminal,
    view::{self, Page, TableFormat},
};
use crate::{
    app::{
        Notice,
        agent::{self, Applied, NotDone},
    },
    clock::Clock,
    desk::{
        Author, Cause, Comment, CommentSource, Delivery, Desk, Facts, FieldRef, TicketId,
        field::{FIELDS, Scope},
        visible::visible,
    },
    engine::{Decider, RuleSet, change_line, changes, effect_line},
    lang::{
        Sources, check_sources, did_you_mean, nearest, render,
        rules::{Mode, Rules, View},
    },
    present::table::{cell, minute, plain},
    store::Store,
};

/// List tickets, show one with all that was said on it, and apply macros.
#[derive(Debug, Args)]
pub(crate) struct TicketCommand {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    desk: DeskArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List tickets, by any condition that a view could have.
    ///
    ///   twite ticket list --where 'channel is twitter_dm and status < solved'
    #[command(verbatim_doc_comment)]
    List(List),
    /// Show a ticket: its fields, what was said, and what was sent.
    Show {
        /// Its number.
        #[arg(value_name = "ID")]
        ticket: i64,
        /// How it is printed.
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
    /// Apply a macro to tickets, as an agent: what it sets is set at once, triggers run on the update, and what is to be
    /// sent leaves as soon as the daemon runs. Ends with status 1 where a ticket refuses it; the others are done.
    Apply(Apply),
}

#[derive(Debug, Args)]
struct Apply {
    /// The macro's title.
    #[arg(value_name = "MACRO")]
    title: String,
    /// The tickets' numbers.
    #[arg(value_name = "ID", required = true)]
    tickets: Vec<i64>,
    /// Only show what would come of it.
    #[arg(long)]
    dry_run: bool,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    format: TableFormat,
}

#[derive(Debug, Args)]
struct List {
    /// Which tickets, as the `where` of a view says it.
    #[arg(long = "where", value_name = "CONDITION", default_value = "status < closed")]
    filter: String,
    /// In which order, as `sort by` of a view says it.
    #[arg(long, value_name = "FIELD", default_value = "updated descending")]
    sort: String,
    /// What is shown of each, separated by commas.
    #[arg(long, value_name = "FIELDS", default_value = "id, status, priority, subject, requester, updated")]
    columns: String,
    #[command(flatten)]
    page: Page,
}

impl TicketCommand {
    pub(crate) fn run(self) -> Result<u8, CliError> {
        let (rules, place) = self.desk.load()?;
        let desk = &rules.desk;
        let runtime = tokio::runtime::Runtime::new()?;
        match self.what {
            What::List(list) => {
                let view = list.view(desk)?;
                runtime.block_on(async {
                    let store = place.open_existing().await?;
                    view::show(&store, &view, desk, Clock::Wall.now(), &list.page).await
                })
            }
            What::Apply(apply) => runtime.block_on(async {
                let store = place.open_existing().await?;
                apply.run(&store, &rules).await
            }),
            What::Show { ticket, format } => runtime.block_on(async {
                let store = place.open_existing().await?;
                show(&store, TicketId(ticket), desk, format).await
            }),
        }
    }
}

impl Apply {
    async fn run(&self, store: &Store, rules: &Arc<Rules>) -> Result<u8, CliError> {
        let known = || rules.macros.iter().filter(|m| m.mode == Mode::Live).map(|m| m.title.as_str());
        let Some(found) = rules.macros.iter().find(|m| m.title == self.title && m.mode == Mode::Live) else {
            let meant = did_you_mean(nearest(&self.title, known()));
            let all: Vec<_> = known().map(|title| format!("{title:?}")).collect();
            let all = if all.is_empty() { "the rules have none".to_owned() } else { all.join(", ") };
            return Err(CliError::Usage(format!("there is no macro {:?}{meant}: {all}", self.title)));
        };
        let rules = &Arc::new(RuleSet::new(Arc::clone(rules)));
        // Somebody waits for one decision, which makes verifying it cheap.
        let decider = Decider::default().verifying(1);
        let mut out = terminal::people_or_json(self.format == TableFormat::Table);
        let (mut status, mut listed) = (FINE, vec![]);
        // A ticket that is named twice is one.
        let mut applied = BTreeSet::new();
        for id in self.tickets.iter().filter(|id| applied.insert(**id)) {
            let (id, cause) = (TicketId(*id), Cause::Macro(found.title.clone()));
            let done = match self.dry_run {
                true => agent::preview(store, rules, decider, &Clock::Wall, id, &found.then, cause).await,
                false => agent::update(store, rules, decider, &Clock::Wall, id, &found.then, cause).await,
            };
            for notice in done.iter().flat_map(|(_, notices)| notices) {
                if matches!(notice, Notice::Disagree { .. }) {
                    writeln!(terminal::remarks(), "error: {notice}")?;
                }
            }
            match done.map(|(done, _)| done) {
                Ok(done) if self.format == TableFormat::Json => listed.push(json!({
                    "ticket": id,
                    "changes": changes(&done.before, &done.decision.ticket, &rules.desk),
                    "effects": done.effects,
                    "decision": done.decision,
                })),
                Ok(done) => print_done(&mut out, id, &done, rules, self.dry_run)?,
                Err(NotDone::Store(error)) => return Err(broke(error)),
                Err(refused) => {
                    status = FINDINGS;
                    match self.format {
                        TableFormat::Json => listed.push(json!({"ticket": id, "refused": refused.to_string()})),
                        TableFormat::Table => writeln!(terminal::remarks(), "{}", visible(&refused.to_string()))?,
                    }
                }
            }
        }
        if self.format == TableFormat::Json {
            out.write_all(pretty(&listed.into())?.as_bytes())?;
        }
        Ok(status)
    }
}

fn print_done(out: &mut impl Write, id: TicketId, done: &Applied, rules: &Rules, dry_run: bool) -> io::Result<()> {
    writeln!(out, "ticket {id}{}", if dry_run { ", if it were applied" } else { "" })?;
    for change in changes(&done.before, &done.decision.ticket, &rules.desk) {
        // What was said is said below.
        if !matches!(&*change.field, "updated" | "latest_comment" | "latest_public_comment") {
            writeln!(out, "  {}", change_line(&change))?;
        }
    }
    for effect in &done.effects {
        writeln!(out, "  → {}", visible(&effect_line(effect)))?;
    }
    for asked in &done.decision.effects {
        writeln!(out, "  → {} by {:?}", visible(&effect_line(&asked.effect)), asked.rule)?;
    }
    Ok(())
}

impl List {
    /// The view that these options describe, written and checked as one in a file would be.
    fn view(&self, desk: &Desk) -> Result<View, CliError> {
        let text = format!(
            "view \"tickets\" {{
  where {}
  columns {}
  sort by {}
}}
",
            self.filter, self.columns, self.sort
        );
        let name = "these options";
        let (rules, found) = check_sources([(name, text.clone())], desk.clone());
        let mut views = rules.map(|rules| rules.views).unwrap_or_default();
        match (views.pop().and_then(std::sync::Arc::into_inner), views.pop()) {
            (Some(view), None) => Ok(view),
            _ => {
                let mut sources = Sources::default();
                sources.insert(name, text);
                let report = render::human(&found, &sources, terminal::style(&io::stderr()));
                Err(CliError::Report(format!("these options describe no list of tickets\n\n{report}")))
            }
        }
    }
}

/// There is no such ticket.
pub(super) fn unknown(id: TicketId) -> CliError {
    CliError::Usage(format!("there is no ticket {id}; `twite ticket list` shows those there are"))
}

async fn show(store: &Store, id: TicketId, desk: &Desk, format: TableFormat) -> Result<u8, CliError> {
    let ticket = store.ticket(id).await.map_err(broke)?.ok_or_else(|| unknown(id))?;
    let comments = store.comments(id).await.map_err(broke)?;
    let context = store.context(id).await.map_err(broke)?;
    let links = store.links(id).await.map_err(broke)?;
    let left_out = store.left_out(id).await.map_err(broke)?;
    let stopped = store.stopped_loop(id).await.map_err(broke)?;
    let outgoing = store.outgoing(id).await.map_err(broke)?;
    let interventions = store.interventions(id).await.map_err(broke)?;
    let mut out = terminal::people_or_json(format == TableFormat::Table);
    if format == TableFormat::Json {
        let context = context.iter().map(|(post, handle)| {
            json!({"id": post.id, "author": post.author, "handle": handle, "made": post.made, "text": post.text})
        });
        let links = links.iter().map(|(linked, why)| json!({"ticket": linked, "why": why}));
        let shown = json!({
            "ticket": ticket,
            "links": links.collect::<Vec<_>>(),
            "comments": comments,
            "context": context.collect::<Vec<_>>(),
            "not_imported": left_out,
            "stopped": stopped,
            "outgoing": outgoing,
            "interventions": interventions,
        });
        out.write_all(pretty(&shown)?.as_bytes())?;
        return Ok(FINE);
    }
    let facts = Facts { ticket: &ticket, event: None, now: Clock::Wall.now(), desk };
    let mut table = plain();
    let known =
        FIELDS.iter().filter(|f| matches!(f.scope, Scope::Ticket | Scope::Shown)).map(|f| FieldRef::find(f.name, desk));
    let custom = desk.fields.iter().map(|field| FieldRef::find(&format!("field.{}", field.name), desk));
    for field in known.chain(custom).flatten() {
        let value = field.read(facts);
        // What is said below need not be said here.
        if !value.is_empty() && !matches!(&*field.name(), "latest_comment" | "latest_public_comment" | "description") {
            table.add_row([field.name().to_string(), cell(&value)]);
        }
    }
    for (linked, why) in &links {
        table.add_row(["linked".to_owned(), format!("{linked} ({})", visible(why))]);
    }
    writeln!(out, "{}", table.trim_fmt())?;
    let mut said: Vec<(Timestamp, String, String)> = vec![];
    for (post, handle) in &context {
        let who = handle.as_ref().map_or_else(|| format!("person {}", post.author), |handle| format!("@{handle}"));
        said.push((post.made, format!("{who}, above in the conversation"), post.text.clone()));
    }
    said.extend(comments.iter().map(|comment| (comment.made, about(comment), comment.text.clone())));
    // Stable: comments are in the order of X's ids, which tell more than clocks.
    said.sort_by_key(|(made, ..)| *made);
    for (made, who, text) in said {
        writeln!(out, "\n{}  {}", minute(made), visible(&who))?;
        for line in text.lines() {
            writeln!(out, "    {}", visible(line))?;
        }
    }
    if let Some(stopped) = &stopped {
        writeln!(out, "\n{}", visible(&stopped.reason()))?;
    }
    if left_out > 0 {
        writeln!(out, "\n{left_out} more messages are not here: a ticket takes at most 5,000")?;
    }
    if !outgoing.is_empty() {
        writeln!(out)?;
    }
    for left in &outgoing {
        let by = left.rule.as_deref().map(|rule| format!(" by {rule:?}")).unwrap_or_default();
        let why = left.reason.as_deref().map(|why| format!(": {}", visible(why))).unwrap_or_default();
        writeln!(
            out,
            "{} {}{}{why} (outbox {})",
            left.state,
            visible(&effect_line(&left.effect)),
            visible(&by),
            left.id
        )?;
        for done in interventions.iter().filter(|done| done.item == left.id) {
            writeln!(out, "  {}  {}", minute(done.made), visible(&done.line()))?;
        }
    }
    writeln!(out, "\n`twite why {id}` tells what the rules did")?;
    Ok(FINE)
}

/// Who said it, where, and what became of it.
fn about(comment: &Comment) -> String {
    let who = match comment.author {
        Author::Requester => "requester",
        Author::Agent => "agent",
        Author::Rule => "a rule",
    };
    let place = match comment.source {
        CommentSource::Post { .. } => "",
        CommentSource::DirectMessage { .. } => ", direct message",
        CommentSource::Note => ", private note",
    };
    let version = if comment.version > 1 { format!(", edited (version {})", comment.version) } else { String::new() };
    let fate = match comment.delivery {
        Delivery::Imported if comment.deleted => ", deleted",
        Delivery::Imported => "",
        Delivery::Waiting => ", waiting to be sent",
        Delivery::Sent => ", sent",
        Delivery::Refused => ", refused by X",
        Delivery::Unknown => ", may or may not have arrived",
    };
    format!("{who}{place}{version}{fate}")
}
