//! Describes what the parser expected, in the words of messages.

use std::collections::BTreeSet;

use super::grammar::Rule;
use crate::{desk::VolumeState, lang::suggest::either};

/// One phrase for all expected rules: "`and`, `or` or `then`". `None` if none of them has a phrase.
pub(super) fn phrase(rules: &[Rule]) -> Option<String> {
    if rules.contains(&Rule::kw_lasts) {
        return Some(either(VolumeState::ALL.map(|state| format!("`{state}`")).into()));
    }
    let asked = rules
        .iter()
        .any(|r| matches!(r, Rule::is_test | Rule::compare_test | Rule::kw_contains | Rule::kw_starts | Rule::kw_ends));
    let phrases: BTreeSet<(u8, String)> = rules.iter().filter_map(|rule| word(*rule, rules)).collect();
    let mut phrases: Vec<String> = phrases.into_iter().map(|(_, phrase)| phrase).collect();
    if asked {
        // After a bare field, everything that may follow a condition is expected as well; the message names only the
        // missing operator.
        phrases = vec!["an operator such as `is`, `>=` or `contains`".into()];
    }
    (!phrases.is_empty()).then(|| either(phrases))
}

/// The phrase for one rule, and its sort order in the list.
fn word(rule: Rule, all: &[Rule]) -> Option<(u8, String)> {
    let phrase = |order: u8, text: &str| Some((order, text.to_owned()));
    // `my groups` is a value, and `by language` stands for texts, which are expected as well.
    if rule == Rule::kw_my || (rule == Rule::kw_by && all.contains(&Rule::string)) {
        return None;
    }
    let name = format!("{rule:?}");
    if let Some(keyword) = name.strip_prefix("kw_") {
        return phrase(3, &format!("`{keyword}`"));
    }
    match rule {
        Rule::condition
        | Rule::conjunction
        | Rule::negation
        | Rule::parens
        | Rule::question
        | Rule::time_question
        | Rule::time_in
        | Rule::hours
        | Rule::clock => phrase(0, "a condition"),
        Rule::list => phrase(2, "a list in parentheses"),
        Rule::string
        | Rule::number
        | Rule::instant
        | Rule::clock_time
        | Rule::duration
        | Rule::path
        | Rule::fact_name => {
            let texts = all.contains(&Rule::string);
            match (texts, all.contains(&Rule::path)) {
                (true, true) => phrase(1, "a value"),
                (true, false) => phrase(1, "a string in double quotes"),
                (false, _) if matches!(rule, Rule::path | Rule::fact_name) => phrase(1, "a name"),
                (false, _) => phrase(1, "a number"),
            }
        }
        Rule::comparison => phrase(2, "`<`, `<=`, `>` or `>=`"),
        Rule::event => phrase(1, "`created` or `updated`"),
        Rule::unit => phrase(4, "a unit such as `minutes`, `hours` or `days`"),
        Rule::direction => phrase(4, "`ascending` or `descending`"),
        Rule::message | Rule::facts | Rule::update | Rule::lbrace => phrase(3, "`{`"),
        Rule::close | Rule::rbrace => phrase(5, "`}`"),
        Rule::lparen => phrase(3, "`(`"),
        Rule::rparen => phrase(5, "`)`"),
        Rule::comma => phrase(4, "`,`"),
        Rule::equals => phrase(3, "`=`"),
        Rule::message_part => phrase(2, "`subject` or `body`"),
        Rule::language_text | Rule::language_code => phrase(1, "a language code such as `de`"),
        Rule::fact => phrase(2, "a field and its value"),
        Rule::recipient => phrase(2, "a recipient such as `group \"…\"` or `assignee`"),
        Rule::choosing => phrase(2, "`next agent of` or `least busy agent of`"),
        Rule::measure => phrase(1, "a measure such as `count` or `median first_reply_time`"),
        Rule::split => phrase(1, "a field, or `day of created`"),
        Rule::sla_target => phrase(1, "`first reply`, `next reply`, `update` or `solve`"),
        Rule::applied => phrase(2, "`macro`"),
        Rule::passing => phrase(2, "a duration and `passes`"),
        Rule::audience => phrase(2, "`group` or `agent`"),
        Rule::effect | Rule::expect_sent => {
            phrase(2, "`reply`, `note`, `notify`, `remind`, `webhook`, `assign`, `merge` or what is done at X")
        }
        Rule::expect_fired | Rule::expect_not_fired | Rule::expect_nothing => phrase(1, "`fired`"),
        Rule::comment => phrase(2, "`comment`"),
        _ => None,
    }
}
