//! Checks lists: those in parentheses, and named ones. A named list has no type: its entries are checked as what the
//! list is used for, once for each such use, and errors point to the entry.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use jiff::civil::Date;

use super::{
    Checker, Context, Dated, File, FoundInAll, NameKind, NameList, Sink,
    collect::{ItemOf, declare_name},
    condition::TIME_OF_DAY,
    last_day::{Entry, entries_in, errors_in, too_many},
    value::written,
};
use crate::{
    desk::{FieldRef, Kind, field::Members, text::is_blank},
    lang::{
        ast::{self, AstNode as _, Titled as _, is_text, span_of},
        codes,
        diagnostic::{Diagnostic, TextDiagnostic},
        display::Quoted,
        rules::{Folded, LastDays, List, Literal, Values},
        span::{SourceFile, Span},
        suggest::did_you_mean,
        syntax::{SyntaxElement, SyntaxKind, SyntaxToken, is_name, range, text::Text},
    },
};

/// Maximum number of errors reported about the entries of a list for one use.
const MAX_ENTRY_ERRORS: usize = 20;

/// A named list as declared.
pub(super) struct NamedList {
    name: Arc<str>,
    source: SourceFile,
    /// Where it is declared.
    span: Span,
    entries: Vec<Entry>,
}

/// The named lists by name.
pub(super) type NamedLists = HashMap<String, NamedList>;

/// What the entries of a list are used as.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum ListUse {
    /// Values of the field with this name.
    Values(String),
    /// Members of a set.
    Members(Members),
    /// Texts searched for in the field with this name.
    Texts(Search, String),
}

/// Where a text is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Search {
    Anywhere,
    Words,
    Start,
    End,
}

impl Search {
    /// The search of an operator; `None` for others.
    pub(super) fn of(predicate: &ast::Predicate) -> Option<Self> {
        match predicate {
            ast::Predicate::Contains(test) if test.word() => Some(Self::Words),
            ast::Predicate::Contains(_) => Some(Self::Anywhere),
            ast::Predicate::Starts(_) => Some(Self::Start),
            ast::Predicate::Ends(_) => Some(Self::End),
            _ => None,
        }
    }

    /// The operator, as written.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Anywhere => "contains",
            Self::Words => "contains word",
            Self::Start => "starts with",
            Self::End => "ends with",
        }
    }
}

/// The checked values of a list.
#[derive(Debug, Clone)]
pub(super) enum ListValues {
    Literals(Values<Literal>),
    Members(Values<String>),
    Texts(Values<Folded>),
}

impl ListUse {
    /// What an operator on a field takes a list of; `None` if it takes none.
    pub(super) fn of(field: &FieldRef, predicate: &ast::Predicate) -> Option<Self> {
        match (predicate, field.kind()) {
            (ast::Predicate::In(_), Kind::Set(_) | Kind::Time | Kind::YesNo) => None,
            (ast::Predicate::In(_), _) => Some(Self::Values(field.to_string())),
            (ast::Predicate::Has(test), Kind::Set(members)) => test.of().then_some(Self::Members(members)),
            (ast::Predicate::Contains(_) | ast::Predicate::Starts(_) | ast::Predicate::Ends(_), Kind::Text) => {
                predicate.any_of().then(|| Search::of(predicate)).flatten().map(|s| Self::Texts(s, field.to_string()))
            }
            _ => None,
        }
    }
}

/// Declares the list of an item.
pub(super) fn declare(context: &Context<'_>, lists: &mut NamedLists, source: &SourceFile, node: &ast::ListItem) {
    let Some(name) = node.name() else { return };
    let entries = match node.values().next() {
        Some(SyntaxElement::Node(list)) if list.kind() == SyntaxKind::List => entries_in(&list),
        _ => node.values().map(|value| Entry { value, until: None }).collect(),
    };
    add(context, lists, name.text(), source, source.span(range(&name)), entries);
}

/// The name of the list that a file is: its stem.
fn name_of(file: &File) -> String {
    Path::new(&*file.source.name).file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The entries of a list file, without those that are malformed.
fn entries_of(file: &File) -> Vec<Entry> {
    let errors = file.parse.errors.iter().filter(|error| error.is_error());
    let malformed: HashSet<usize> = errors.map(|error| error.span().start).collect();
    let entries = file.parse.tree().children().flat_map(|entry| entries_in(&entry)).collect::<Vec<_>>();
    entries.into_iter().filter(|entry| !malformed.contains(&span_of(&entry.value).start)).collect()
}

/// Declares the list that a `*.list` file is.
pub(super) fn declare_file(context: &mut Context<'_>, lists: &mut NamedLists, file: &File, out: &mut Vec<Diagnostic>) {
    let (name, span, entries) = (name_of(file), file.source.span(0..0), entries_of(file));
    if !is_name(&name) || name.contains('.') {
        let message = format!("`{name}` cannot be the name of a list");
        let help =
            "rename the file: its name without `.list` is that of the list, a word of letters, digits, `_` and `-`";
        out.push(Diagnostic::new(&codes::TW0202, span, message).with_help(help));
        return;
    }
    let tree = file.parse.tree();
    let in_days = errors_in(&tree).chain(too_many(&entries, 0..0));
    out.extend(in_days.take(MAX_ENTRY_ERRORS).map(|error| error.in_file(&file.source)));
    if entries.is_empty() && !file.parse.errors.iter().any(TextDiagnostic::is_error) {
        let error = Diagnostic::new(&codes::TW0310, span.clone(), "empty list");
        out.push(error.with_help("write an entry a line, or delete the file and its uses"));
    }
    declare_name(context, NameKind::List, &name, span.clone(), out);
    add(context, lists, &name, &file.source, span, entries);
}

/// The list that a `*.list` file is; `None` for other files.
pub(super) fn of_file(file: &File) -> Option<List> {
    let entries = file.is_list().then(|| entries_of(file))?;
    let quoted = |entry: &Entry| Quoted(&written(&entry.value)).to_string();
    let entries = entries.iter().map(|entry| with_day(&quoted(entry), entry.until)).collect();
    Some(List { name: name_of(file), doc: None, entries, span: file.source.span(0..0) })
}

/// An entry, as it is written.
fn with_day(value: &str, until: Option<Date>) -> String {
    until.map_or_else(|| value.to_owned(), |until| format!("{value} until {until}"))
}

/// Adds a list, unless its name is declared elsewhere.
fn add(
    context: &Context<'_>,
    lists: &mut NamedLists,
    name: &str,
    source: &SourceFile,
    span: Span,
    entries: Vec<Entry>,
) {
    if context.names.declared(NameKind::List, name).is_some_and(|(_, declared)| *declared == span) {
        let list = NamedList { name: name.into(), source: source.clone(), span, entries };
        lists.insert(name.to_owned(), list);
    }
}

/// Checks the entries of each named list as what it is used for.
pub(super) fn check_uses(context: &mut Context<'_>, lists: &NamedLists, items: &[ItemOf<'_>], found: &mut FoundInAll) {
    if lists.is_empty() {
        return;
    }
    for (file, item) in items {
        for question in item.syntax().descendants().filter_map(ast::Question::cast) {
            let Some(predicate) = question.predicate() else { continue };
            let Some(value) = predicate.value() else { continue };
            let Some(list) = named(&value).and_then(|name| lists.get(name.text())) else { continue };
            let name = question.name();
            let name = question.clock().map(|_| TIME_OF_DAY).or(name.as_ref().map(|name| name.text()));
            let Some(field) = name.and_then(|name| FieldRef::find(name, context.desk)) else { continue };
            let Some(used) = ListUse::of(&field, &predicate) else { continue };
            let key = (list.name.to_string(), used);
            if found.checked_lists.insert(key.clone()) {
                let mut sink = Sink::new(&list.source);
                let mut checker = Checker { context, sink: &mut sink, acts: true, told: true, depth: 0, deepest: 0 };
                let entries: Vec<_> = list.entries.iter().map(|entry| entry.value.clone()).collect();
                let values = checker.values_of(&key.1, &field, &entries, Some(&list.name));
                let values = values.filter(|values| checker.without_me_until(&list.entries, values));
                let more = sink.diagnostics.len().saturating_sub(MAX_ENTRY_ERRORS);
                sink.diagnostics.truncate(MAX_ENTRY_ERRORS);
                let at_use = file.source.span(span_of(&value));
                for error in &mut sink.diagnostics {
                    *error = error.clone().and_label(at_use.clone(), "used here");
                }
                if let Some(last) = sink.diagnostics.last().filter(|_| more > 0) {
                    let message = format!("{more} more entries of `{}` have such an error", list.name);
                    let rest = Diagnostic::new(last.code, list.span.clone(), message);
                    sink.diagnostics.push(rest.and_label(at_use, "used here"));
                }
                found.add(sink);
                if let Some(values) = values {
                    if let Some(days) = LastDays::new(list.entries.iter().map(|entry| entry.until)) {
                        context.last_days.insert(list.name.to_string(), days);
                    }
                    context.list_values.insert(key, values);
                }
            }
        }
    }
}

/// The notes about the entries of a list, once their last day is over: one for each day.
pub(super) fn past(list: &NamedList) -> Vec<Dated> {
    let mut entries: BTreeMap<Date, Vec<&SyntaxElement>> = BTreeMap::new();
    for entry in &list.entries {
        if let Some(until) = entry.until {
            entries.entry(until).or_default().push(&entry.value);
        }
    }
    let note = |(until, entries): (Date, Vec<&SyntaxElement>)| {
        let first = entries.first()?;
        let message = match entries.len() {
            1 => format!("this entry of `{}` counted until {until}", list.name),
            several => format!("{several} entries of `{}` counted until {until}; this is the first", list.name),
        };
        let note = Diagnostic::new(&codes::TW0454, list.source.span(span_of(first)), message);
        Some(Dated { until, then: vec![note.with_help("delete it, or write a later day")] })
    };
    entries.into_iter().filter_map(note).collect()
}

/// The token of an operand that is a name.
pub(super) fn named(value: &SyntaxElement) -> Option<&SyntaxToken> {
    value.as_token().filter(|token| token.kind() == SyntaxKind::Path)
}

impl Checker<'_, '_> {
    pub(super) fn list_item(&mut self, node: &ast::ListItem) -> Option<List> {
        let name = node.name()?.text().to_owned();
        if let Some(mode) = node.mode() {
            let message = format!("`{}` is only for rules, not for `list`", mode.text());
            self.error(&codes::TW0115, range(&mode), message);
        }
        let values: Vec<_> = node.values().collect();
        let (first, last) = (values.first()?, values.last()?);
        let entries = match first {
            SyntaxElement::Node(list) if list.kind() == SyntaxKind::List => {
                let entries = entries_in(list);
                if entries.is_empty() {
                    self.error(&codes::TW0310, span_of(first), "empty list");
                    return None;
                }
                let errors: Vec<_> = errors_in(list).chain(too_many(&entries, span_of(first))).collect();
                let is_wrong = !errors.is_empty();
                for error in errors {
                    self.report(error);
                }
                if is_wrong {
                    return None;
                }
                entries
            }
            _ => {
                let span = span_of(first).start..span_of(last).end;
                let fixed = values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let error = Diagnostic::new(&codes::TW0310, span.clone(), "expected a list in parentheses");
                self.report(error.with_guess(span, format!("({fixed})")));
                return None;
            }
        };
        let entries = entries.iter().map(|entry| with_day(&entry.value.to_string(), entry.until)).collect();
        Some(List { name, doc: node.doc(), entries, span: self.span(node.span()) })
    }

    /// The values of an operand that must be a list: one in parentheses, or the name of one.
    pub(super) fn list_operand(
        &mut self,
        field: &FieldRef,
        predicate: &ast::Predicate,
        value: &SyntaxElement,
    ) -> Option<ListValues> {
        let used = ListUse::of(field, predicate)?;
        if let Some(name) = named(value) {
            let listed = self.uses(NameKind::List, name.text(), range(name));
            return match listed {
                // A list with errors is missing here; they have been reported.
                Some(name) => self.context.list_values.get(&(name, used)).cloned(),
                None => {
                    self.no_list(name, field);
                    None
                }
            };
        }
        let entries = self.list_of(value)?;
        if matches!(used, ListUse::Members(_))
            && !entries.iter().all(|entry| self.is_no_list(entry, "write it without parentheses"))
        {
            return None;
        }
        self.values_of(&used, field, &entries, None)
    }

    /// Reports a name that is no list where a list is expected.
    fn no_list(&mut self, name: &SyntaxToken, field: &FieldRef) {
        let (span, text) = (range(name), name.text());
        if self.uses(NameKind::Let, text, span.clone()).is_some() {
            let message = format!("`{text}` is a condition, not a list");
            let help = "a list is declared as `list NAME = (…)`";
            return self.report(Diagnostic::new(&codes::TW0310, span, message).with_help(help));
        }
        let lists = self.context.names.of(NameKind::List).map(|(name, _)| name);
        let suggestion = self.context.suggestions.nearest(self.sink.source, NameList::Lists, text, lists);
        let message = format!("no list is named `{text}`{}", did_you_mean(suggestion.as_deref()));
        let one = if field.kind() == Kind::Text { format!("(\"{text}\")") } else { format!("({text})") };
        let help = format!("write values in parentheses, as in `{one}`, or declare the list: `list {text} = (…)`");
        let error = Diagnostic::new(&codes::TW0201, span.clone(), message).with_help(help);
        self.report(match suggestion {
            _ if text == "groups" && field.name() == "group" => {
                error.with_help("write `group in my groups`").with_guess(span, "my groups")
            }
            Some(meant) => error.with_guess(span, meant),
            None => error.with_guess(span, one),
        });
    }

    /// Reports a value that is the name of a list where one value is expected. Returns false then.
    pub(super) fn is_no_list(&mut self, value: &SyntaxElement, instead: &str) -> bool {
        let Some(name) = named(value) else { return true };
        if self.uses(NameKind::List, name.text(), range(name)).is_none() {
            return true;
        }
        let message = format!("`{}` is a list: {instead}", name.text());
        let help = format!("for the value of this name, write `\"{}\"`", name.text());
        self.report(Diagnostic::new(&codes::TW0310, range(name), message).with_help(help));
        false
    }

    /// Whether an operand is a list, or the name of one.
    pub(super) fn is_list(&self, value: &SyntaxElement) -> bool {
        value.kind() == SyntaxKind::List
            || named(value).is_some_and(|name| self.context.names.declared(NameKind::List, name.text()).is_some())
    }

    /// Records the use of a list in a place where it cannot stand.
    pub(super) fn uses_list(&mut self, value: &SyntaxElement) {
        if let Some(name) = named(value) {
            self.uses(NameKind::List, name.text(), range(name));
        }
    }

    /// Checks the entries of a list as what they are used for. Reports all errors in them.
    fn values_of(
        &mut self,
        used: &ListUse,
        field: &FieldRef,
        entries: &[SyntaxElement],
        name: Option<&Arc<str>>,
    ) -> Option<ListValues> {
        fn all<T>(
            entries: &[SyntaxElement],
            name: Option<&Arc<str>>,
            check: impl FnMut(&SyntaxElement) -> Option<T>,
        ) -> Option<Values<T>> {
            let checked: Vec<_> = entries.iter().map(check).collect();
            Some(Values { name: name.cloned(), items: checked.into_iter().collect::<Option<_>>()? })
        }
        Some(match used {
            ListUse::Values(_) => ListValues::Literals(all(entries, name, |entry| {
                let literal = self.literal(field, entry)?;
                self.can_equal(field, &literal, entry).map(|()| literal)
            })?),
            ListUse::Members(members) => {
                let help = format!("write `{field} has me`, with `or` or `not` as you mean it");
                ListValues::Members(all(entries, name, |entry| self.named_member(members, entry, &help))?)
            }
            ListUse::Texts(search, _) => {
                ListValues::Texts(all(entries, name, |entry| self.needle(field, *search, entry))?)
            }
        })
    }

    /// Checks a text that is searched for.
    pub(super) fn needle(&mut self, field: &FieldRef, search: Search, value: &SyntaxElement) -> Option<Folded> {
        let text = self.string(search.as_str(), value)?.value;
        let needle = field.normalize(&text);
        if is_blank(&needle) {
            // An empty needle is in every text.
            let message = format!("`{text}` is no part of any `{field}`, which drops it");
            self.error(&codes::TW0302, span_of(value), message);
            return None;
        }
        let needle = match search {
            Search::Anywhere => Folded::needle(&needle),
            Search::Words => (&*needle).into(),
            Search::Start => Folded::needle(needle.trim_start()),
            Search::End => Folded::needle(needle.trim_end()),
        };
        self.can_contain(field, &needle.folded, span_of(value)).map(|()| needle)
    }

    /// Checks that an operand is a string that is not empty.
    pub(super) fn string(&mut self, operator: &str, value: &SyntaxElement) -> Option<Text> {
        if !is_text(value.kind()) {
            let message = format!("`{operator}` takes a string in double quotes");
            let error = Diagnostic::new(&codes::TW0302, span_of(value), message);
            self.report(error.with_fix(span_of(value), super::predicate::quoted(value)));
            return None;
        }
        let text = Text::of_element(value);
        if is_blank(&text.value) {
            self.error(&codes::TW0302, span_of(value), format!("`{operator}` takes a string that is not empty"));
            return None;
        }
        Some(text)
    }
}
