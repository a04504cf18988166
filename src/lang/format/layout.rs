//! Line breaking for items, clauses, actions and chains of conditions.

use super::printer::{Gap, Printer, spelled};
use crate::lang::{
    ast::NodeExt,
    syntax::{SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken, lexemes},
};

/// Minimum number of conditions in a chain that is broken into lines even if it fits on one.
const LONG_CHAIN: usize = 3;

/// Formats a whole file.
pub(super) fn file(tree: &SyntaxNode) -> String {
    let mut p = Printer::new();
    let mut last: Option<SyntaxKind> = None;
    for item in tree.children() {
        // Consecutive `let`s or lists need no empty line between them; all other items get one.
        let close = last == Some(item.kind()) && matches!(item.kind(), SyntaxKind::LetItem | SyntaxKind::ListItem);
        p.gap(match last {
            None => Gap::Line,
            Some(_) if close => Gap::Line,
            Some(_) => Gap::Blank,
        });
        match item.kind() {
            SyntaxKind::LetItem => let_item(&mut p, &item),
            SyntaxKind::ListItem => flat(&mut p, &item),
            _ => block_item(&mut p, &item),
        }
        last = Some(item.kind());
    }
    p.gap(Gap::Line);
    p.comments_at_end(tree);
    p.finish()
}

fn let_item(p: &mut Printer, item: &SyntaxNode) {
    item.tokens().for_each(|t| p.token(&t));
    if let Some(inner) = item.part(SyntaxKind::Condition) {
        condition(p, &inner, true);
    }
}

/// An item such as `trigger`, `view` or `test`: a head, and clauses between braces.
fn block_item(p: &mut Printer, item: &SyntaxNode) {
    let mut fresh = true;
    for element in solid(item) {
        match &element {
            SyntaxElement::Token(token) => p.token(token),
            SyntaxElement::Node(close) if close.kind() == SyntaxKind::Close => closing(p, close, fresh),
            SyntaxElement::Node(part) => {
                p.gap(if fresh { Gap::Tight } else { Gap::Line });
                p.indented(|p| clause(p, part));
                fresh = false;
            }
        }
    }
}

/// Prints a closing brace. The comments before it are indented as part of the block.
fn closing(p: &mut Printer, close: &SyntaxNode, empty: bool) {
    let Some(brace) = close.token(SyntaxKind::CloseBrace) else { return };
    let commented = comments_before(&brace);
    p.gap(if empty && !commented { Gap::Nothing } else { Gap::Line });
    if commented {
        p.indented(|p| p.comments_before(&brace));
    }
    if !empty || commented {
        p.gap(Gap::Tight);
    }
    p.closed(&brace);
}

fn clause(p: &mut Printer, part: &SyntaxNode) {
    match part.kind() {
        SyntaxKind::WhenClause | SyntaxKind::WhereClause | SyntaxKind::PauseClause => conditional(p, part),
        SyntaxKind::TargetClause => target(p, part),
        SyntaxKind::ExpectClause if part.part(SyntaxKind::Condition).is_some() => conditional(p, part),
        SyntaxKind::ThenClause => then(p, part),
        SyntaxKind::GivenClause | SyntaxKind::HappensClause => {
            for element in solid(part) {
                match &element {
                    SyntaxElement::Token(token) => p.token(token),
                    SyntaxElement::Node(block) if block.kind() == SyntaxKind::Facts => facts(p, block),
                    SyntaxElement::Node(block) if block.kind() == SyntaxKind::Update => update(p, block),
                    SyntaxElement::Node(node) => flat(p, node),
                }
            }
        }
        _ => flat(p, part),
    }
}

fn conditional(p: &mut Printer, part: &SyntaxNode) {
    part.tokens().for_each(|t| p.token(&t));
    if let Some(inner) = part.part(SyntaxKind::Condition) {
        condition(p, &inner, true);
    }
}

/// A time of a service level agreement, with the condition on which it applies.
fn target(p: &mut Printer, part: &SyntaxNode) {
    for element in solid(part) {
        match &element {
            SyntaxElement::Node(inner) if inner.kind() == SyntaxKind::Condition => condition(p, inner, true),
            SyntaxElement::Node(node) => flat(p, node),
            SyntaxElement::Token(token) => p.token(token),
        }
    }
}

/// `then` and its actions: a single short action on the same line, others each on a line below.
fn then(p: &mut Printer, part: &SyntaxNode) {
    let actions: Vec<_> = part.children().collect();
    let beside = match actions.as_slice() {
        [only] => {
            let has_block = [SyntaxKind::Message, SyntaxKind::ByLanguage].iter().any(|kind| only.part(*kind).is_some());
            !has_block && !commented(part) && {
                let text = format!("then {}", flat_text(only));
                p.fits(&text)
            }
        }
        _ => false,
    };
    part.tokens().for_each(|t| p.token(&t));
    if beside {
        return actions.iter().for_each(|a| flat(p, a));
    }
    for (index, node) in actions.iter().enumerate() {
        p.gap(if index == 0 { Gap::Tight } else { Gap::Line });
        p.indented(|p| action(p, node));
    }
}

fn action(p: &mut Printer, node: &SyntaxNode) {
    for element in solid(node) {
        match &element {
            SyntaxElement::Node(block) if matches!(block.kind(), SyntaxKind::Message | SyntaxKind::ByLanguage) => {
                lines_between_braces(p, block);
            }
            SyntaxElement::Node(inner) => flat(p, inner),
            SyntaxElement::Token(token) => separated(p, token),
        }
    }
}

/// A block with one part per line.
fn lines_between_braces(p: &mut Printer, block: &SyntaxNode) {
    let mut fresh = true;
    for element in solid(block) {
        match &element {
            SyntaxElement::Token(token) if token.kind() == SyntaxKind::Comma => p.comments_before(token),
            SyntaxElement::Token(token) => p.token(token),
            SyntaxElement::Node(close) if close.kind() == SyntaxKind::Close => closing(p, close, fresh),
            SyntaxElement::Node(part) => {
                p.gap(if fresh { Gap::Tight } else { Gap::Line });
                p.indented(|p| match part.part(SyntaxKind::Facts) {
                    Some(_) => fact_with_block(p, part),
                    None if part.part(SyntaxKind::ByLanguage).is_some() => action(p, part),
                    None => flat(p, part),
                });
                fresh = false;
            }
        }
    }
}

/// The facts of a test, one per line.
fn facts(p: &mut Printer, block: &SyntaxNode) {
    lines_between_braces(p, block);
}

/// A fact with a block, such as `requester { followers 12, verified true }`: on one line if it fits.
fn fact_with_block(p: &mut Printer, fact: &SyntaxNode) {
    for element in solid(fact) {
        match &element {
            SyntaxElement::Node(block) if block.kind() == SyntaxKind::Facts => {
                let parts: Vec<_> = block.parts(SyntaxKind::Fact).collect();
                let texts: Vec<_> = parts.iter().map(flat_text).collect();
                let line = format!("{{ {} }}", texts.join(", "));
                if commented(block) || !p.fits(&line) || parts.iter().any(|f| f.part(SyntaxKind::Facts).is_some()) {
                    lines_between_braces(p, block);
                    continue;
                }
                for (index, element) in solid(block).enumerate() {
                    match &element {
                        SyntaxElement::Token(token) if token.kind() == SyntaxKind::Comma => {}
                        SyntaxElement::Token(token) => p.token(token),
                        SyntaxElement::Node(close) if close.kind() == SyntaxKind::Close => {
                            close.tokens().for_each(|t| p.closed(&t));
                        }
                        SyntaxElement::Node(part) => {
                            if index > 1 {
                                p.comma();
                            }
                            flat(p, part);
                        }
                    }
                }
            }
            SyntaxElement::Node(node) => flat(p, node),
            SyntaxElement::Token(token) => p.token(token),
        }
    }
}

/// The update in a test: on one line if it has a single part and fits, else one part per line.
fn update(p: &mut Printer, block: &SyntaxNode) {
    let parts = block.children().filter(|c| c.kind() != SyntaxKind::Close).count();
    let line = flat_text(block);
    if parts > 1 || commented(block) || !p.fits(&line) {
        return lines_between_braces(p, block);
    }
    for element in solid(block) {
        match &element {
            SyntaxElement::Token(token) if token.kind() == SyntaxKind::Comma => {}
            SyntaxElement::Token(token) => p.token(token),
            SyntaxElement::Node(node) => flat(p, node),
        }
    }
}

/// A chain of conditions: on one line if it is short, else one condition per line, each after its `and` or `or`.
fn condition(p: &mut Printer, node: &SyntaxNode, top: bool) {
    let parts: Vec<_> = node.children().collect();
    // A `condition` node with a single part has no `or`: format the `and` chain inside it.
    if let [only] = parts.as_slice()
        && only.kind() == SyntaxKind::Conjunction
    {
        return condition(p, only, top);
    }
    let long = top && parts.len() >= LONG_CHAIN;
    if !long && !commented(node) && p.fits(&flat_text(node)) {
        return flat(p, node);
    }
    let mut first = true;
    for element in solid(node) {
        match &element {
            SyntaxElement::Token(operator) => {
                p.gap(Gap::Tight);
                p.indented(|p| p.token(operator));
            }
            SyntaxElement::Node(part) if first => {
                primary(p, part);
                first = false;
            }
            SyntaxElement::Node(part) => p.indented(|p| primary(p, part)),
        }
    }
}

/// One condition of a chain.
fn primary(p: &mut Printer, node: &SyntaxNode) {
    match node.kind() {
        SyntaxKind::Condition | SyntaxKind::Conjunction => condition(p, node, false),
        SyntaxKind::Negation | SyntaxKind::Parens if commented(node) || !p.fits(&flat_text(node)) => {
            for element in solid(node) {
                match &element {
                    SyntaxElement::Node(inner) => primary(p, inner),
                    SyntaxElement::Token(token) => separated(p, token),
                }
            }
        }
        _ => flat(p, node),
    }
}

/// All tokens of a node, one after the other; a list that does not fit continues on the next line.
fn flat(p: &mut Printer, node: &SyntaxNode) {
    for lexeme in lexemes(node) {
        match &lexeme {
            SyntaxElement::Node(template) => p.template(template),
            SyntaxElement::Token(token) => separated(p, token),
        }
    }
}

/// A value of a list with its last day, if it has one.
fn with_last_day(token: &SyntaxToken) -> String {
    let behind = token.siblings_with_tokens(rowan::Direction::Next).skip(1).find(|element| !element.kind().is_trivia());
    match behind {
        Some(SyntaxElement::Node(day)) if day.kind() == SyntaxKind::LastDay => {
            format!("{} {}", spelled(token), flat_text(&day))
        }
        _ => spelled(token).into_owned(),
    }
}

/// Prints a token with the separator that it needs before it.
fn separated(p: &mut Printer, token: &SyntaxToken) {
    let before = previous(token);
    let list = matches!(
        token.parent().map(|n| n.kind()),
        Some(
            SyntaxKind::List
                | SyntaxKind::TagsAction
                | SyntaxKind::ColumnsClause
                | SyntaxKind::TagList
                | SyntaxKind::ChoiceList
        )
    );
    let measure = token.parent().filter(|n| n.kind() == SyntaxKind::Measure);
    match (before, token.kind()) {
        // A trailing comma in a list is dropped.
        (_, SyntaxKind::Comma) if next(token) == Some(SyntaxKind::CloseParen) => return p.comments_before(token),
        (_, SyntaxKind::Comma | SyntaxKind::CloseParen) | (Some(SyntaxKind::OpenParen), _) => {
            p.gap_before(Gap::Nothing)
        }
        // Lines break between measures, not inside one.
        (Some(SyntaxKind::Comma), SyntaxKind::Path)
            if measure.is_some_and(|m| !p.fits(&format!("{},", flat_text(&m)))) =>
        {
            p.gap_before(Gap::Tight);
            return p.indented(|p| p.token(token));
        }
        (Some(SyntaxKind::Comma), _) if list && !p.fits(&format!("{},", with_last_day(token))) => {
            p.gap_before(Gap::Tight);
            return p.indented(|p| p.token(token));
        }
        _ => {}
    }
    p.token(token);
}

/// The text of a node as [`flat`] prints it on one line, without comments.
fn flat_text(node: &SyntaxNode) -> String {
    let mut text = String::new();
    let mut last = None;
    for lexeme in lexemes(node) {
        let kind = lexeme.kind();
        let dropped = lexeme
            .as_token()
            .is_some_and(|token| kind == SyntaxKind::Comma && next(token) == Some(SyntaxKind::CloseParen));
        let joined = matches!(kind, SyntaxKind::Comma | SyntaxKind::CloseParen) || last == Some(SyntaxKind::OpenParen);
        if !joined && !text.is_empty() {
            text.push(' ');
        }
        match &lexeme {
            _ if dropped => {}
            SyntaxElement::Token(token) => text.push_str(&spelled(token)),
            SyntaxElement::Node(template) => text.push_str(&template.text().to_string()),
        }
        last = Some(kind);
    }
    text
}

/// The children of a node without white space and comments.
fn solid(node: &SyntaxNode) -> impl Iterator<Item = SyntaxElement> {
    node.children_with_tokens().filter(|e| !e.kind().is_trivia())
}

fn previous(token: &SyntaxToken) -> Option<SyntaxKind> {
    std::iter::successors(token.prev_token(), |t| t.prev_token()).map(|t| t.kind()).find(|k| !k.is_trivia())
}

fn next(token: &SyntaxToken) -> Option<SyntaxKind> {
    std::iter::successors(token.next_token(), |t| t.next_token()).map(|t| t.kind()).find(|k| !k.is_trivia())
}

/// Whether a node contains comments.
fn commented(node: &SyntaxNode) -> bool {
    node.descendants_with_tokens().any(|e| e.kind() == SyntaxKind::Comment)
}

fn comments_before(token: &SyntaxToken) -> bool {
    std::iter::successors(token.prev_token(), |t| t.prev_token())
        .take_while(|t| t.kind().is_trivia())
        .any(|t| t.kind() == SyntaxKind::Comment)
}
