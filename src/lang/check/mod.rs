//! The checker: converts syntax trees into checked rules. Resolves names and types against the declarations, and
//! reports all errors of all files at once.
//!
//! A part with errors is omitted and checking continues. Parts that depend on it do not report errors because of it.

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

pub(crate) use lints::{LINTS, Lint};
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

/// Maximum depth of named conditions that refer to each other.
const MAX_LET_DEPTH: usize = 64;
/// Maximum nesting of a condition, in syntax nodes. A pair of parentheses counts as three.
const MAX_CONDITION_DEPTH: usize = 3 * crate::lang::syntax::MAX_NESTING + 3 * MAX_LET_DEPTH;
/// Maximum number of predicates in a condition, including those of the conditions it refers to.
const MAX_PREDICATES: usize = 50_000;

/// A parsed file to check.
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

/// Checks files together. Returns the rules if there are no errors.
/// `gaps` are the parts of `twite.toml` that could not be read; `None` if there is no `twite.toml`.
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
    diagnostics.extend(only_syntax(files));
    suppression::apply(files, &mut diagnostics);
    let order: HashMap<&str, usize> =
        files.iter().enumerate().map(|(index, file)| (&*file.source.name, index)).collect();
    diagnostics.sort_by_cached_key(|d| (order.get(&**d.file()).copied(), d.span().start, d.code.id));
    let fine = !diagnostics.iter().any(Diagnostic::is_error);
    (fine.then_some(rules), diagnostics)
}

/// The syntax errors of all files.
pub(crate) fn only_syntax(files: &[File]) -> Vec<Diagnostic> {
    files.iter().flat_map(|file| file.parse.errors.iter().cloned().map(|e| e.in_file(&file.source))).collect()
}

/// A declared `let` and the progress of checking it.
#[derive(Debug)]
struct LetEntry {
    file: usize,
    node: ast::LetItem,
    state: LetState,
}

#[derive(Debug, Clone)]
enum LetState {
    Waiting,
    /// Being checked; a reference to it is circular.
    Open,
    /// Checked; `None` if it has errors, which have been reported.
    Done(Option<Checked>),
}

/// A checked named condition.
#[derive(Debug, Clone)]
struct Checked {
    named: Arc<Let>,
    /// Number of predicates, including those of the conditions it refers to.
    size: usize,
    /// The first predicate that needs an event, if any, as text for a message.
    event: Option<String>,
}

/// The kind of item that a condition is in, which determines the predicates it may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    /// A trigger or a test: all predicates are allowed.
    Run,
    /// An automation: there is no event.
    Automation,
    /// A view: there is no event.
    View,
    /// A report: there is no event.
    Report,
    /// A `let`: checked at each use.
    Let,
}

impl Where {
    /// Why there is no event here; `None` if predicates on the event are allowed.
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
    /// The parts of `twite.toml` that could not be read; `None` if there is no `twite.toml`.
    gaps: Option<Gaps>,
    files: &'a [File],
    /// Index of the file being checked.
    file: usize,
    lets: HashMap<String, LetEntry>,
    /// The names of all `let`s, sorted.
    let_names: Arc<[String]>,
    /// The names of all fields.
    field_names: Arc<[String]>,
    /// Stack of the named conditions being checked.
    path: Vec<String>,
    /// Current nesting of the condition, in syntax nodes.
    depth: usize,
    /// Declarations and uses of names.
    names: Names,
    out: Vec<Diagnostic>,
    suggestions: Suggestions,
}

/// Caches for suggestions from lists of names that can be long; each is built on first use.
struct Suggestions {
    lists: HashMap<NameList, suggest::Names>,
    /// Number of edit distances that may still be computed.
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
    /// Triggers and automations.
    Firing,
    Macros,
    Webhooks,
    Declared(Declared),
}

impl Suggestions {
    /// The name in a list that is nearest to a word, as in [`suggest::nearest`].
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

    /// Whether a `twite.toml` was found.
    fn has_declarations(&self) -> bool {
        self.gaps.is_some()
    }

    /// Whether a table of `twite.toml`, or a key in it, could not be read. Names that it may declare are not reported
    /// as undeclared.
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

    /// Reports a diagnostic about the current file.
    fn report(&mut self, diagnostic: TextDiagnostic) {
        let file = &self.file().source;
        self.out.push(diagnostic.in_file(file));
    }

    /// Reports an error without help or fix.
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
        // Tests refer to macros, so they are checked last.
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

    /// Records the names that items declare, before any use is resolved.
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

    /// Reports a duplicate declaration.
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
