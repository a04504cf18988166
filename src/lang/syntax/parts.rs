//! The items, clauses and actions allowed at each level of a file: one table for error recovery, messages and
//! reparsing.

use super::{SyntaxKind, SyntaxNode, grammar::Rule};
use crate::lang::codes::{self, Code};

/// One level of a file, with the parts that it may contain.
pub(super) struct Level {
    /// The diagnostic code for an unknown part.
    pub(super) code: &'static Code,
    /// The name of its parts in messages, such as `trigger clause`.
    pub(super) what: &'static str,
    pub(super) parts: &'static [Part],
}

/// An item, a clause or an action.
pub(super) struct Part {
    /// The keywords it starts with.
    pub(super) words: &'static str,
    /// The grammar rule that parses it alone; `None` if anything may follow its keyword.
    pub(super) alone: Option<Rule>,
    /// An example of it, for messages.
    pub(super) example: &'static str,
}

impl Part {
    /// Its first keyword.
    pub(super) fn start(&self) -> &'static str {
        self.words.split(' ').next().unwrap_or(self.words)
    }

    /// Its second keyword; empty if there is none.
    pub(super) fn second(&self) -> &'static str {
        self.words.split(' ').nth(1).unwrap_or_default()
    }
}

impl Level {
    /// The keywords of each part, as messages list them.
    pub(super) fn known(&self) -> impl Iterator<Item = &'static str> {
        self.parts.iter().map(|part| part.words)
    }

    /// The first keyword of each part.
    pub(super) fn starts(&self) -> impl Iterator<Item = &'static str> {
        self.parts.iter().map(Part::start)
    }

    /// The part whose first keyword is `word`.
    pub(super) fn part(&self, word: &str) -> Option<&'static Part> {
        self.parts.iter().find(|part| part.start() == word)
    }
}

macro_rules! levels {
    ($($name:ident $code:ident $what:literal { $($words:literal $($alone:ident)? $example:literal,)+ })+) => {
        $(
            pub(super) static $name: Level = Level {
                code: &codes::$code,
                what: $what,
                parts: &[$(Part { words: $words, alone: levels!(@ $($alone)?), example: $example },)+],
            };
        )+

        #[cfg(test)]
        static LEVELS: &[&Level] = &[$(&$name,)+];
    };
    (@ $alone:ident) => { Some(Rule::$alone) };
    (@) => { None };
}

levels! {
    ITEMS TW0104 "item" {
        "let" only_item "let vip = tags has vip",
        "list" only_item "list vips = (\"ada\", \"grace\")",
        "trigger" only_item "trigger \"Name\" { when status is new then add tags a }",
        "automation" only_item "automation \"Name\" { when … then … }",
        "view" only_item "view \"Name\" { where … columns … }",
        "report" only_item "report \"Name\" { measure count }",
        "sla" only_item "sla \"Name\" { when … first reply within 1 hour }",
        "volume" only_item "volume \"Name\" { when … at least 20 tickets within 10 minutes }",
        "macro" only_item "macro \"Name\" { then … }",
        "test" only_item "test \"Name\" { given ticket { … } when created expect … }",
    }
    TRIGGER TW0113 "trigger clause" {
        "on" only_on "on created, updated",
        "when" only_when "when status is open and priority is high",
        "at most" only_cap "at most once per requester per 30 days",
        "then" "then add tags a",
    }
    AUTOMATION TW0113 "automation clause" {
        "when" only_when "when time since solved >= 4 days",
        "at most" only_cap "at most 5 times per account per hour",
        "every" only_every "every 4 hours while it holds, at most 5 times",
        "runs triggers" only_runs "runs triggers",
        "then" "then add tags a",
    }
    MACRO TW0113 "macro clause" {
        "then" "then reply \"…\"",
        "visible to" only_visible "visible to group \"…\"",
    }
    VIEW TW0113 "view clause" {
        "where" only_where "where status < solved",
        "columns" only_columns "columns id, subject",
        "group by" only_group "group by status",
        "sort by" only_sort "sort by updated descending",
        "visible to" only_visible "visible to group \"…\"",
    }
    REPORT TW0113 "report clause" {
        "where" only_where "where channel is twitter",
        "measure" only_measure "measure count, median first_reply_time",
        "by" only_by "by day of created, channel",
        "over" only_over "over last 30 days",
        "compare to" only_compare "compare to previous period",
        "chart" only_chart "chart bars",
        "visible to" only_visible "visible to group \"…\"",
    }
    SLA TW0113 "sla clause" {
        "when" only_when "when channel is twitter",
        "first reply within" only_target "first reply within 1 hour if priority is high",
        "next reply within" only_target "next reply within 4 business hours",
        "update every" only_target "update every 2 days",
        "solve within" only_target "solve within 5 days",
        "pause while" only_pause "pause while status in (pending, hold)",
    }
    VOLUME TW0113 "volume clause" {
        "on" only_on "on created",
        "when" only_when "when tags has outage",
        "at least" only_count "at least 20 tickets within 10 minutes",
    }
    TEST TW0113 "test clause" {
        "given" only_given "given ticket { channel twitter, comment \"…\" }",
        "at" only_at "at 2026-01-05T12:00:00Z",
        "when" only_happens "when created",
        "expect" only_expect "expect tags has vip",
    }
    ACTIONS TW0114 "action" {
        "set" only_action "set priority to high",
        "clear" only_action "clear assignee",
        "add tags" only_action "add tags a, b",
        "remove tags" only_action "remove tags a",
        "assign to" only_action "assign to group \"…\"",
        "reply" only_action "reply \"…\"",
        "message requester" only_action "message requester \"…\"",
        "ask for satisfaction" only_action "ask for satisfaction \"…\"",
        "note" only_action "note \"…\"",
        "notify" only_action "notify group \"…\" { subject \"…\" body \"…\" }",
        "remind" only_action "remind assignee in 2 days",
        "webhook" only_action "webhook \"…\"",
        "snooze for" only_action "snooze for 2 days",
        "merge into" only_action "merge into earlier ticket",
        "like" only_action "like the post",
        "hide" only_action "hide the post",
        "mute" only_action "mute requester",
        "unmute" only_action "unmute requester",
        "block" only_action "block requester",
        "unblock" only_action "unblock requester",
        "stop" only_action "stop",
    }
}

/// The levels whose parts may stand in place of a bad part, most likely first.
pub(super) fn levels(bad: &SyntaxNode) -> Vec<&'static Level> {
    let clauses = |item: SyntaxKind| match item {
        SyntaxKind::Automation => &AUTOMATION,
        SyntaxKind::Macro => &MACRO,
        SyntaxKind::View => &VIEW,
        SyntaxKind::Report => &REPORT,
        SyntaxKind::Sla => &SLA,
        SyntaxKind::Volume => &VOLUME,
        SyntaxKind::Test => &TEST,
        _ => &TRIGGER,
    };
    match (bad.kind(), bad.parent()) {
        (SyntaxKind::BadItem | SyntaxKind::BadCondition, _) | (_, None) => vec![&ITEMS],
        (SyntaxKind::BadOperand, _) => {
            let item = bad.ancestors().find(|node| node.parent().is_some_and(|file| file.kind() == SyntaxKind::File));
            match item.map(|item| item.kind()) {
                None | Some(SyntaxKind::LetItem | SyntaxKind::ListItem) => vec![&ITEMS],
                Some(item) => vec![clauses(item)],
            }
        }
        (SyntaxKind::BadAction, Some(then)) => {
            vec![&ACTIONS, clauses(then.parent().map_or(SyntaxKind::Trigger, |item| item.kind()))]
        }
        (_, Some(item)) => vec![clauses(item.kind())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::syntax::is_keyword;

    #[test]
    fn every_part_starts_with_keywords_of_the_grammar() {
        for part in LEVELS.iter().flat_map(|level| level.parts) {
            assert!(part.words.split(' ').all(is_keyword), "{}", part.words);
        }
    }
}
