//! The checker: converts syntax trees into checked rules. Resolves names and types against the declarations, and
//! reports all errors of all files at once.
//!
//! A part with errors is omitted and checking continues. Parts that depend on it do not report errors because of it.

mod action;
mod cap;
mod collect;
mod condition;
mod dated;
mod every;
mod items;
mod last_day;
mod lints;
mod list;
mod names;
mod predicate;
mod recipient;
mod report;
mod sample;
mod sla;
mod suppression;
mod template;
mod test;
mod text_predicate;
mod texts;
mod time_condition;
mod value;
mod volume;

pub(crate) use dated::Dated;
pub(crate) use lints::{LINTS, Lint};
use list::{ListUse, ListValues};
use names::{NameKind, Names};
pub(crate) use suppression::is_suppression;

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use rayon::prelude::*;

use super::{
    ast::{self, AstNode as _, Item, NodeExt as _},
    codes,
    config::Gaps,
    diagnostic::{Diagnostic, TextDiagnostic},
    rules::{
        Automation, Condition, ConditionKind, LastDays, Let, List, Macro, Op, Predicate, Report, RuleTest, Rules, Sla,
        Trigger, Version, View, Volume,
    },
    sources::is_list,
    span::{SourceFile, Span},
    suggest::{self, MIN_COMPARED_IN_FILE},
    syntax::{Parse, parse, parse_list},
};
use crate::desk::{
    Declarations, Scope,
    field::{Declared, FIELDS},
    text::fold,
};

/// Maximum nesting of a condition, in syntax nodes, including the named conditions it refers to. A pair of parentheses
/// counts as three, and so does a reference.
const MAX_CONDITION_DEPTH: usize = 3 * (crate::lang::syntax::MAX_NESTING + 64);
/// Maximum number of predicates in a condition, including those of the conditions it refers to.
const MAX_PREDICATES: usize = 50_000;

/// A parsed file to check. Clones share the text and the tree.
#[derive(Debug, Clone)]
pub(crate) struct File {
    source: SourceFile,
    parse: Parse,
}

/// Parsed files by name. A file of the same name and text need not be parsed again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parsed(HashMap<Arc<str>, File>);

impl Parsed {
    fn file(&self, source: &SourceFile) -> Option<File> {
        self.0.get(&source.name).filter(|file| file.source == *source).cloned()
    }
}

impl FromIterator<File> for Parsed {
    fn from_iter<T: IntoIterator<Item = File>>(files: T) -> Self {
        Self(files.into_iter().map(|file| (Arc::clone(&file.source.name), file)).collect())
    }
}

impl File {
    /// Parses files, in parallel, except those that are parsed already.
    pub(crate) fn all(sources: &[SourceFile], parsed: &Parsed) -> Vec<Self> {
        sources.par_iter().map(|source| parsed.file(source).unwrap_or_else(|| Self::new(source))).collect()
    }

    fn new(source: &SourceFile) -> Self {
        let parse = if is_list(&source.name) { parse_list(&source.text) } else { parse(&source.text) };
        Self { parse, source: source.clone() }
    }

    /// Whether it is a `*.list` file, which is a named list.
    fn is_list(&self) -> bool {
        is_list(&self.source.name)
    }
}

/// Checks files together. Returns the rules if there are no errors, and what is reported once a day is over.
/// `gaps` are the parts of `twite.toml` that could not be read; `None` if there is no `twite.toml`.
pub(crate) fn check(
    files: &[File],
    desk: &Arc<Declarations>,
    gaps: Option<&Gaps>,
    version: Version,
) -> (Option<Rules>, Vec<Diagnostic>, Vec<Dated>) {
    let items = collect::items(files);
    let (context, mut found) = collect::context(files, &items, desk, gaps);
    let mut rules = Rules {
        files: Arc::default(),
        desk: Arc::clone(desk),
        version,
        triggers: vec![],
        automations: vec![],
        macros: context.macros.clone(),
        views: vec![],
        reports: vec![],
        slas: vec![],
        volumes: vec![],
        tests: vec![],
        lets: collect::lets_in_order(&context, &items),
        lists: files.iter().filter_map(list::of_file).collect(),
    };
    let checked: Vec<_> = files.par_iter().map(|file| check_file(&context, file)).collect();
    for (items, sink) in checked {
        for item in items {
            match item {
                Checked::Trigger(trigger) => rules.triggers.push(Arc::new(trigger)),
                Checked::Automation(automation) => rules.automations.push(Arc::new(automation)),
                Checked::View(view) => rules.views.push(Arc::new(view)),
                Checked::Report(report) => rules.reports.push(Arc::new(report)),
                Checked::Sla(sla) => rules.slas.push(Arc::new(sla)),
                Checked::Volume(volume) => rules.volumes.push(Arc::new(volume)),
                Checked::Test(test) => rules.tests.push(Arc::new(*test)),
                Checked::List(list) => rules.lists.push(list),
                Checked::Let(_) | Checked::Macro(_) => {}
            }
        }
        found.add(sink);
    }
    let mut diagnostics = found.diagnostics;
    diagnostics.extend(volume::too_many(&rules));
    diagnostics.extend(lints::all(&lints::Context::new(files, &context, &rules, &found.uses)));
    diagnostics.extend(only_syntax(files));
    join_look_alikes(&mut diagnostics);
    let mut dated = suppression::apply(files, &mut diagnostics);
    dated.extend(found.dated);
    let order: HashMap<&str, usize> =
        files.iter().enumerate().map(|(index, file)| (&*file.source.name, index)).collect();
    diagnostics.sort_by_cached_key(|d| (order.get(&**d.file()).copied(), d.span().start, d.code.id));
    let mut fine = !diagnostics.iter().any(Diagnostic::is_error);
    // A rule must not be left out without a word.
    let declared = items.len() + files.iter().filter(|file| file.is_list()).count();
    let has_gaps = gaps.is_some_and(|gaps| !gaps.is_empty());
    if let (true, Some(file)) = (fine && !has_gaps && rules.declarations() != declared, files.first()) {
        let message = "not all rules could be checked: this is a bug in Twite, please report it";
        diagnostics.push(Diagnostic::new(&codes::TW0101, file.source.span(0..0), message));
        fine = false;
    }
    (fine.then_some(rules), diagnostics, dated)
}

/// Makes the warning about a letter of another script the help of the error that it causes: an unknown name looks like a
/// known one.
fn join_look_alikes(diagnostics: &mut Vec<Diagnostic>) {
    let is_look_alike = |found: &Diagnostic| found.code == &codes::TW0407;
    if !diagnostics.iter().any(is_look_alike) {
        return;
    }
    let mut errors: HashMap<(Arc<str>, usize), usize> = HashMap::new();
    for (index, error) in diagnostics.iter().enumerate().filter(|(_, found)| found.is_error()) {
        errors.insert((Arc::clone(error.file()), error.span().range().end), index);
    }
    let mut joined = vec![false; diagnostics.len()];
    for index in 0..diagnostics.len() {
        let Some(warning) = diagnostics.get(index).filter(|found| is_look_alike(found)) else { continue };
        let (span, message) = (warning.span().range(), warning.message.clone());
        // A value in quotes ends one character later.
        let mut ends = [span.end, span.end + 1].into_iter();
        let Some(at) = ends.find_map(|end| errors.get(&(Arc::clone(warning.file()), end))) else { continue };
        if let Some(error) = diagnostics.get_mut(*at).filter(|error| error.span().range().start <= span.start) {
            error.help = Some(match &error.help {
                Some(help) => format!("{message}; {help}"),
                None => message,
            });
            joined.get_mut(index).into_iter().for_each(|joined| *joined = true);
        }
    }
    let mut joined = joined.into_iter();
    diagnostics.retain(|_| !joined.next().unwrap_or_default());
}

/// Checks the items of a file, without those that others refer to, which are checked before.
fn check_file<'f>(context: &Context<'_>, file: &'f File) -> (Vec<Checked>, Sink<'f>) {
    let mut sink = Sink::new(&file.source);
    let tree = file.parse.tree();
    let items = ast::items(&tree).filter(|item| !matches!(item, Item::Let(_) | Item::Macro(_)));
    let checked = items.filter_map(|item| check_item(context, &item, &mut sink)).collect();
    (checked, sink)
}

/// Checks one item: reports all errors in it, but not those that are about several items, such as a duplicate title.
/// Returns the checked item unless a part that it needs has errors.
fn check_item(context: &Context<'_>, item: &Item, sink: &mut Sink<'_>) -> Option<Checked> {
    let (acts, told) = (!matches!(item, Item::Automation(_)), !matches!(item, Item::Automation(_) | Item::Macro(_)));
    let mut checker = Checker { context, sink, acts, told, depth: 0, deepest: 0 };
    match item {
        Item::Let(node) => checker.let_item(node).map(Checked::Let),
        Item::List(node) => checker.list_item(node).map(Checked::List),
        Item::Trigger(node) => checker.trigger(node).map(Checked::Trigger),
        Item::Automation(node) => checker.automation(node).map(Checked::Automation),
        Item::View(node) => checker.view(node).map(Checked::View),
        Item::Report(node) => checker.report_item(node).map(Checked::Report),
        Item::Sla(node) => checker.sla(node).map(Checked::Sla),
        Item::Volume(node) => checker.volume(node).map(Checked::Volume),
        Item::Macro(node) => checker.macro_item(node).map(Checked::Macro),
        Item::Test(node) => checker.test(node).map(|test| Checked::Test(Box::new(test))),
    }
}

/// A checked item.
enum Checked {
    Let(CheckedLet),
    List(List),
    Trigger(Trigger),
    Automation(Automation),
    View(View),
    Report(Report),
    Sla(Sla),
    Volume(Volume),
    Macro(Macro),
    Test(Box<RuleTest>),
}

/// Whether a rule asks for a schedule by name. A part that did not parse may do so.
pub(crate) fn may_ask_for_schedule(files: &[File], name: &str) -> bool {
    let asks = |hours: ast::Hours| hours.name().is_some_and(|asked| fold(&value::written(&asked)) == fold(name));
    files.iter().any(|file| {
        let tree = file.parse.tree();
        tree.is_broken() || tree.descendants().filter_map(ast::Hours::cast).any(asks)
    })
}

/// The syntax errors of all files.
pub(crate) fn only_syntax(files: &[File]) -> Vec<Diagnostic> {
    files.iter().flat_map(|file| file.parse.errors.iter().cloned().map(|e| e.in_file(&file.source))).collect()
}

/// A checked named condition.
#[derive(Debug, Clone)]
struct CheckedLet {
    named: Arc<Let>,
    /// Number of predicates, including those of the conditions it refers to.
    size: usize,
    /// Nesting in syntax nodes, including the conditions it refers to.
    depth: usize,
    /// The first predicate that needs an event, if any, as text for a message.
    event: Option<String>,
    /// The first predicate with `me` or `my groups`.
    me: Option<String>,
}

/// The kind of item that a condition is in, which determines the predicates it may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    /// A trigger, a volume or a test: all predicates are allowed.
    Run,
    /// An automation: there is no event.
    Automation,
    /// A view: there is no event.
    View,
    /// A report: there is no event.
    Report,
    /// A service level agreement: there is no event.
    Sla,
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
            Self::Sla => Some("an `sla` applies to tickets as they are, and has no event"),
            Self::Report => Some("reports count tickets as they are, and have no event"),
        }
    }
}

/// What an item is checked against: the declarations, and what the items of all files declare.
struct Context<'a> {
    desk: &'a Arc<Declarations>,
    /// The parts of `twite.toml` that could not be read; `None` if there is no `twite.toml`.
    gaps: Option<Gaps>,
    /// The names of all fields.
    field_names: Vec<String>,
    /// The names that items declare.
    names: Names,
    /// The named conditions without errors.
    lets: HashMap<String, CheckedLet>,
    /// The values of each named list, for each way it is used; absent if an entry has errors.
    list_values: HashMap<(String, ListUse), ListValues>,
    /// The last days of the entries of each named list that has some.
    last_days: HashMap<String, LastDays>,
    /// The titles of the rules that have a cap, or may have one that did not parse.
    capped: HashSet<String>,
    /// The macros without errors, in order.
    macros: Vec<Arc<Macro>>,
    suggestions: Suggestions,
}

/// Where the check of an item puts what it finds.
struct Sink<'f> {
    source: &'f SourceFile,
    diagnostics: Vec<Diagnostic>,
    uses: Vec<Use>,
}

/// A use of a name that an item declares.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Use {
    kind: NameKind,
    name: String,
    span: Span,
}

impl<'f> Sink<'f> {
    fn new(source: &'f SourceFile) -> Self {
        Self { source, diagnostics: vec![], uses: vec![] }
    }
}

/// What the checks of all items have found.
#[derive(Default)]
struct FoundInAll {
    diagnostics: Vec<Diagnostic>,
    uses: Vec<Use>,
    /// The lists that were checked, for each way they are used.
    checked_lists: HashSet<(String, ListUse)>,
    dated: Vec<Dated>,
}

impl FoundInAll {
    fn add(&mut self, sink: Sink<'_>) {
        self.diagnostics.extend(sink.diagnostics);
        self.uses.extend(sink.uses);
    }
}

/// The check of one item.
struct Checker<'c, 'f> {
    context: &'c Context<'c>,
    sink: &'c mut Sink<'f>,
    /// Whether an agent may act in it, so that `me` can be somebody: not in automations.
    acts: bool,
    /// Whether it may run on a comment: not in automations, and not in macros, which run before what they write.
    told: bool,
    /// Current nesting of the condition, in syntax nodes.
    depth: usize,
    /// Deepest nesting so far, including the named conditions that are referred to.
    deepest: usize,
}

/// Spelling suggestions from lists of names. The lists can be long, so they are cached, and the number of comparisons
/// for each file is limited: thousands of unknown names most likely have one common cause.
struct Suggestions {
    /// Built on first use.
    lists: Mutex<HashMap<NameList, suggest::Names>>,
    /// Number of edit distances that may still be computed for each file.
    may_compare: HashMap<Arc<str>, AtomicUsize>,
}

/// A list of names to suggest from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum NameList {
    Fields,
    FieldsAndLets,
    Lists,
    /// Triggers and automations.
    Firing,
    Macros,
    Slas,
    Volumes,
    Webhooks,
    Declared(Declared),
}

impl Suggestions {
    fn new(files: &[File]) -> Self {
        let may_compare = files.iter().map(|File { source, .. }| {
            (Arc::clone(&source.name), AtomicUsize::new(MIN_COMPARED_IN_FILE + source.text.len()))
        });
        Self { lists: Mutex::default(), may_compare: may_compare.collect() }
    }

    /// The name in a list that is nearest to a word in a file, as in [`suggest::nearest`].
    fn nearest<'n>(
        &self,
        file: &SourceFile,
        list: NameList,
        word: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) -> Option<String> {
        // Only one thread checks a file at a time.
        let left = self.may_compare.get(&file.name)?;
        let mut may_compare = left.load(Ordering::Relaxed);
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let names = lists.entry(list).or_insert_with(|| suggest::Names::new(known));
        let nearest = names.nearest(word, &mut may_compare).map(str::to_owned);
        left.store(may_compare, Ordering::Relaxed);
        nearest
    }
}

impl<'a> Context<'a> {
    fn new(files: &[File], desk: &'a Arc<Declarations>, gaps: Option<&Gaps>) -> Self {
        let fields = FIELDS.iter().map(|field| field.name.to_owned());
        let custom = desk.fields.iter().map(|field| field.full_name());
        Self {
            desk,
            gaps: gaps.cloned(),
            field_names: fields.chain(custom).collect(),
            names: Names::default(),
            lets: HashMap::new(),
            list_values: HashMap::new(),
            last_days: HashMap::new(),
            capped: HashSet::new(),
            macros: vec![],
            suggestions: Suggestions::new(files),
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

    /// The first predicate in a condition that needs an event, as text for a message.
    fn event_in(&self, condition: &Condition) -> Option<String> {
        let needs =
            |p: &Predicate| p.fields().any(|field| field.scope() == Scope::Event) || matches!(p.op, Op::Changed { .. });
        self.first_in(condition, needs, |checked| checked.event.clone())
    }

    /// The first predicate in a condition with `me` or `my groups`, as text for a message.
    fn me_in(&self, condition: &Condition) -> Option<String> {
        self.first_in(condition, Predicate::asks_me, |checked| checked.me.clone())
    }

    /// The first predicate in a condition that `is_one`, as text. `known` is that of a named condition.
    fn first_in(
        &self,
        condition: &Condition,
        is_one: fn(&Predicate) -> bool,
        known: fn(&CheckedLet) -> Option<String>,
    ) -> Option<String> {
        match &condition.kind {
            ConditionKind::All(parts) | ConditionKind::Any(parts) => {
                parts.iter().find_map(|part| self.first_in(part, is_one, known))
            }
            ConditionKind::Not(inner) => self.first_in(inner, is_one, known),
            ConditionKind::Let(named) => match self.lets.get(&named.name) {
                Some(checked) => known(checked),
                None => self.first_in(&named.condition, is_one, known),
            },
            ConditionKind::Predicate(predicate) => is_one(predicate).then(|| format!("`{predicate}`")),
        }
    }

    /// Number of predicates in a condition, including those of the conditions it refers to.
    fn size_of(&self, condition: &Condition) -> usize {
        match &condition.kind {
            ConditionKind::All(parts) | ConditionKind::Any(parts) => {
                parts.iter().map(|p| self.size_of(p)).fold(0, usize::saturating_add)
            }
            ConditionKind::Not(inner) => self.size_of(inner),
            ConditionKind::Let(named) => {
                self.lets.get(&named.name).map_or_else(|| self.size_of(&named.condition), |checked| checked.size)
            }
            ConditionKind::Predicate(_) => 1,
        }
    }
}

impl Checker<'_, '_> {
    fn span(&self, span: Range<usize>) -> Span {
        self.sink.source.span(span)
    }

    fn report(&mut self, diagnostic: TextDiagnostic) {
        let diagnostic = diagnostic.in_file(self.sink.source);
        self.sink.diagnostics.push(diagnostic);
    }

    /// Reports an error without help or fix.
    fn error(&mut self, code: &'static codes::Code, span: Range<usize>, message: impl Into<String>) {
        self.report(Diagnostic::new(code, span, message));
    }

    /// Records the use of a name. Returns it as the item that declares it writes it; `None` if no item does.
    fn uses(&mut self, kind: NameKind, name: &str, span: Range<usize>) -> Option<String> {
        let (name, _) = self.context.names.declared(kind, name)?;
        let span = self.span(span);
        self.sink.uses.push(Use { kind, name: name.clone(), span });
        Some(name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The diagnostics of one item.
    fn alone(context: &Context<'_>, file: &File, item: &Item) -> Vec<Diagnostic> {
        let mut sink = Sink::new(&file.source);
        check_item(context, item, &mut sink);
        sink.diagnostics
    }

    #[test]
    fn an_item_is_checked_alike_in_any_order_and_again() {
        let cases = std::fs::read_dir("tests/it/lang/cases").unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = cases
            .map(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                File::new(&SourceFile::new(name, std::fs::read_to_string(path).unwrap()))
            })
            .collect();
        files.sort_by(|a, b| a.source.name.cmp(&b.source.name));
        let circle =
            "let b1 = b2\nlet b2 = not b3 and statu is open\nlet b3 = b1\ntrigger \"T\" { when b1 then stop }\n";
        files.push(File::new(&SourceFile::new("z.twite", circle)));
        let desk = Arc::new(Declarations::default());
        let items = collect::items(&files);
        let (context, _) = collect::context(&files, &items, &desk, None);
        let forward: Vec<_> = items.iter().map(|(file, item)| alone(&context, file, item)).collect();
        let mut backward: Vec<_> = items.iter().rev().map(|(file, item)| alone(&context, file, item)).collect();
        backward.reverse();
        assert_eq!(forward, backward);
        assert!(forward.iter().filter(|found| !found.is_empty()).count() > 20);
        // The check of all files reports these errors too, besides those about several items.
        let (_, all, _) = check(&files, &desk, None, Version::default());
        let missing = forward.iter().flatten().filter(|found| found.is_error() && !all.contains(found));
        assert_eq!(missing.collect::<Vec<_>>(), Vec::<&Diagnostic>::new());
    }
}
