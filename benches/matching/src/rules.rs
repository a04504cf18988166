//! Rules in both forms: as neutral conditions, and as Twite's own files.

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

/// How many rules stand in a file: so many, and it stays below what a file may hold.
const IN_A_FILE: usize = 1_000;
/// How many tags rules give out that no rule asks about.
const GIVEN_TAGS: usize = 200;
const GROUPS: usize = 8;

/// Some rules.
#[derive(Debug)]
pub struct RuleSet {
    pub conditions: Vec<Condition>,
    /// The declarations they need.
    config: String,
    /// Tags that rules ask about: a few rules give them out.
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

    /// The same as a rule set of Twite: a trigger for each condition, in the same order, written into files and loaded
    /// from there as the daemon does.
    pub fn checked(&self) -> &Arc<Rules> {
        self.checked.get_or_init(|| {
            let directory = tempfile::tempdir().expect("there is room for rules");
            self.write_files(directory.path());
            let loaded = lang::load(&[directory.path().to_owned()], None);
            assert!(loaded.diagnostics.is_empty(), "the rules are sound: {}", loaded.report());
            loaded.rules.expect("nothing is wrong with them")
        })
    }

    /// Tickets to learn from, which are not measured.
    pub fn recent(&self) -> &[Recent] {
        self.recent.get_or_init(|| recent(&self.conditions))
    }

    /// Writes `twite.toml` and the rules into a directory.
    pub fn write_files(&self, directory: &Path) {
        fs::write(directory.join("twite.toml"), &self.config).expect("there is room for rules");
        let mut random = Random::new(0x6163_7473);
        for (file, conditions) in self.conditions.chunks(IN_A_FILE).enumerate() {
            let mut text = String::new();
            for (at, condition) in conditions.iter().enumerate() {
                let (n, when) = (file * IN_A_FILE + at, TWITE.write(condition));
                let then = self.actions(&mut random, n);
                write!(text, "trigger \"Rule {n}\" {{\n  on created\n  when {when}\n  then\n    {then}\n}}\n\n")
                    .expect("a string takes anything");
            }
            fs::write(directory.join(format!("{file:04}.twite")), text).expect("there is room for rules");
        }
    }

    /// What a rule does: most give tags out that no rule asks about, and one in a hundred one that some do; some assign,
    /// some set a priority, some leave a note.
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

/// As Twite's rules are written.
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
