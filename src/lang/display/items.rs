//! `Display` for checked items, in the syntax of rule files: checking the text gives the same item again. The formatter
//! adds the layout.

use std::{
    borrow::Cow,
    fmt::{self, Display},
    sync::Arc,
};

use super::{Grouped, Quoted, Written};
use crate::{
    desk::{Choosing, Decimal, FieldRef, Kind, MessageFacts, Per, Recipient, Scope, field::known},
    lang::rules::{
        Action, ActionKind, Audience, Automation, Cap, Chart, Condition, Duration, EffectKind, Every, Expect,
        ExpectKind, Filter, GivenAgent, GivenFired, GivenVolume, Let, List, Literal, Macro, Member, Mode, On, Over,
        Part, Period, PeriodUnit, PreferLast, Report, RuleTest, SetTo, Sla, Sort, Split, Template, TestComment, Texts,
        Trigger, View, Volume, When,
    },
};

/// Writes the start of an item: its documentation, mode, kind, title and opening brace.
fn head(f: &mut fmt::Formatter<'_>, doc: Option<&str>, mode: Mode, kind: &str, title: &str) -> fmt::Result {
    documentation(f, doc)?;
    f.write_str(match mode {
        Mode::Live => "",
        Mode::Disabled => "disabled ",
        Mode::Shadow => "shadow ",
    })?;
    writeln!(f, "{kind} {} {{", Quoted(title))
}

fn documentation(f: &mut fmt::Formatter<'_>, doc: Option<&str>) -> fmt::Result {
    doc.into_iter().flat_map(|doc| doc.split('\n')).try_for_each(|line| match line {
        "" => writeln!(f, "##"),
        line => writeln!(f, "## {line}"),
    })
}

/// Writes a clause with a condition; nothing if the condition is always true.
fn conditional(f: &mut fmt::Formatter<'_>, word: &str, condition: &Condition) -> fmt::Result {
    match condition.is_always() {
        true => Ok(()),
        false => writeln!(f, "  {word} {condition}"),
    }
}

/// Writes the events of a trigger or a volume; nothing if they are all.
fn on(f: &mut fmt::Formatter<'_>, on: On) -> fmt::Result {
    match (on.created, on.updated) {
        (true, false) => writeln!(f, "  on created"),
        (false, true) => writeln!(f, "  on updated"),
        _ => Ok(()),
    }
}

fn then(f: &mut fmt::Formatter<'_>, actions: &[Action]) -> fmt::Result {
    writeln!(f, "  then")?;
    actions.iter().try_for_each(|action| writeln!(f, "    {}", action.kind))
}

fn visible_to(f: &mut fmt::Formatter<'_>, audience: &[Audience]) -> fmt::Result {
    match audience {
        [] => Ok(()),
        audience => writeln!(f, "  visible to {}", Commas(audience)),
    }
}

/// Values separated by commas.
struct Commas<'a, T>(&'a [T]);

impl<T: Display> Display for Commas<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, item) in self.0.iter().enumerate() {
            write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        documentation(f, self.doc.as_deref())?;
        writeln!(f, "list {} = ({})", self.name, Commas(&self.entries))
    }
}

impl Display for Let {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        documentation(f, self.doc.as_deref())?;
        writeln!(f, "let {} = {}", self.name, self.condition)
    }
}

impl Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(f, self.doc.as_deref(), self.mode, "trigger", &self.title)?;
        on(f, self.on)?;
        conditional(f, "when", &self.when)?;
        self.caps.iter().try_for_each(|cap| writeln!(f, "  {cap}"))?;
        then(f, &self.then)?;
        writeln!(f, "}}")
    }
}

impl Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "every {} while it holds", self.interval)?;
        match self.times {
            Some(times) => write!(f, ", at most {} times", Grouped(times.into())),
            None => Ok(()),
        }
    }
}

impl Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.times {
            1 => f.write_str("at most once")?,
            times => write!(f, "at most {} times", Grouped(times.into()))?,
        }
        match self.per {
            Per::Ticket => f.write_str(" per ticket")?,
            Per::Requester => f.write_str(" per requester")?,
            Per::Account => f.write_str(" per account")?,
            Per::All => {}
        }
        let Some(period) = self.period else { return Ok(()) };
        let period = Duration::Clock(period).to_string();
        write!(f, " per {}", period.strip_prefix("1 ").unwrap_or(&period))
    }
}

impl Display for Automation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(f, self.doc.as_deref(), self.mode, "automation", &self.title)?;
        conditional(f, "when", &self.when)?;
        if let Some(every) = &self.every {
            writeln!(f, "  {every}")?;
        }
        self.caps.iter().try_for_each(|cap| writeln!(f, "  {cap}"))?;
        if self.runs_triggers {
            writeln!(f, "  runs triggers")?;
        }
        then(f, &self.then)?;
        writeln!(f, "}}")
    }
}

impl Display for Macro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(f, self.doc.as_deref(), self.mode, "macro", &self.title)?;
        then(f, &self.then)?;
        visible_to(f, &self.visible_to)?;
        writeln!(f, "}}")
    }
}

impl Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(f, self.doc.as_deref(), self.mode, "view", &self.title)?;
        conditional(f, "where", &self.filter)?;
        writeln!(f, "  columns {}", Commas(&self.columns))?;
        for (word, sort) in [("group", &self.group_by), ("sort", &self.sort_by)] {
            if let Some(Sort { by, descending }) = sort {
                writeln!(f, "  {word} by {by}{}", if *descending { " descending" } else { "" })?;
            }
        }
        visible_to(f, &self.visible_to)?;
        writeln!(f, "}}")
    }
}

impl Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "group {}", Quoted(name)),
            Self::Agent(name) => write!(f, "agent {}", Quoted(name)),
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(f, self.doc.as_deref(), self.mode, "report", &self.title)?;
        conditional(f, "where", &self.filter)?;
        writeln!(f, "  measure {}", Commas(&self.measures))?;
        for (i, split) in self.by.iter().enumerate() {
            f.write_str(if i == 0 { "  by " } else { ", " })?;
            write!(f, "{split}")?;
            if let Split::Bands { from, .. } = split {
                let from: Vec<_> = from.iter().map(|number| Grouped(*number)).collect();
                write!(f, " in bands ({})", Commas(&from))?;
            }
        }
        if !self.by.is_empty() {
            writeln!(f)?;
        }
        if let Some(over) = &self.over {
            writeln!(f, "  over {over}")?;
        }
        if self.compare {
            writeln!(f, "  compare to previous period")?;
        }
        match self.chart {
            Chart::Table => {}
            Chart::Bars => writeln!(f, "  chart bars")?,
            Chart::Lines => writeln!(f, "  chart lines")?,
            Chart::Heatmap => writeln!(f, "  chart heatmap")?,
        }
        visible_to(f, &self.visible_to)?;
        writeln!(f, "}}")
    }
}

impl Display for Sla {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(f, self.doc.as_deref(), self.mode, "sla", &self.title)?;
        conditional(f, "when", &self.when)?;
        for (place, time) in self.times.iter().enumerate() {
            write!(f, "  {} {}", time.target.clause(), time.within)?;
            let earlier = || self.times.iter().take(place).any(|earlier| earlier.target == time.target);
            match &time.when {
                Some(when) => writeln!(f, " if {when}")?,
                None if earlier() => writeln!(f, " otherwise")?,
                None => writeln!(f)?,
            }
        }
        self.pause.as_ref().map_or(Ok(()), |pause| writeln!(f, "  pause while {pause}"))?;
        writeln!(f, "}}")
    }
}

impl Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(f, self.doc.as_deref(), self.mode, "volume", &self.title)?;
        on(f, self.on)?;
        conditional(f, "when", &self.when)?;
        writeln!(f, "  at least {} tickets within {}", Grouped(self.tickets.into()), Duration::Clock(self.within))?;
        writeln!(f, "}}")
    }
}

impl Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.period {
            Period::Last(count, unit) => {
                let unit = match unit {
                    PeriodUnit::Hour => "hour",
                    PeriodUnit::Day => "day",
                    PeriodUnit::Week => "week",
                    PeriodUnit::Month => "month",
                    PeriodUnit::Year => "year",
                };
                write!(f, "last {count} {unit}{}", if count == 1 { "" } else { "s" })?;
            }
            Period::Between(from, to) => write!(f, "{from} to {to}")?,
        }
        write!(f, " of {}", self.of)
    }
}

impl Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(field, SetTo::Literal(literal)) => write!(f, "set {field} to {}", Written { literal, field }),
            Self::Set(field, SetTo::Template(text)) => write!(f, "set {field} to {text}"),
            Self::Set(field, SetTo::Match { capture, from }) => {
                write!(f, "set {field} to the match of {} in {from}", Quoted(&capture.pattern.written))
            }
            Self::Set(field, SetTo::Field { from, plus }) => {
                write!(f, "set {field} to {from}")?;
                let (sign, amount) = if *plus < 0 { ("-", plus.saturating_neg()) } else { ("+", *plus) };
                match field.kind() {
                    _ if *plus == 0 => Ok(()),
                    Kind::Decimal => write!(f, " {sign} {}", Decimal::from_units(amount)),
                    Kind::Date => write!(f, " {sign} {amount} day{}", if amount == 1 { "" } else { "s" }),
                    _ => write!(f, " {sign} {}", Grouped(amount)),
                }
            }
            Self::Clear(field) => write!(f, "clear {field}"),
            Self::Add(field, members) => write!(f, "add {} {}", set_name(field), named(members, field)),
            Self::Remove(field, members) => write!(f, "remove {} {}", set_name(field), named(members, field)),
            Self::Reply { from, texts } => {
                f.write_str("reply ")?;
                from.as_ref().map_or(Ok(()), |from| write!(f, "from {} ", Quoted(from)))?;
                texts.fmt(f)
            }
            Self::Message(texts) => write!(f, "message requester {texts}"),
            Self::Ask(text) => write!(f, "ask for satisfaction {text}"),
            Self::Note(text) => write!(f, "note {text}"),
            Self::Notify { to, subject, body } => {
                write!(f, "notify {} {{ subject {subject} body {body} }}", Commas(to))
            }
            Self::Remind { to, after, subject, body } => {
                write!(f, "remind {} in {after}", Commas(to))?;
                if subject.is_none() && body.is_none() {
                    return Ok(());
                }
                f.write_str(" {")?;
                for (name, text) in [("subject", subject), ("body", body)] {
                    if let Some(text) = text {
                        write!(f, " {name} {text}")?;
                    }
                }
                f.write_str(" }")
            }
            Self::Assign { group, choosing, last, under } => {
                let which = match choosing {
                    Choosing::Next => "next",
                    Choosing::LeastBusy => "least busy",
                };
                f.write_str("assign to ")?;
                if let Some(PreferLast { within }) = last {
                    f.write_str("last agent of requester ")?;
                    within.map_or(Ok(()), |within| write!(f, "within {within} "))?;
                    f.write_str("or ")?;
                }
                write!(f, "{which} agent of group {}", Quoted(group))?;
                under.map_or(Ok(()), |under| write!(f, " with under {under} unsolved tickets"))
            }
            Self::Snooze(length) => write!(f, "snooze for {length}"),
            Self::Merge => f.write_str("merge into earlier ticket"),
            Self::AtX(what) => what.fmt(f),
            Self::Webhook { name, body: None } => write!(f, "webhook {}", Quoted(name)),
            Self::Webhook { name, body: Some(body) } => write!(f, "webhook {} {{ body {body} }}", Quoted(name)),
            Self::Stop => f.write_str("stop"),
        }
    }
}

/// The members that `add` and `remove` name.
fn named(members: &[Member], field: &FieldRef) -> impl Display {
    fmt::from_fn(move |f| {
        for (i, member) in members.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            match member {
                Member::Named(name) => super::Member { name, field }.fmt(f)?,
                Member::Me => f.write_str("me")?,
            }
        }
        Ok(())
    })
}

/// How `add` and `remove` name a set.
fn set_name(field: &FieldRef) -> Cow<'static, str> {
    match &*field.name() {
        "requester.tags" => "requester tags".into(),
        _ => field.name(),
    }
}

impl Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "group {}", Quoted(name)),
            Self::Agents(name) => write!(f, "agents of group {}", Quoted(name)),
            Self::TicketGroup => f.write_str("group of ticket"),
            Self::TicketAgents => f.write_str("agents of group of ticket"),
            Self::Agent(name) => write!(f, "agent {}", Quoted(name)),
            Self::Address(address) => write!(f, "address {}", Quoted(address)),
            Self::Assignee => f.write_str("assignee"),
            Self::PreviousAssignee(None) => f.write_str("previous assignee"),
            Self::PreviousAssignee(Some(name)) => write!(f, "previous assignee {}", Quoted(name)),
            Self::Watchers => f.write_str("watchers"),
            Self::Requester => f.write_str("requester"),
        }
    }
}

impl Display for Template {
    /// The template as a quoted string.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Quoted(&self.parts.iter().map(ToString::to_string).collect::<String>()).fmt(f)
    }
}

impl Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (field, filters) = match self {
            Self::Text(text) => return f.write_str(text),
            Self::Conversation => return f.write_str("{{ticket.conversation}}"),
            Self::Placeholder { field, filters } => (field, filters),
        };
        write!(f, "{{{{{}{field}", if field.scope() == Scope::Event { "" } else { "ticket." })?;
        filters.iter().try_for_each(|filter| write!(f, " | {filter}"))?;
        f.write_str("}}")
    }
}

impl Display for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.by_language.is_empty() {
            return self.otherwise.fmt(f);
        }
        f.write_str("by language {")?;
        self.by_language.iter().try_for_each(|(language, text)| write!(f, " {language} {text}"))?;
        write!(f, " otherwise {} }}", self.otherwise)
    }
}

impl Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default(text) => {
                let quote = if text.contains('"') { '\'' } else { '"' };
                write!(f, "default: {quote}{text}{quote}")
            }
            Self::Upcase => f.write_str("upcase"),
            Self::Downcase => f.write_str("downcase"),
            Self::Capitalize => f.write_str("capitalize"),
            Self::StripNewlines => f.write_str("strip_newlines"),
            Self::Truncate(characters) => write!(f, "truncate: {characters}"),
            Self::FirstWord => f.write_str("first_word"),
        }
    }
}

impl Display for RuleTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(f, self.doc.as_deref(), self.mode, "test", &self.title)?;
        writeln!(f, "  given ticket {{")?;
        facts(f, &self.given)?;
        if let Some(comment) = &self.comment {
            writeln!(f, "    comment {}", Quoted(comment))?;
        }
        writeln!(f, "  }}")?;
        for (sample, is_in) in &self.samples {
            let not = if *is_in { "" } else { "not " };
            writeln!(f, "  given {not}{}", FieldRef::Sample(Arc::new(sample.clone())))?;
        }
        for GivenFired { rule, times, ago } in &self.fired {
            let times = if *times == 1 { String::new() } else { format!("{} times ", Grouped((*times).into())) };
            writeln!(f, "  given fired {} {times}{ago} ago", Quoted(rule))?;
        }
        for (name, given) in &self.agents {
            let name = Quoted(name);
            match given {
                GivenAgent::Away => writeln!(f, "  given agent {name} away")?,
                GivenAgent::Unsolved(count) => {
                    writeln!(f, "  given agent {name} with {} unsolved tickets", Grouped((*count).into()))?
                }
                GivenAgent::Last(ago) => writeln!(f, "  given last agent {name} {ago} ago")?,
            }
        }
        for GivenVolume { volume, tickets, ago } in &self.volumes {
            let plural = if *tickets == 1 { "" } else { "s" };
            let tickets = Grouped((*tickets).into());
            writeln!(f, "  given volume {} {tickets} ticket{plural} {ago} ago", Quoted(volume))?;
        }
        if let Some(at) = self.at {
            writeln!(f, "  at {at}")?;
        }
        self.when.iter().try_for_each(|step| writeln!(f, "  when {}", step.when))?;
        self.expect.iter().try_for_each(|expect| writeln!(f, "  expect {expect}"))?;
        writeln!(f, "}}")
    }
}

/// Writes fields with their values, one per line.
fn facts(f: &mut fmt::Formatter<'_>, facts: &[(FieldRef, Literal)]) -> fmt::Result {
    facts.iter().try_for_each(|(field, literal)| writeln!(f, "    {field} {}", Written { literal, field }))
}

impl Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created => f.write_str("created"),
            Self::Macro { applied, by } => {
                write!(f, "macro {}", Quoted(&applied.title))?;
                by_agent(f, by.as_deref())
            }
            Self::Passes(length) => write!(f, "{length} passes"),
            Self::Updated { by, set, emptied, comment, via } => {
                f.write_str("updated")?;
                by_agent(f, by.as_deref())?;
                writeln!(f, " {{")?;
                facts(f, set)?;
                emptied.iter().try_for_each(|field| writeln!(f, "    {field} empty"))?;
                if let Some(comment) = comment {
                    writeln!(f, "    {comment}")?;
                    facts(f, &facts_of(comment))?;
                }
                if let Some(via) = via {
                    writeln!(f, "    via {}", via.as_str())?;
                }
                f.write_str("  }")
            }
        }
    }
}

/// What a test gives with a comment.
fn facts_of(comment: &TestComment) -> Vec<(FieldRef, Literal)> {
    let MessageFacts { media, is_quote, language } = &comment.facts;
    let media =
        (!media.is_empty()).then(|| ("comment.media", Literal::Set(media.iter().map(ToString::to_string).collect())));
    let is_quote = is_quote.then_some(("comment.is_quote", Literal::YesNo(true)));
    let language = language.as_deref().map(|language| ("comment.language", Literal::Text(language.into())));
    let given = [media, is_quote, language].into_iter().flatten();
    given.filter_map(|(name, literal)| Some((FieldRef::Known(known(name)?), literal))).collect()
}

/// Writes who does something in a test.
fn by_agent(f: &mut fmt::Formatter<'_>, name: Option<&str>) -> fmt::Result {
    name.map_or(Ok(()), |name| write!(f, " by agent {}", Quoted(name)))
}

impl Display for TestComment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match (self.public, self.by_agent) {
            (false, _) => "note",
            (true, true) => "comment by agent",
            (true, false) => "comment",
        };
        write!(f, "{kind} {}", Quoted(&self.text))
    }
}

impl Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExpectKind::Fired(title) => write!(f, "fired {}", Quoted(title)),
            ExpectKind::FiredTimes(title, 1) => write!(f, "fired {} once", Quoted(title)),
            ExpectKind::FiredTimes(title, times) => {
                write!(f, "fired {} {} times", Quoted(title), Grouped((*times).into()))
            }
            ExpectKind::NotFired(title) => write!(f, "not fired {}", Quoted(title)),
            ExpectKind::NothingFired => f.write_str("nothing fired"),
            ExpectKind::HeldBack(title) => write!(f, "held back {}", Quoted(title)),
            ExpectKind::Holds(condition) => condition.fmt(f),
            ExpectKind::Sent(effect, None) => effect.fmt(f),
            ExpectKind::Sent(effect, Some(text)) => write!(f, "{effect} contains {}", Quoted(&text.written)),
            ExpectKind::NotSent(effect, None) => write!(f, "no {effect}"),
            ExpectKind::NotSent(effect, Some(text)) => write!(f, "no {effect} contains {}", Quoted(&text.written)),
        }
    }
}

impl Display for EffectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, to) = match self {
            Self::Reply(None) => ("reply", None),
            Self::Reply(Some(from)) => return write!(f, "reply from {}", Quoted(from)),
            Self::Message => ("message requester", None),
            Self::Note => ("note", None),
            Self::Notify(to) => ("notify", to.as_ref()),
            Self::Remind(to) => ("remind", to.as_ref()),
            Self::Webhook(name) => return write!(f, "webhook {}", Quoted(name)),
            Self::Assign => ("assign", None),
            Self::Merge => ("merge", None),
            Self::AtX(what) => (what.as_str(), None),
        };
        f.write_str(word)?;
        to.map_or(Ok(()), |to| write!(f, " {to}"))
    }
}
