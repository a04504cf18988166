//! Traces as text: each rule with its condition as a tree, with the values the predicates found.

use std::fmt::Write;

use owo_colors::OwoColorize;

use crate::{
    desk::visible::Visible,
    engine::{
        Decision, Explanation, ExplanationKind, RuleTrace, Trace, Verdict, change_line, effect_line, found,
        held_back_line,
    },
    lang::display::Quoted,
};

/// A trace as text, rule by rule: ✓ marks conditions that held and rules that fired, ✗ those that did not.
pub(crate) fn trace(trace: &Trace, color: bool) -> String {
    let mut text = String::new();
    let decision = &trace.decision;
    let passes = match decision.passes {
        0 if decision.closed => "no run, because the ticket was closed".to_owned(),
        0 => "automations only".to_owned(),
        1 => "1 pass".to_owned(),
        n => format!("{n} passes"),
    };
    line(&mut text, 0, &format!("rules {}, {}, {passes}", decision.version, trace.now));
    if let Some(sla) = &decision.ticket.sla {
        let breach = decision.ticket.breach;
        let breach = breach.map_or("no target is due".to_owned(), |breach| format!("next breach {breach}"));
        line(&mut text, 0, &format!("sla {}, {breach}", Quoted(sla)));
    }
    for rule in trace.rules() {
        line(&mut text, 0, "");
        one(&mut text, rule, decision, color);
    }
    text
}

fn one(text: &mut String, rule: &RuleTrace, decision: &Decision, color: bool) {
    let (sign, fate) = match rule.verdict {
        Verdict::Fired { pass: 0 } => (mark(true, color), "fired".to_owned()),
        Verdict::Shadow { pass: 0 } => ("~".to_owned(), "would have fired (shadow)".to_owned()),
        Verdict::AlreadyActive { again: None } => {
            ("·".to_owned(), "already active, so it does not fire again".to_owned())
        }
        Verdict::AlreadyActive { again: Some(again) } => {
            ("·".to_owned(), format!("already active; while it holds, it fires again at {again}"))
        }
        Verdict::Fired { pass } => (mark(true, color), format!("fired in pass {pass}")),
        Verdict::Shadow { pass } => ("~".to_owned(), format!("would have fired in pass {pass} (shadow)")),
        Verdict::HeldBack { pass: 0 } => ("·".to_owned(), "held back".to_owned()),
        Verdict::HeldBack { pass } => ("·".to_owned(), format!("held back in pass {pass}")),
        Verdict::False => (mark(false, color), "did not fire".to_owned()),
        Verdict::Disabled => ("·".to_owned(), "is disabled".to_owned()),
        Verdict::OtherEvent => ("·".to_owned(), "does not run on this event".to_owned()),
        Verdict::NotReached => {
            let by = decision.stopped_by.as_deref().map(|title| format!(" by {}", Quoted(title))).unwrap_or_default();
            ("·".to_owned(), format!("not reached: the run was stopped{by}"))
        }
        Verdict::Closed => ("·".to_owned(), "not evaluated: the ticket was closed".to_owned()),
    };
    let at = format!("{}:{}", Visible(&rule.span.file), rule.span.line);
    let at = if color { at.dimmed().to_string() } else { at };
    line(text, 0, &format!("{sign} {} {fate}  {at}", Quoted(&rule.rule)));
    match rule.when.as_ref() {
        Some(Explanation { kind: ExplanationKind::All(parts), .. }) if !parts.is_empty() => {
            parts.iter().for_each(|part| tree(text, 1, part, color));
        }
        Some(explanation) => tree(text, 1, explanation, color),
        None => {}
    }
    if let Some(held) = decision.held_back.iter().find(|held| held.rule == rule.rule) {
        line(text, 1, &format!("→ {}", held_back_line(held)));
    }
    let Some(fired) = decision.fired.iter().find(|fired| fired.rule == rule.rule) else { return };
    for change in &fired.changes {
        line(text, 1, &format!("→ {}", change_line(change)));
    }
    for effect in &fired.effects {
        line(text, 1, &format!("→ {}", effect_line(effect)));
    }
    for remark in &fired.remarks {
        line(text, 1, &format!("→ {}", Visible(remark)));
    }
}

fn tree(text: &mut String, depth: usize, explanation: &Explanation, color: bool) {
    let sign = mark(explanation.holds, color);
    let (what, parts): (String, &[Explanation]) = match &explanation.kind {
        ExplanationKind::All(parts) if parts.is_empty() => ("always".to_owned(), parts),
        ExplanationKind::Any(parts) if parts.is_empty() => ("never".to_owned(), parts),
        ExplanationKind::All(parts) => ("all of".to_owned(), parts),
        ExplanationKind::Any(parts) => ("any of".to_owned(), parts),
        ExplanationKind::Not(inner) => ("not".to_owned(), std::slice::from_ref(inner)),
        ExplanationKind::Let { name, means } => (name.clone(), std::slice::from_ref(means)),
        ExplanationKind::Predicate { text, found: read } => {
            let found = found(read);
            (format!("{text}  {}", if color { found.dimmed().to_string() } else { found }), &[])
        }
    };
    line(text, depth, &format!("{sign} {what}"));
    parts.iter().for_each(|part| tree(text, depth + 1, part, color));
}

fn mark(holds: bool, color: bool) -> String {
    match (holds, color) {
        (true, true) => "✓".green().to_string(),
        (false, true) => "✗".red().to_string(),
        (true, false) => "✓".to_owned(),
        (false, false) => "✗".to_owned(),
    }
}

fn line(text: &mut String, depth: usize, what: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{}{what}", "  ".repeat(depth));
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        desk::{Actor, Event, EventKind, Status, Ticket, Via},
        engine::explain,
        lang::{
            check_files,
            rules::{Files, Rules, SourceFile, Version},
        },
    };

    fn rules() -> Rules {
        let text = r#"let influencer = requester.followers >= 10_000 or requester.verified

trigger "Escalate influencers" {
  when channel is twitter and influencer and not tags has vip
  then
    set priority to urgent
    add tags vip
    reply "Hello {{ticket.requester.name}}!"
    notify group "Social VIP" {
      subject "{{ticket.requester.followers}} followers on {{ticket.channel}}"
      body "{{ticket.link}}"
    }
    webhook "status page"
}

disabled trigger "Nobody" {
  then add tags nobody
}

shadow trigger "Only watching" {
  when status changed
  then add tags seen
}

trigger "Later" {
  on updated
  then add tags later
}

trigger "Long waiting" {
  when time until due < 1 hour
  then add tags waiting
}

trigger "Enough" {
  then stop
}

trigger "Too late" {
  then add tags late
}
"#;
        let file = |name: &str, text: &str| SourceFile::new(name, text);
        let toml =
            "[[group]]\nname = \"Social VIP\"\n\n[[webhook]]\nname = \"status page\"\nurl = \"https://x.example\"\n";
        let files = Files {
            config: Some(file("twite.toml", toml)),
            rules: vec![file("rules/a.twite", text)],
            ..Files::default()
        };
        let (rules, found) = check_files(files, Version { hash: "0123456789abcdef".to_owned(), commit: None });
        let found: Vec<_> = found.iter().map(|found| &found.message).collect();
        rules.unwrap_or_else(|| panic!("{found:#?}"))
    }

    fn trace_of(ticket: &Ticket) -> Trace {
        let now: Timestamp = "2026-01-05T12:00:00Z".parse().unwrap();
        let event = Event {
            kind: EventKind::Created,
            via: Via::Twitter,
            actor: Actor::Person,
            comment: None,
            cause: None,
            fired_before: vec![],
            volumes: vec![],
        };
        explain(&rules(), ticket, &event, now)
    }

    fn ada() -> Ticket {
        let mut ticket = Ticket { description: "my order\u{7} never came".into(), ..Ticket::default() };
        ticket.requester.name = Some("Ada\u{202e}".into());
        ticket.requester.followers = Some(12_000);
        ticket
    }

    #[test]
    fn a_trace_reads_as_a_tree() {
        insta::assert_snapshot!(trace(&trace_of(&ada()), false));
    }

    #[test]
    fn a_closed_ticket_says_so() {
        let closed = trace(&trace_of(&Ticket { status: Status::Closed, ..ada() }), false);
        assert!(
            closed.starts_with("rules 0123456789ab, 2026-01-05T12:00:00Z, no run, because the ticket was closed\n")
        );
        assert!(closed.contains("· \"Escalate influencers\" not evaluated: the ticket was closed  rules/a.twite:3\n"));
    }

    #[test]
    fn color_changes_nothing_but_the_color() {
        let traced = trace_of(&ada());
        let colored = trace(&traced, true);
        let codes = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
        assert_ne!(colored, trace(&traced, false));
        assert_eq!(codes.replace_all(&colored, ""), trace(&traced, false));
    }
}
