//! Typed AST: wrappers around syntax nodes with named accessors for their children.
//!
//! The `nodes!` table lists the accessors of each node kind. A wrapper holds only its node. In an item with syntax
//! errors, missing children are `None` or absent from the iterator, so that the rest of the item can still be checked.

use std::ops::Range;

use super::syntax::{SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken, text::Text};

/// A typed wrapper around a syntax node.
pub(crate) trait AstNode: Sized {
    /// Wraps the node if its kind matches.
    fn cast(node: SyntaxNode) -> Option<Self>;

    /// The underlying syntax node.
    fn syntax(&self) -> &SyntaxNode;

    /// The byte range of the node.
    fn span(&self) -> Range<usize> {
        self.syntax().text_range().into()
    }

    /// Whether the node or a descendant has a syntax error.
    fn is_broken(&self) -> bool {
        self.syntax().is_broken()
    }
}

/// Generates one accessor. Accessors search the direct children and tokens of the node, not its descendants.
macro_rules! accessor {
    // The first child of a node type, or all of them.
    ($name:ident node($node:ident)) => {
        pub(crate) fn $name(&self) -> Option<$node> {
            self.0.children().find_map($node::cast)
        }
    };
    ($name:ident nodes($node:ident)) => {
        pub(crate) fn $name(&self) -> impl Iterator<Item = $node> + use<> {
            self.0.children().filter_map($node::cast)
        }
    };
    // The first token of a kind, or all of them.
    ($name:ident token($kind:ident)) => {
        pub(crate) fn $name(&self) -> Option<SyntaxToken> {
            self.0.token(SyntaxKind::$kind)
        }
    };
    ($name:ident tokens($kind:ident)) => {
        pub(crate) fn $name(&self) -> impl Iterator<Item = SyntaxToken> {
            self.0.tokens().filter(|token| token.kind() == SyntaxKind::$kind)
        }
    };
    // A keyword token, or whether the keyword is present.
    ($name:ident keyword($word:literal)) => {
        pub(crate) fn $name(&self) -> Option<SyntaxToken> {
            keyword(&self.0, $word)
        }
    };
    ($name:ident has($word:literal)) => {
        pub(crate) fn $name(&self) -> bool {
            keyword(&self.0, $word).is_some()
        }
    };
    // The first string literal.
    ($name:ident text()) => {
        pub(crate) fn $name(&self) -> Option<SyntaxToken> {
            self.0.tokens().find(|token| is_text(token.kind()))
        }
    };
    // The first value, or all values: literals, names, lists.
    ($name:ident value()) => {
        pub(crate) fn $name(&self) -> Option<SyntaxElement> {
            self.0.values().next()
        }
    };
    ($name:ident values()) => {
        pub(crate) fn $name(&self) -> impl Iterator<Item = SyntaxElement> {
            self.0.values()
        }
    };
    // The values between a keyword and the next one.
    ($name:ident values_after($word:literal)) => {
        pub(crate) fn $name(&self) -> Vec<SyntaxElement> {
            values_after(&self.0, $word)
        }
    };
    // The values after the leading name, which looks like a value itself.
    ($name:ident value_behind_name()) => {
        pub(crate) fn $name(&self) -> Option<SyntaxElement> {
            behind_name(&self.0).next()
        }
    };
    ($name:ident values_behind_name()) => {
        pub(crate) fn $name(&self) -> impl Iterator<Item = SyntaxElement> {
            behind_name(&self.0)
        }
    };
}

macro_rules! nodes {
    ($($node:ident { $($name:ident: $what:ident($($of:tt)?),)* })+) => {
        $(
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub(crate) struct $node(SyntaxNode);

            impl AstNode for $node {
                fn cast(node: SyntaxNode) -> Option<Self> {
                    (node.kind() == SyntaxKind::$node).then_some(Self(node))
                }

                fn syntax(&self) -> &SyntaxNode {
                    &self.0
                }
            }

            impl $node {
                $(accessor!($name $what($($of)?));)*
            }
        )+
    };
}

macro_rules! choices {
    ($($choice:ident { $($variant:ident($node:ident),)+ })+) => {
        $(
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub(crate) enum $choice {
                $($variant($node),)+
            }

            impl AstNode for $choice {
                fn cast(node: SyntaxNode) -> Option<Self> {
                    Some(match node.kind() {
                        $(SyntaxKind::$node => Self::$variant($node(node)),)+
                        _ => return None,
                    })
                }

                fn syntax(&self) -> &SyntaxNode {
                    match self {
                        $(Self::$variant(node) => node.syntax(),)+
                    }
                }
            }
        )+
    };
}

choices! {
    Item {
        Let(LetItem),
        List(ListItem),
        Trigger(Trigger),
        Automation(Automation),
        View(View),
        Report(Report),
        Macro(Macro),
        Sla(Sla),
        Volume(Volume),
        Test(Test),
    }
    Action {
        Set(SetAction),
        Clear(ClearAction),
        Tags(TagsAction),
        Assign(AssignAction),
        Reply(ReplyAction),
        Direct(DirectAction),
        Ask(AskAction),
        Note(NoteAction),
        Notify(NotifyAction),
        Remind(RemindAction),
        Webhook(WebhookAction),
        Snooze(SnoozeAction),
        Merge(MergeAction),
        AtX(XAction),
        Stop(StopAction),
    }
    Expectation {
        Fired(ExpectFired),
        NotFired(ExpectNotFired),
        Nothing(ExpectNothing),
        Held(ExpectHeld),
        Sent(ExpectSent),
        Holds(Condition),
    }
    Expr {
        Any(Condition),
        All(Conjunction),
        Not(Negation),
        Parens(Parens),
        Question(Question),
        Time(TimeQuestion),
    }
    Predicate {
        Is(IsTest),
        Compare(CompareTest),
        Wrong(WrongTest),
        In(InTest),
        Has(HasTest),
        Contains(ContainsTest),
        Starts(StartsTest),
        Ends(EndsTest),
        Matches(MatchesTest),
        Changed(ChangedTest),
    }
}

nodes! {
    LetItem { mode: token(Mode), name: token(Path), condition: node(Condition), }
    ListItem { mode: token(Mode), name: token(Path), values: values_behind_name(), }
    LastDay { day: value(), }
    Trigger { on: nodes(OnClause), when: nodes(WhenClause), caps: nodes(CapClause), then: nodes(ThenClause), }
    Automation {
        when: nodes(WhenClause),
        every: nodes(EveryClause),
        caps: nodes(CapClause),
        runs: nodes(RunsClause),
        then: nodes(ThenClause),
    }
    Macro { then: nodes(ThenClause), visible: nodes(VisibleClause), }
    View {
        filter: nodes(WhereClause),
        columns: nodes(ColumnsClause),
        group: nodes(GroupClause),
        sort: nodes(SortClause),
        visible: nodes(VisibleClause),
    }
    Report {
        filter: nodes(WhereClause),
        measure: nodes(MeasureClause),
        by: nodes(ByClause),
        over: nodes(OverClause),
        compare: nodes(CompareClause),
        chart: nodes(ChartClause),
        visible: nodes(VisibleClause),
    }
    Sla { when: nodes(WhenClause), targets: nodes(TargetClause), pause: nodes(PauseClause), }
    Volume { on: nodes(OnClause), when: nodes(WhenClause), counts: nodes(CountClause), }
    Test {
        given: nodes(GivenClause),
        at: nodes(AtClause),
        when: nodes(HappensClause),
        expect: nodes(ExpectClause),
    }

    OnClause { events: tokens(Event), and: keyword("and"), }
    WhenClause { condition: node(Condition), }
    CapClause { once: has("once"), count: value(), times: has("times"), parts: nodes(CapPart), }
    CapPart { every: has("every"), value: value(), }
    EveryClause { interval: value(), holds: has("holds"), limit: node(EveryLimit), }
    EveryLimit { comma: token(Comma), once: has("once"), count: token(Number), }
    RunsClause {}
    ThenClause { actions: nodes(Action), }

    SetAction { field: token(Path), values: values_behind_name(), sum: node(Sum), capture: node(Capture), }
    Capture { text: text(), from: token(Path), }
    Sum { sign: token(Sign), value: value(), }
    ClearAction { field: token(Path), }
    TagsAction {
        add: has("add"),
        requester: has("requester"),
        tag: keyword("tag"),
        dotted: keyword("requester.tags"),
        field: token(SetField),
        values: values(),
    }
    AssignAction {
        choosing: node(Choosing),
        group: has("group"),
        agent: has("agent"),
        value: value(),
        under: node(Under),
    }
    Choosing { last: node(LastAgent), next: has("next"), }
    LastAgent { within: value(), }
    Under { count: token(Number), }
    ReplyAction { from: node(ReplyFrom), text: node(Template), by_language: node(ByLanguage), }
    ReplyFrom { account: value(), }
    DirectAction { text: node(Template), by_language: node(ByLanguage), }
    AskAction { text: node(Template), by_language: node(ByLanguage), }
    ByLanguage { texts: nodes(LanguageText), }
    LanguageText { otherwise: has("otherwise"), language: token(Path), text: node(Template), }
    NoteAction { text: node(Template), }
    NotifyAction { recipients: nodes(Recipient), message: node(Message), }
    RemindAction { recipients: nodes(Recipient), after: value(), message: node(Message), }
    WebhookAction { name: text(), message: node(Message), }
    SnoozeAction { length: value(), }
    MergeAction {}
    XAction { like: has("like"), hide: has("hide"), mute: has("mute"), unmute: has("unmute"), block: has("block"), reply: keyword("reply"), }
    StopAction {}
    Recipient {
        agents: has("agents"),
        group: has("group"),
        address: has("address"),
        previous: has("previous"),
        assignee: has("assignee"),
        watchers: has("watchers"),
        value: value(),
    }
    Message { parts: nodes(MessagePart), }
    MessagePart { name: token(Path), text: node(Template), by_language: node(ByLanguage), }

    Template { placeholders: nodes(Placeholder), }
    Placeholder {
        start: token(PlaceholderStart),
        path: token(PlaceholderPath),
        filters: nodes(Filter),
        end: token(PlaceholderEnd),
    }
    Filter { name: token(FilterName), colon: token(Colon), argument: token(Argument), }

    WhereClause { when: keyword("when"), condition: node(Condition), }
    ColumnsClause { fields: tokens(Path), }
    GroupClause { field: token(Path), direction: token(Direction), }
    SortClause { field: token(Path), direction: token(Direction), }
    VisibleClause { audiences: nodes(Audience), }
    Audience { group: has("group"), value: value(), }

    TargetClause {
        target: node(SlaTarget),
        within: keyword("within"),
        every: keyword("every"),
        time: value(),
        condition: node(Condition),
        otherwise: keyword("otherwise"),
    }
    SlaTarget { first: has("first"), next: has("next"), update: has("update"), }
    PauseClause { condition: node(Condition), }
    CountClause { values: values(), }
    InTime { target: node(SlaTarget), }

    MeasureClause { measures: nodes(Measure), }
    Measure { words: tokens(Path), business: keyword("business"), time_in: node(TimeIn), in_time: node(InTime), }
    ByClause { splits: nodes(Split), }
    Split { words: tokens(Path), bands: node(List), }
    OverClause { last: has("last"), of: has("of"), words: tokens(Path), values: values(), }
    CompareClause {}
    ChartClause { name: token(Path), }

    GivenClause {
        facts: nodes(Facts),
        fired: node(GivenFired),
        sample: node(GivenSample),
        agent: node(GivenAgent),
        volume: node(GivenVolume),
    }
    GivenAgent { last: has("last"), count: token(Number), values: values(), }
    GivenSample { not: has("not"), sample: node(Sample), }
    GivenVolume { title: text(), count: token(Number), ticket: keyword("ticket"), values: values(), }
    GivenFired { title: text(), count: token(Number), values: values(), }
    Facts { facts: nodes(Fact), }
    Fact { facts: node(Facts), tags: node(TagList), choices: node(ChoiceList), text: text(), value: value_behind_name(), ago: has("ago"), }
    TagList { values: values(), }
    ChoiceList { values: values(), }
    AtClause { moment: value(), }
    HappensClause {
        created: has("created"),
        comment: node(CommentPart),
        update: node(Update),
        by: node(ByAgent),
        applied: node(Applied),
        passing: node(Passing),
    }
    Applied { title: text(), by: node(ByAgent), }
    ByAgent { name: value(), }
    Passing { length: value(), }
    Update { facts: nodes(Fact), comments: nodes(CommentPart), via: node(Via), }
    CommentPart { note: has("note"), agent: has("agent"), requester: has("requester"), text: text(), }
    Via { value: value(), }
    ExpectClause { what: node(Expectation), }
    ExpectFired { title: text(), once: has("once"), count: token(Number), }
    ExpectNotFired { title: text(), }
    ExpectNothing {}
    ExpectHeld { title: text(), }
    ExpectSent { no: has("no"), effect: node(Effect), text: text(), }
    Effect {
        reply: has("reply"),
        from: node(ReplyFrom),
        direct: has("message"),
        note: has("note"),
        notify: has("notify"),
        remind: has("remind"),
        assign: has("assign"),
        merge: has("merge"),
        recipient: node(Recipient),
        webhook: text(),
        at_x: node(XAction),
    }

    Condition { parts: nodes(Conjunction), }
    Conjunction { parts: nodes(Expr), }
    Negation { inner: node(Expr), }
    Parens { condition: node(Condition), }
    Question { sample: node(Sample), volume: node(VolumeAsked), hours: node(Hours), clock: node(Clock), name: token(Path), predicate: node(Predicate), }
    Sample { name: text(), share: token(Number), }
    VolumeAsked { title: text(), starts: has("starts"), lasts: has("lasts"), }
    Hours { name: value(), }
    Clock {}
    IsTest { not: has("not"), empty: has("empty"), }
    CompareTest { comparison: token(Comparison), }
    WrongTest { op: token(WrongOp), }
    InTest { not: has("not"), }
    HasTest { starting: has("starting"), not: has("not"), any: has("any"), all: has("all"), of: has("of"), }
    ContainsTest { word: has("word"), }
    StartsTest {}
    EndsTest {}
    MatchesTest {}
    ChangedTest { from: values_after("from"), to: values_after("to"), }
    TimeIn { field: token(Path), value: value_behind_name(), }
    TimeQuestion {
        time_in: node(TimeIn),
        since: has("since"),
        field: token(Path),
        comparison: token(Comparison),
        is: keyword("is"),
        length: value_behind_name(),
    }
    List { values: values(), }
    Duration { count: token(Number), business: has("business"), unit: token(Unit), }
}

/// An item with a title.
pub(crate) trait Titled: AstNode {
    /// The doc comment: the `##` lines directly above the item.
    fn doc(&self) -> Option<String> {
        doc(self.syntax())
    }

    /// The title and its byte range.
    fn title(&self) -> Option<(String, Range<usize>)> {
        title(self.syntax())
    }

    /// The byte range of the title; of the whole item if it has none.
    fn title_span(&self) -> Range<usize> {
        self.title().map_or_else(|| self.span(), |(_, span)| span)
    }

    /// The mode keywords before the item: `disabled`, `shadow`.
    fn modes(&self) -> impl Iterator<Item = SyntaxToken> {
        self.syntax().tokens().filter(|token| token.kind() == SyntaxKind::Mode)
    }
}

impl Titled for Trigger {}
impl Titled for Automation {}
impl Titled for View {}
impl Titled for Report {}
impl Titled for Macro {}
impl Titled for Sla {}
impl Titled for Volume {}
impl Titled for Test {}
impl Titled for Item {}
impl Titled for LetItem {}
impl Titled for ListItem {}

impl SetAction {
    /// Whether the value is the word `empty`, as in `set group to empty`.
    pub(crate) fn says_empty(&self) -> bool {
        self.values().next().and_then(SyntaxElement::into_token).is_some_and(|token| token.text() == "empty")
    }
}

/// A part of a template, in order.
pub(crate) enum TemplatePart {
    Text(SyntaxToken),
    Placeholder(Placeholder),
    /// A tag of Liquid, such as `{% if … %}`.
    Tag(SyntaxToken),
}

impl Template {
    /// The decoded literal.
    pub(crate) fn text(&self) -> Text {
        Text::of_template(&self.0)
    }

    /// The parts between the quotes.
    pub(crate) fn parts(&self) -> impl Iterator<Item = TemplatePart> {
        self.0.children_with_tokens().filter_map(|element| match element {
            SyntaxElement::Node(node) => Placeholder::cast(node).map(TemplatePart::Placeholder),
            SyntaxElement::Token(token) => match token.kind() {
                SyntaxKind::TextChunk => Some(TemplatePart::Text(token)),
                SyntaxKind::LiquidTag => Some(TemplatePart::Tag(token)),
                _ => None,
            },
        })
    }
}

impl Message {
    /// The parts with this name, such as `subject`.
    pub(crate) fn named<'n>(&self, name: &'n str) -> impl Iterator<Item = MessagePart> + use<'n> {
        self.parts().filter(move |part| part.name().is_some_and(|token| token.text() == name))
    }
}

impl TimeIn {
    /// Words between the field and its value, as in `time in status is open`.
    pub(crate) fn extra_words(&self) -> impl Iterator<Item = SyntaxToken> + use<> {
        let after_field = self.0.token(SyntaxKind::Path).map(|field| field.text_range().end());
        let words: Vec<_> = self.0.tokens().filter(|token| token.kind() == SyntaxKind::Keyword).collect();
        words.into_iter().filter(move |word| after_field.is_some_and(|end| word.text_range().start() >= end))
    }
}

impl HappensClause {
    /// The `by agent` that stands after the update instead of before it.
    pub(crate) fn by_after_update(&self) -> Option<ByAgent> {
        let after = self.0.children().skip_while(|node| node.kind() != SyntaxKind::Update);
        after.skip(1).find_map(ByAgent::cast)
    }
}

impl Negation {
    /// Number of consecutive `not`s.
    pub(crate) fn nots(&self) -> usize {
        self.0.tokens().count()
    }
}

impl Fact {
    /// The field that is given a value.
    pub(crate) fn name(&self) -> Option<SyntaxToken> {
        self.0.tokens().find(|token| matches!(token.kind(), SyntaxKind::Path | SyntaxKind::SetName))
    }
}

impl Predicate {
    /// The operand of the operator.
    pub(crate) fn value(&self) -> Option<SyntaxElement> {
        self.syntax().values().next()
    }

    /// Whether it contains `any of`, after which a list is expected.
    pub(crate) fn any_of(&self) -> bool {
        keyword(self.syntax(), "any").is_some()
    }

    /// Whether it contains `not`, or an operator such as `!=` that means `is not`.
    pub(crate) fn negated(&self) -> bool {
        keyword(self.syntax(), "not").is_some()
            || matches!(self, Self::Wrong(test) if test.meant() == Some(Meant::IsNot))
    }
}

/// The Twite operator that corresponds to an operator of another language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meant {
    Is,
    IsNot,
    AtLeast,
    AtMost,
}

impl WrongTest {
    /// The corresponding Twite operator.
    pub(crate) fn meant(&self) -> Option<Meant> {
        Some(match self.op()?.text() {
            "=>" | "≥" => Meant::AtLeast,
            "=<" | "≤" => Meant::AtMost,
            "!=" | "!==" | "<>" | "≠" => Meant::IsNot,
            _ => Meant::Is,
        })
    }
}

/// The items of a file, in order. Text that does not parse as an item is skipped.
pub(crate) fn items(file: &SyntaxNode) -> impl Iterator<Item = Item> {
    file.children().filter_map(Item::cast)
}

/// Accessors for untyped syntax nodes.
pub(crate) trait NodeExt {
    /// The first child of a kind.
    fn part(&self, kind: SyntaxKind) -> Option<SyntaxNode>;
    /// The children of a kind.
    fn parts(&self, kind: SyntaxKind) -> impl Iterator<Item = SyntaxNode>;
    /// The direct child tokens, without white space and comments.
    fn tokens(&self) -> impl Iterator<Item = SyntaxToken>;
    /// The first direct child token of a kind.
    fn token(&self, kind: SyntaxKind) -> Option<SyntaxToken>;
    /// The direct child values: literals, names, lists.
    fn values(&self) -> impl Iterator<Item = SyntaxElement>;
    /// The byte range of the node.
    fn span(&self) -> Range<usize>;
    /// Whether the node or a descendant has a syntax error.
    fn is_broken(&self) -> bool;
}

impl NodeExt for SyntaxNode {
    fn part(&self, kind: SyntaxKind) -> Option<SyntaxNode> {
        self.children().find(|c| c.kind() == kind)
    }

    fn parts(&self, kind: SyntaxKind) -> impl Iterator<Item = SyntaxNode> {
        self.children().filter(move |c| c.kind() == kind)
    }

    fn tokens(&self) -> impl Iterator<Item = SyntaxToken> {
        self.children_with_tokens().filter_map(|e| e.into_token()).filter(|t| !t.kind().is_trivia())
    }

    fn token(&self, kind: SyntaxKind) -> Option<SyntaxToken> {
        self.tokens().find(|t| t.kind() == kind)
    }

    fn values(&self) -> impl Iterator<Item = SyntaxElement> {
        self.children_with_tokens().filter(|e| is_value(e.kind()))
    }

    fn span(&self) -> Range<usize> {
        self.text_range().into()
    }

    fn is_broken(&self) -> bool {
        self.descendants().any(|d| d.kind().is_bad())
    }
}

/// The direct child token that is this keyword.
fn keyword(node: &SyntaxNode, word: &str) -> Option<SyntaxToken> {
    node.tokens().find(|token| token.kind() == SyntaxKind::Keyword && token.text() == word)
}

/// The values of a node that starts with a name, without that name.
fn behind_name(node: &SyntaxNode) -> impl Iterator<Item = SyntaxElement> + use<> {
    let name = node.token(SyntaxKind::Path).map(|name| name.text_range());
    node.children_with_tokens().filter(move |e| is_value(e.kind()) && Some(e.text_range()) != name)
}

/// The values between a keyword and the next one.
fn values_after(node: &SyntaxNode, word: &str) -> Vec<SyntaxElement> {
    let mut after = false;
    let mut values = vec![];
    for element in node.children_with_tokens() {
        match &element {
            SyntaxElement::Token(token) if token.kind() == SyntaxKind::Keyword => after = token.text() == word,
            _ if after && is_value(element.kind()) => values.push(element),
            _ => {}
        }
    }
    values
}

/// Whether a node or token is a string literal, also a template, one in the wrong kind of quotation marks, or an entry of
/// a list file.
pub(crate) fn is_text(kind: SyntaxKind) -> bool {
    matches!(kind, SyntaxKind::String | SyntaxKind::WrongQuotes | SyntaxKind::Template | SyntaxKind::Entry)
}

/// Whether a node or token is a value: a literal, a name or a list.
pub(crate) fn is_value(kind: SyntaxKind) -> bool {
    use SyntaxKind as K;
    is_text(kind)
        || matches!(kind, K::Path | K::Number | K::Instant | K::ClockTime | K::Duration | K::List | K::MyGroups)
}

/// The title of an item and its byte range.
pub(crate) fn title(item: &SyntaxNode) -> Option<(String, Range<usize>)> {
    let title = item.tokens().find(|token| is_text(token.kind()))?;
    Some((Text::of(&title).value, title.text_range().into()))
}

/// The doc comment of an item: the `##` lines directly above it. A `##` behind something on its line documents nothing.
pub(crate) fn doc(item: &SyntaxNode) -> Option<String> {
    let mut lines = vec![];
    let mut before = item.prev_sibling_or_token();
    while let Some(SyntaxElement::Token(token)) = before {
        match token.kind() {
            SyntaxKind::Whitespace if token.text().matches('\n').count() <= 1 => {}
            SyntaxKind::Comment => match token.text().strip_prefix("##").filter(|_| starts_line(&token)) {
                Some(line) => lines.push(line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()),
                None => break,
            },
            _ => break,
        }
        before = token.prev_sibling_or_token();
    }
    lines.reverse();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Whether only white space precedes a comment on its line.
fn starts_line(comment: &SyntaxToken) -> bool {
    match comment.prev_sibling_or_token() {
        Some(SyntaxElement::Token(space)) if space.kind() == SyntaxKind::Whitespace => {
            space.text().contains('\n') || space.prev_sibling_or_token().is_none()
        }
        before => before.is_none(),
    }
}

/// The node behind a node on the same line, if only blanks are between.
pub(crate) fn beside(node: &SyntaxNode) -> Option<SyntaxNode> {
    let after = std::iter::successors(node.next_sibling_or_token(), |e| e.next_sibling_or_token());
    let mut after = after.skip_while(|e| e.kind() == SyntaxKind::Whitespace && !e.to_string().contains('\n'));
    after.next()?.into_node()
}

/// The byte range of a node or token.
pub(crate) fn span_of(element: &SyntaxElement) -> Range<usize> {
    element.text_range().into()
}
