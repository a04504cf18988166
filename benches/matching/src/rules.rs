//! Rules in two forms: neutral conditions, and Twite's files.

use std::{cell::OnceCell, fmt::Write as _, fs, path::Path, sync::Arc};

use twite::{
    engine::index::Recent,
    lang::{self, rules::Rules},
};

use crate::{
    condition::{Condition, Number},
    engines::twite::recent,
    random::Random,
    syntax::{Syntax, quoted},
    tickets::Names,
};

/// Rules per file, which keeps it below the size limit of a file.
const RULES_PER_FILE: usize = 1_000;
/// Number of tags that rules add and no rule tests for.
const GIVEN_TAGS: usize = 200;
const GROUPS: usize = 8;

/// A set of rules.
#[derive(Debug)]
pub struct RuleSet {
    pub conditions: Vec<Condition>,
    /// The `twite.toml` with the declarations they need.
    config: String,
    /// Tags that rules test for; a few rules add them.
    tags: Vec<String>,
    checked: OnceCell<Arc<Rules>>,
    recent: OnceCell<Vec<Recent>>,
}

impl RuleSet {
    pub fn new(names: &Names, conditions: Vec<Condition>) -> Self {
        let mut config = "[[account]]\nhandle = \"acme\"\n".to_owned();
        for brand in &names.brands {
            write!(config, "[[brand]]\nname = \"{brand}\"\n").expect("a string takes anything");
        }
        for group in 0..GROUPS {
            write!(config, "[[group]]\nname = \"Group {group}\"\n").expect("a string takes anything");
        }
        Self { conditions, config, tags: names.tags.clone(), checked: OnceCell::new(), recent: OnceCell::new() }
    }

    /// The same rules for Twite: one trigger per condition, in the same order, written to files and loaded as the
    /// daemon loads them.
    pub fn checked(&self) -> &Arc<Rules> {
        self.checked.get_or_init(|| {
            let directory = tempfile::tempdir().expect("there is room for rules");
            self.write_files(directory.path());
            let loaded = lang::load(&[directory.path().to_owned()], None);
            assert_eq!(loaded.errors(), 0, "the rules are sound: {}", loaded.report());
            loaded.rules.expect("nothing is wrong with them")
        })
    }

    /// Tickets for the index to learn from; they are not measured.
    pub fn recent(&self) -> &[Recent] {
        self.recent.get_or_init(|| recent(&self.conditions))
    }

    /// Writes `twite.toml` and the rules into a directory.
    pub fn write_files(&self, directory: &Path) {
        fs::write(directory.join("twite.toml"), &self.config).expect("there is room for rules");
        let mut random = Random::new(0x6163_7473);
        for (file, conditions) in self.conditions.chunks(RULES_PER_FILE).enumerate() {
            let mut text = String::new();
            for (at, condition) in conditions.iter().enumerate() {
                let (n, when) = (file * RULES_PER_FILE + at, TWITE.write(condition));
                let then = self.actions(&mut random, n);
                write!(text, "trigger \"Rule {n}\" {{\n  on created\n  when {when}\n  then\n    {then}\n}}\n\n")
                    .expect("a string takes anything");
            }
            fs::write(directory.join(format!("{file:04}.twite")), text).expect("there is room for rules");
        }
    }

    /// A rule's actions: most add tags that no rule tests for, and one in a hundred adds one that some do; some assign,
    /// some set a priority, some add a note.
    fn actions(&self, random: &mut Random, n: usize) -> String {
        let mut actions = vec![match random.below(100) {
            0 => format!("add tags {}", random.pick(&self.tags)),
            1..60 => format!("add tags routed_{}", random.below(GIVEN_TAGS)),
            60..85 => format!("assign to group \"Group {}\"", random.below(GROUPS)),
            85..93 => format!("note \"Rule {n} has matched.\""),
            _ => format!("set priority to {}", random.pick(&["low", "normal", "high", "urgent"])),
        }];
        if random.chance(0.1) {
            actions.push(format!("note \"See rule {n}.\""));
        }
        actions.join("\n    ")
    }
}

/// Twite's syntax.
const TWITE: Syntax = Syntax { and: " and ", or: " or ", not: "not ", question };

fn question(question: &Condition) -> String {
    let field = |number: &Number| match number {
        Number::Followers => "requester.followers",
        Number::Likes => "post.likes",
        Number::Replies => "replies",
        Number::Reopens => "reopens",
    };
    match question {
        Condition::ChannelIs(channel) => format!("channel is {channel}"),
        Condition::ChannelIn(channels) => {
            let channels: Vec<_> = channels.iter().map(|channel| channel.as_str()).collect();
            format!("channel in ({})", channels.join(", "))
        }
        Condition::StatusIs(status) => format!("status is {status}"),
        Condition::StatusBelow(status) => format!("status < {status}"),
        Condition::PriorityIs(priority) => format!("priority is {priority}"),
        Condition::Verified => "requester.verified".to_owned(),
        Condition::AtLeast(number, least) => format!("{} >= {least}", field(number)),
        Condition::Less(number, most) => format!("{} < {most}", field(number)),
        Condition::Equals(number, value) => format!("{} is {value}", field(number)),
        Condition::HasTag(tag) => format!("tags has {tag}"),
        Condition::Contains(needle) => format!("comment.text contains {}", quoted([needle], '"', "")),
        Condition::LanguageIs(language) => format!("language is \"{language}\""),
        Condition::BrandIs(brand) => format!("brand is \"{brand}\""),
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) => TWITE.write(question),
    }
}
