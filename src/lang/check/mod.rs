//! Trees to checked rules: names and types resolved against the desk, every error of every file in one go.
//!
//! A part that does not check is left out and the rest goes on; whatever leans on it says nothing more.

mod action;
mod condition;
mod items;
mod lints;
mod names;
mod report;
mod suppression;
mod template;
mod test;
mod value;

pub(crate) use lints::LINTS;
use names::{NameKind, Names};

use std::{collections::HashMap, ops::Range, sync::Arc};

use super::{
    ast::{self, Item, Titled},
    codes,
    config::Gaps,
    diagnostic::{Diagnostic, TextDiagnostic},
    rules::{Let, Rules, Version},
    span::{SourceFile, Span},
    suggest::{self, MAX_COMPARED_IN_ALL},
    syntax::{Parse, parse, range},
};
use crate::desk::{
    Declarations,
    field::{Declared, FIELDS},
};

/// How deep conditions may lean on each other by name.
const MAX_LET_DEPTH: usize = 64;
/// How deep conditions may nest, counted in nodes of the tree; three for a pair of parentheses.
const MAX_CONDITION_DEPTH: usize = 3 * crate::lang::syntax::MAX_NESTING + 3 * MAX_LET_DEPTH;
/// How many questions one condition may ask, with those of the conditions it names.
const MAX_PREDICATES: usize = 50_000;

/// A file to check.
#[derive(Debug)]
pub(crate) struct File {
    source: SourceFile,
    parse: Parse,
}

impl File {
    pub(crate) fn new(source: &SourceFile) -> Self {
        Self { parse: parse(&source.text), source: source.clone() }
    }
}

/// Checks files together. The rules are there when nothing in them is an error.
/// `gaps` is what could not be read of the `twite.toml` that could declare what rules name; nothing where there is none.
pub(crate) fn check(
    files: &[File],
    desk: &Arc<Declarations>,
    gaps: Option<&Gaps>,
    version: Version,
) -> (Option<Rules>, Vec<Diagnostic>) {
    let mut checker = Checker { gaps: gaps.cloned(), ..Checker::new(files, desk) };
    let rules = checker.rules(version);
    let lints = lints::all(&checker, &rules);
    checker.out.extend(lints);
    let mut diagnostics = checker.out;
    for file in files {
        diagnostics.extend(file.parse.errors.iter().cloned().map(|e| e.in_file(&file.source)));
    }
    suppression::apply(files, &mut diagnostics);
    let order: HashMap<&str, usize> =
        files.iter().enumerate().map(|(index, file)| (&*file.source.name, index)).collect();
    diagnostics.sort_by_cached_key(|d| (order.get(&**d.file()).copied(), d.span().start, d.code.id));
    let fine = !diagnostics.iter().any(Diagnostic::is_error);
    (fine.then_some(rules), diagnostics)
}

/// A named condition, on its way.
#[derive(Debug)]
struct LetEntry {
    file: usize,
    node: ast::LetItem,
    state: LetState,
}

#[derive(Debug, Clone)]
enum LetState {
    Waiting,
    /// Being checked: to meet it again is a circle.
    Open,
    /// Checked; nothing where it has errors, which have been reported.
    Done(Option<Checked>),
}

/// A checked named condition.
#[derive(Debug, Clone)]
struct Checked {
    named: Arc<Let>,
    /// How many questions it comes to.
    size: usize,
    /// What it asks about the event, if anything.
    event: Option<String>,
}

/// Where a condition stands, and so what it may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    /// A trigger or a test: anything.
    Run,
    /// An automation: nothing about an event.
    Automation,
    /// A view: nothing about an event.
    View,
    /// A report: nothing about an event.
    Report,
    /// A `let`: what it may ask is seen where it is used.
    Let,
}

impl Where {
    /// Why nothing can be asked about an event here, where it cannot.
    fn no_event(self) -> Option<&'static str> {
        match self {
            Self::Run | Self::Let => None,
            Self::Automation => Some("automations run as time passes, and have no event"),
            Self::View => Some("views show tickets as they are, and have no event"),
            Self::Report => Some("reports count tickets as they are, and have no event"),
        }
    }
}

struct Checker<'a> {
    desk: &'a Arc<Declarations>,
    /// What could not be read of `twite.toml`; nothing where there is none.
    gaps: Option<Gaps>,
    files: &'a [File],
    /// The file being checked.
    file: usize,
    lets: HashMap<String, LetEntry>,
    /// Their names, sorted.
    let_names: Arc<[String]>,
    /// The names of all fields.
    field_names: Arc<[String]>,
    /// How deep in named conditions we are, and by what way we came.
    path: Vec<String>,
    /// How deep in a condition we are.
    depth: usize,
    /// Where names are declared and used.
    names: Names,
    out: Vec<Diagnostic>,
    suggestions: Suggestions,
}

/// Lists of names that can be long, made ready for suggestions when the first is asked for.
struct Suggestions {
    lists: HashMap<NameList, suggest::Names>,
    /// Names that may still be compared letter by letter.
    may_compare: usize,
}

impl Default for Suggestions {
    fn default() -> Self {
        Self { lists: HashMap::new(), may_compare: MAX_COMPARED_IN_ALL }
    }
}

/// A list of names to suggest from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum NameList {
    Fields,
    FieldsAndLets,
    /// What fires.
    Firing,
    Macros,
    Webhooks,
    Declared(Declared),
}

impl Suggestions {
    /// The name of a list that somebody most likely meant.
    fn nearest<'n>(&mut self, list: NameList, word: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
        let names = self.lists.entry(list).or_insert_with(|| suggest::Names::new(known));
        names.nearest(word, &mut self.may_compare).map(str::to_owned)
    }
}

impl<'a> Checker<'a> {
    fn new(files: &'a [File], desk: &'a Arc<Declarations>) -> Self {
        let fields = FIELDS.iter().map(|field| field.name.to_owned());
        let custom = desk.fields.iter().map(|field| format!("field.{}", field.name));
        Self {
            desk,
            gaps: Some(Gaps::default()),
            files,
            file: 0,
            lets: HashMap::new(),
            let_names: Arc::default(),
            field_names: fields.chain(custom).collect(),
            path: vec![],
            depth: 0,
            names: Names::default(),
            out: vec![],
            suggestions: Suggestions::default(),
        }
    }

    /// Whether there is a `twite.toml`.
    fn has_declarations(&self) -> bool {
        self.gaps.is_some()
    }

    /// Whether a table of `twite.toml`, or a key of one, could not be read: what it would have said is not held against rules.
    fn has_gap(&self, key: &str) -> bool {
        self.gaps.as_ref().is_some_and(|gaps| gaps.has(key))
    }

    fn file(&self) -> &'a File {
        #[expect(clippy::indexing_slicing, reason = "it is only ever set to the index of a file")]
        &self.files[self.file]
    }

    fn span(&self, span: Range<usize>) -> Span {
        self.file().source.span(span)
    }

    /// Reports something about the file at hand.
    fn report(&mut self, diagnostic: TextDiagnostic) {
        let file = &self.file().source;
        self.out.push(diagnostic.in_file(file));
    }

    /// Reports an error with nothing to add to it.
    fn error(&mut self, code: &'static codes::Code, span: Range<usize>, message: impl Into<String>) {
        self.report(Diagnostic::new(code, span, message));
    }

    fn rules(&mut self, version: Version) -> Rules {
        let items: Vec<(usize, Item)> = self
            .files
            .iter()
            .enumerate()
            .flat_map(|(index, file)| ast::items(&file.parse.tree()).map(move |item| (index, item)).collect::<Vec<_>>())
            .collect();
        self.collect(&items);
        let mut rules = Rules {
            files: Arc::default(),
            desk: Arc::clone(self.desk),
            version,
            triggers: vec![],
            automations: vec![],
            macros: vec![],
            views: vec![],
            reports: vec![],
            tests: vec![],
            lets: vec![],
        };
        // Tests apply macros, so those come first.
        let mut tests = vec![];
        for (index, item) in items {
            self.file = index;
            match item {
                Item::Let(node) => {
                    let name = node.name().map(|t| t.text().to_owned());
                    let entry = name.as_ref().and_then(|n| self.lets.get(n)).filter(|e| e.node == node);
                    if let Some(name) = name.filter(|_| entry.is_some()) {
                        rules.lets.extend(self.resolve(&name).map(|checked| checked.named));
                    }
                }
                Item::Trigger(node) => rules.triggers.extend(self.trigger(&node).map(Arc::new)),
                Item::Automation(node) => rules.automations.extend(self.automation(&node).map(Arc::new)),
                Item::View(node) => rules.views.extend(self.view(&node).map(Arc::new)),
                Item::Report(node) => rules.reports.extend(self.report_item(&node).map(Arc::new)),
                Item::Macro(node) => rules.macros.extend(self.macro_item(&node).map(Arc::new)),
                Item::Test(node) => tests.push((index, node)),
            }
        }
        for (index, node) in tests {
            self.file = index;
            rules.tests.extend(self.test(&node, &rules.macros).map(Arc::new));
        }
        rules
    }

    /// Takes down every name that items declare, before any is used.
    fn collect(&mut self, items: &[(usize, Item)]) {
        for (index, item) in items {
            self.file = *index;
            let (kind, name_kind) = match item {
                Item::Let(node) => {
                    self.declare_let(node);
                    continue;
                }
                Item::Trigger(_) => ("trigger", NameKind::Rule),
                Item::Automation(_) => ("automation", NameKind::Rule),
                Item::View(_) => ("view", NameKind::View),
                Item::Report(_) => ("report", NameKind::Report),
                Item::Macro(_) => ("macro", NameKind::Macro),
                Item::Test(_) => ("test", NameKind::Test),
            };
            let Some((title, span)) = item.title() else { continue };
            if title.trim().is_empty() {
                self.error(&codes::TW0115, span, format!("{} needs a title", suggest::article(kind)));
                continue;
            }
            if let Err(first) = self.names.declare(name_kind, &title, self.span(span.clone())) {
                let message = format!("there is already a {} \"{title}\"", name_kind.as_str());
                self.twice(message, span, first);
            }
        }
        let mut names: Vec<_> = self.lets.keys().cloned().collect();
        names.sort_unstable();
        self.let_names = names.into();
    }

    /// Reports a second declaration.
    fn twice(&mut self, message: String, span: Range<usize>, first: Span) {
        let error = Diagnostic::new(&codes::TW0202, self.span(span), message);
        self.out.push(error.and_label(first, "first declared here"));
    }

    fn declare_let(&mut self, node: &ast::LetItem) {
        let Some(name) = node.name() else { return };
        let span = range(&name);
        let text = name.text().to_owned();
        if let Some(mode) = node.mode() {
            let message = format!("`{}` is only for rules, not for `let`", mode.text());
            self.error(&codes::TW0115, range(&mode), message);
        }
        if text.contains('.') || crate::desk::FieldRef::find(&text, self.desk).is_some() {
            let message = format!("`{text}` cannot be the name of a `let`");
            let help = if text.contains('.') { "names contain no dots" } else { "a field has this name" };
            return self.report(Diagnostic::new(&codes::TW0202, span, message).with_help(help));
        }
        if let Err(first) = self.names.declare(NameKind::Let, &text, self.span(span.clone())) {
            return self.twice(format!("duplicate `let` named `{text}`"), span, first);
        }
        let entry = LetEntry { file: self.file, node: node.clone(), state: LetState::Waiting };
        self.lets.insert(text, entry);
    }
}
