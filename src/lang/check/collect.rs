//! Checks of all items together: the names they declare, duplicates, and the order in which named conditions are
//! checked.

use std::{collections::HashMap, sync::Arc};

use super::{Checked, Context, File, FoundInAll, NameKind, Sink, check_item, list};
use crate::{
    desk::{Declarations, FieldRef, text::is_blank},
    lang::{
        ast::{self, AstNode as _, Item, NodeExt as _, Titled as _},
        codes,
        config::Gaps,
        diagnostic::Diagnostic,
        display::Quoted,
        rules::Let,
        span::{SourceFile, Span},
        suggest,
        syntax::{SyntaxKind, SyntaxToken, range},
    },
};

/// An item and its file.
pub(super) type ItemOf<'f> = (&'f File, Item);

/// The items of all files, in order.
pub(super) fn items(files: &[File]) -> Vec<ItemOf<'_>> {
    let items = files.iter().map(|file| (file, ast::items(&file.parse.tree()).collect::<Vec<_>>()));
    items.flat_map(|(file, items)| items.into_iter().map(move |item| (file, item))).collect()
}

/// Collects what items declare. Checks the items that others refer to: named conditions and macros.
pub(super) fn context<'a>(
    files: &[File],
    items: &[ItemOf<'_>],
    desk: &'a Arc<Declarations>,
    gaps: Option<&Gaps>,
) -> (Context<'a>, FoundInAll) {
    let mut context = Context::new(files, desk, gaps);
    let (mut found, mut lists) = (FoundInAll::default(), list::NamedLists::new());
    for (file, item) in items {
        match item {
            Item::Let(node) => {
                let Some(name) = node.name() else { continue };
                let span = file.source.span(range(&name));
                declare_name(&mut context, NameKind::Let, name.text(), span, &mut found.diagnostics);
            }
            Item::List(node) => {
                let Some(name) = node.name() else { continue };
                let span = file.source.span(range(&name));
                declare_name(&mut context, NameKind::List, name.text(), span, &mut found.diagnostics);
                list::declare(&context, &mut lists, &file.source, node);
            }
            _ => declare_title(&mut context, &file.source, item, &mut found.diagnostics),
        }
    }
    for file in files.iter().filter(|file| file.is_list()) {
        list::declare_file(&mut context, &mut lists, file, &mut found.diagnostics);
    }
    // A `let` or list that did not parse still declares its name.
    for (file, (kind, name)) in files.iter().flat_map(|file| broken_names(file).map(move |name| (file, name))) {
        let _ = context.names.declare(kind, name.text(), file.source.span(range(&name)));
    }
    list::check_uses(&mut context, &lists, items, &mut found);
    found.dated = lists.values().flat_map(list::past).collect();
    check_lets(&mut context, items, &mut found);
    for (file, item) in items.iter().filter(|(_, item)| matches!(item, Item::Macro(_))) {
        let mut sink = Sink::new(&file.source);
        if let Some(Checked::Macro(found)) = check_item(&context, item, &mut sink) {
            context.macros.push(Arc::new(found));
        }
        found.add(sink);
    }
    (context, found)
}

/// The named conditions without errors, in file order.
pub(super) fn lets_in_order(context: &Context<'_>, items: &[ItemOf<'_>]) -> Vec<Arc<Let>> {
    let mut lets = vec![];
    for (file, item) in items {
        let Item::Let(node) = item else { continue };
        let checked = node.name().and_then(|name| context.lets.get(name.text()));
        lets.extend(checked.filter(|c| c.named.span == file.source.span(node.span())).map(|c| Arc::clone(&c.named)));
    }
    lets
}

fn declare_title(context: &mut Context<'_>, source: &SourceFile, item: &Item, out: &mut Vec<Diagnostic>) {
    let (kind, name_kind) = match item {
        Item::Let(_) | Item::List(_) => return,
        Item::Trigger(_) => ("trigger", NameKind::Rule),
        Item::Automation(_) => ("automation", NameKind::Rule),
        Item::View(_) => ("view", NameKind::View),
        Item::Report(_) => ("report", NameKind::Report),
        Item::Sla(_) => ("sla", NameKind::Sla),
        Item::Volume(_) => ("volume", NameKind::Volume),
        Item::Macro(_) => ("macro", NameKind::Macro),
        Item::Test(_) => ("test", NameKind::Test),
    };
    let Some((title, span)) = item.title() else { return };
    let span = source.span(span);
    if is_blank(&title) {
        out.push(Diagnostic::new(&codes::TW0115, span, format!("{} needs a title", suggest::article(kind))));
        return;
    }
    let has_cap = match item {
        Item::Trigger(node) => node.caps().next().is_some() || node.is_broken(),
        Item::Automation(node) => node.caps().next().is_some() || node.is_broken(),
        _ => false,
    };
    if has_cap {
        context.capped.insert(title.clone());
    }
    if let Err((title, first)) = context.names.declare(name_kind, &title, span.clone()) {
        let what = suggest::article(name_kind.as_str());
        out.push(twice(format!("there is already {what} {}", Quoted(&title)), span, first));
    }
}

/// Declares the name of a `let` or a list. The two share their names, so that a name in a condition has one meaning.
pub(super) fn declare_name(
    context: &mut Context<'_>,
    kind: NameKind,
    text: &str,
    span: Span,
    out: &mut Vec<Diagnostic>,
) {
    let (word, other) = match kind {
        NameKind::List => ("list", NameKind::Let),
        _ => ("`let`", NameKind::List),
    };
    if text.contains('.') || FieldRef::find(text, context.desk).is_some() {
        let message = format!("`{text}` cannot be the name of a {word}");
        let help = if text.contains('.') { "names contain no dots" } else { "a field has this name" };
        out.push(Diagnostic::new(&codes::TW0202, span, message).with_help(help));
    } else if let Some((_, first)) = context.names.declared(other, text) {
        out.push(twice(format!("there is already a {} named `{text}`", other.as_str()), span, first.clone()));
    } else if let Err((_, first)) = context.names.declare(kind, text, span.clone()) {
        out.push(twice(format!("duplicate {word} named `{text}`"), span, first));
    }
}

/// Error for a duplicate declaration.
fn twice(message: String, span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(&codes::TW0202, span, message).and_label(first, "first declared here")
}

/// The names after `let` and `list` in the parts of a file that did not parse.
fn broken_names(file: &File) -> impl Iterator<Item = (NameKind, SyntaxToken)> {
    let bad = file.parse.tree().children().filter(|node| node.kind() == SyntaxKind::BadItem);
    let named = |node: crate::lang::syntax::SyntaxNode| {
        let mut words = node.tokens().filter(|token| token.kind() != SyntaxKind::Mode);
        let kind = match words.next()?.text() {
            "let" => NameKind::Let,
            "list" => NameKind::List,
            _ => return None,
        };
        let name = words.next().filter(|name| matches!(name.kind(), SyntaxKind::Word | SyntaxKind::Path))?;
        Some((kind, name))
    };
    bad.filter_map(named).collect::<Vec<_>>().into_iter()
}

/// A named condition, with its references to others: their indexes, and where they are.
struct Node<'f> {
    item: &'f ItemOf<'f>,
    refers_to: Vec<(usize, SyntaxToken)>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    /// Its references are being followed; another reference to it is circular.
    Open,
    Done,
}

/// Checks all named conditions, each after those that it refers to, and reports circular references.
fn check_lets(context: &mut Context<'_>, items: &[ItemOf<'_>], found: &mut FoundInAll) {
    let lets: Vec<_> = items.iter().filter(|(_, item)| matches!(item, Item::Let(_))).collect();
    let declares = |(file, item): &ItemOf<'_>| {
        let Item::Let(node) = item else { return None };
        let name = node.name()?;
        let (_, declared) = context.names.declared(NameKind::Let, name.text())?;
        (*declared == file.source.span(range(&name))).then(|| name.text().to_owned())
    };
    // A duplicate declares nothing, but is checked as well.
    let names: Vec<_> = lets.iter().map(|item| declares(item)).collect();
    let index: HashMap<&str, usize> =
        names.iter().enumerate().filter_map(|(at, name)| Some((name.as_deref()?, at))).collect();
    let refers_to = |item: &ItemOf<'_>| -> Vec<(usize, SyntaxToken)> {
        let questions = item.1.syntax().descendants().filter_map(ast::Question::cast);
        questions.filter_map(|q| q.name()).filter_map(|name| Some((*index.get(name.text())?, name))).collect()
    };
    let mut nodes: Vec<_> =
        lets.into_iter().map(|item| Node { item, refers_to: refers_to(item), state: State::Waiting }).collect();
    let name_of = |at: usize| names.get(at).cloned().flatten().unwrap_or_default();
    for root in 0..nodes.len() {
        // A stack instead of recursion: there can be thousands of references in a row.
        // Each with the reference that led to it.
        let mut stack: Vec<(usize, Option<Span>)> = vec![(root, None)];
        while let Some(&(at, _)) = stack.last() {
            let Some(node) = nodes.get_mut(at) else { break };
            if node.state == State::Done {
                stack.pop();
                continue;
            }
            node.state = State::Open;
            let Some((next, token)) = node.refers_to.pop() else {
                node.state = State::Done;
                stack.pop();
                let (file, item) = node.item;
                let mut sink = Sink::new(&file.source);
                if let Some(Checked::Let(checked)) = check_item(context, item, &mut sink)
                    && let Some(Some(name)) = names.get(at)
                {
                    context.lets.insert(name.clone(), checked);
                }
                found.add(sink);
                continue;
            };
            let reference = node.item.0.source.span(range(&token));
            match nodes.get(next).map(|next| next.state) {
                Some(State::Waiting) => stack.push((next, Some(reference))),
                Some(State::Open) => {
                    let start = stack.iter().position(|(open, _)| *open == next).unwrap_or(0);
                    let circle = stack.iter().skip(start).map(|(at, _)| *at).chain([next]);
                    let circle = circle.map(|at| format!("`{}`", name_of(at))).collect::<Vec<_>>().join(" → ");
                    let message = format!("circular `let`: `{}` refers to itself", name_of(next));
                    let mut error = Diagnostic::new(&codes::TW0206, reference, message);
                    // One reference of each other file, so that the error counts for every file of the cycle.
                    for (at, reference) in stack.iter().skip(start + 1) {
                        let Some(reference) = reference else { continue };
                        if error.labels().all(|label| label.span.file != reference.file) {
                            error = error.and_label(reference.clone(), format!("refers to `{}`", name_of(*at)));
                        }
                    }
                    found.diagnostics.push(error.with_help(format!("cycle: {circle}; remove one of these references")));
                }
                _ => {}
            }
        }
    }
}
