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
}

impl Part {
    /// Its first keyword.
    pub(super) fn start(&self) -> &'static str {
        self.words.split(' ').next().unwrap_or(self.words)
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
    ($($name:ident $code:ident $what:literal { $($words:literal $($alone:ident)?,)+ })+) => {
        $(
            pub(super) static $name: Level = Level {
                code: &codes::$code,
                what: $what,
                parts: &[$(Part { words: $words, alone: levels!(@ $($alone)?) },)+],
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
        "let" only_item,
        "list" only_item,
        "trigger" only_item,
        "automation" only_item,
        "view" only_item,
        "report" only_item,
        "macro" only_item,
        "test" only_item,
    }
    TRIGGER TW0113 "trigger clause" {
        "on" only_on,
        "when" only_when,
        "then",
    }
    AUTOMATION TW0113 "automation clause" {
        "when" only_when,
        "runs triggers" only_runs,
        "then",
    }
    MACRO TW0113 "macro clause" {
        "then",
        "visible to" only_visible,
    }
    VIEW TW0113 "view clause" {
        "where" only_where,
        "columns" only_columns,
        "group by" only_group,
        "sort by" only_sort,
        "visible to" only_visible,
    }
    REPORT TW0113 "report clause" {
        "where" only_where,
        "measure" only_measure,
        "by" only_by,
        "over" only_over,
        "compare to" only_compare,
        "chart" only_chart,
        "visible to" only_visible,
    }
    TEST TW0113 "test clause" {
        "given" only_given,
        "at" only_at,
        "when" only_happens,
        "expect" only_expect,
    }
    ACTIONS TW0114 "action" {
        "set" only_action,
        "clear" only_action,
        "add tags" only_action,
        "remove tags" only_action,
        "assign to" only_action,
        "reply" only_action,
        "note" only_action,
        "notify" only_action,
        "remind" only_action,
        "webhook" only_action,
        "snooze for" only_action,
        "merge into" only_action,
        "stop" only_action,
    }
}

/// The levels whose parts may stand in place of a bad part, most likely first.
pub(super) fn levels(bad: &SyntaxNode) -> Vec<&'static Level> {
    let clauses = |item: SyntaxKind| match item {
        SyntaxKind::Automation => &AUTOMATION,
        SyntaxKind::Macro => &MACRO,
        SyntaxKind::View => &VIEW,
        SyntaxKind::Report => &REPORT,
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
