//! The kinds of tokens and nodes in the syntax tree: one for each grammar rule, where all keywords share one kind, and
//! those inside templates and in list files, which have lexers of their own.

use super::grammar::Rule;

macro_rules! kinds {
    (
        tokens { $($token:ident = $token_rule:ident,)+ }
        template_tokens { $($template_token:ident,)+ }
        list_tokens { $($list_token:ident,)+ }
        nodes { $($node:ident = $node_rule:ident,)+ }
        template_nodes { $($template_node:ident,)+ }
        list_nodes { $($list_node:ident,)+ }
    ) => {
        /// The kind of a token or node. The grammar, or the lexer of templates, defines what each contains.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        #[expect(missing_docs, reason = "each is the rule of that name in the grammar, or described in `template` or `list_file`")]
        pub enum SyntaxKind {
            $($token,)+ Keyword, $($template_token,)+ $($list_token,)+
            $($node,)+ $($template_node,)+ $($list_node,)+
        }

        impl SyntaxKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[
                $(Self::$token,)+ Self::Keyword, $(Self::$template_token,)+ $(Self::$list_token,)+
                $(Self::$node,)+ $(Self::$template_node,)+ $(Self::$list_node,)+
            ];

            /// The kind for a grammar rule. A rule without a kind of its own is a keyword.
            pub(super) fn of(rule: Rule) -> Self {
                match rule {
                    $(Rule::$token_rule => Self::$token,)+
                    $(Rule::$node_rule => Self::$node,)+
                    Rule::fact_name | Rule::negative_decimal | Rule::language_code => Self::Path,
                    Rule::given_facts => Self::Facts,
                    Rule::extra_close_action | Rule::extra_close_fact | Rule::extra_close_message => Self::ExtraClose,
                    _ => Self::Keyword,
                }
            }

            /// A token of a template.
            pub fn is_template_token(self) -> bool {
                matches!(self, $(Self::$template_token)|+)
            }
        }
    };
}

kinds! {
    tokens {
        Whitespace = WHITESPACE,
        Comment = COMMENT,
        AnyChar = ANY_CHAR,
        Mode = mode,
        Event = event,
        Direction = direction,
        SetName = set_name,
        SetField = set_field,
        Sign = sign,
        WrongAnd = wrong_and,
        WrongOr = wrong_or,
        WrongNot = wrong_not,
        WrongOp = wrong_op,
        WrongQuotes = wrong_quotes,
        Comparison = comparison,
        Unit = unit,
        Word = word,
        Path = path,
        Number = number,
        Instant = instant,
        ClockTime = clock_time,
        String = string,
        OpenBrace = lbrace,
        CloseBrace = rbrace,
        OpenParen = lparen,
        CloseParen = rparen,
        Comma = comma,
        Equals = equals,
    }
    template_tokens {
        OpenQuote,
        CloseQuote,
        TextChunk,
        LiquidTag,
        PlaceholderStart,
        PlaceholderEnd,
        PlaceholderPath,
        Pipe,
        FilterName,
        Colon,
        Argument,
        Gap,
    }
    list_tokens {
        Entry,
    }
    nodes {
        File = file,
        BadItem = bad_item,
        Block = block,
        Close = close,
        ExtraOpen = extra_open,
        ExtraClose = extra_close,
        BadTitle = bad_title,
        LetItem = let_item,
        BadCondition = bad_condition,
        ListItem = list_item,
        Trigger = trigger,
        BadTriggerPart = bad_trigger_part,
        OnClause = on_clause,
        WhenClause = when_clause,
        CapClause = cap_clause,
        CapPart = cap_part,
        ThenClause = then_clause,
        Automation = automation,
        BadAutomationPart = bad_automation_part,
        EveryClause = every_clause,
        EveryLimit = every_limit,
        RunsClause = runs_clause,
        Macro = r#macro,
        BadMacroPart = bad_macro_part,
        BadAction = bad_action,
        SetAction = set_action,
        ClearAction = clear_action,
        TagsAction = tags_action,
        Sum = sum,
        Capture = capture,
        AssignAction = assign_action,
        ReplyAction = reply_action,
        ReplyFrom = reply_from,
        DirectAction = direct_action,
        AskAction = ask_action,
        ByLanguage = by_language,
        LanguageText = language_text,
        BadLanguageText = bad_language_text,
        NoteAction = note_action,
        NotifyAction = notify_action,
        RemindAction = remind_action,
        WebhookAction = webhook_action,
        SnoozeAction = snooze_action,
        MergeAction = merge_action,
        XAction = x_action,
        Choosing = choosing,
        LastAgent = last_agent,
        Under = under,
        StopAction = stop_action,
        Recipient = recipient,
        BadRecipient = bad_recipient,
        Message = message,
        MessagePart = message_part,
        BadMessagePart = bad_message_part,
        View = view,
        BadViewPart = bad_view_part,
        WhereClause = where_clause,
        ColumnsClause = columns_clause,
        GroupClause = group_clause,
        SortClause = sort_clause,
        VisibleClause = visible_clause,
        Audience = audience,
        Report = report,
        BadReportPart = bad_report_part,
        Sla = sla,
        BadSlaPart = bad_sla_part,
        TargetClause = target_clause,
        SlaTarget = sla_target,
        PauseClause = pause_clause,
        MeasureClause = measure_clause,
        Measure = measure,
        InTime = in_time,
        ByClause = by_clause,
        Split = split,
        OverClause = over_clause,
        CompareClause = compare_clause,
        ChartClause = chart_clause,
        Volume = volume,
        BadVolumePart = bad_volume_part,
        CountClause = count_clause,
        Test = test,
        BadTestPart = bad_test_part,
        GivenClause = given_clause,
        GivenFired = given_fired,
        GivenSample = given_sample,
        GivenAgent = given_agent,
        GivenVolume = given_volume,
        Facts = facts,
        Fact = fact,
        BadFact = bad_fact,
        BadFacts = bad_facts,
        TagList = tag_list,
        ChoiceList = choice_list,
        AtClause = at_clause,
        HappensClause = happens_clause,
        Update = update,
        Applied = applied,
        ByAgent = by_agent,
        Passing = passing,
        CommentPart = comment,
        BadComment = bad_comment,
        Via = via,
        ExpectClause = expect_clause,
        ExpectFired = expect_fired,
        ExpectNotFired = expect_not_fired,
        ExpectNothing = expect_nothing,
        ExpectHeld = expect_held,
        ExpectSent = expect_sent,
        Effect = effect,
        Condition = condition,
        BadOperand = bad_operand,
        Conjunction = conjunction,
        Negation = negation,
        Parens = parens,
        Question = question,
        Sample = sample,
        VolumeAsked = volume_asked,
        Hours = hours,
        Clock = clock,
        IsTest = is_test,
        CompareTest = compare_test,
        WrongTest = wrong_test,
        InTest = in_test,
        HasTest = has_test,
        ContainsTest = contains_test,
        StartsTest = starts_test,
        EndsTest = ends_test,
        MatchesTest = matches_test,
        ChangedTest = changed_test,
        TimeQuestion = time_question,
        TimeIn = time_in,
        List = list,
        LastDay = last_day,
        MyGroups = my_groups,
        Duration = duration,
    }
    template_nodes {
        Template,
        Placeholder,
        Filter,
    }
    list_nodes {
        ListEntry,
    }
}

impl SyntaxKind {
    /// White space or a comment.
    pub fn is_trivia(self) -> bool {
        matches!(self, Self::Whitespace | Self::Comment)
    }

    /// A token rather than a node.
    pub fn is_token(self) -> bool {
        self <= Self::Entry
    }

    /// Whether this kind is one of the error productions.
    pub fn is_bad(self) -> bool {
        matches!(
            self,
            Self::BadItem
                | Self::ExtraOpen
                | Self::ExtraClose
                | Self::BadTitle
                | Self::BadFacts
                | Self::BadCondition
                | Self::BadTriggerPart
                | Self::BadAction
                | Self::BadAutomationPart
                | Self::BadMacroPart
                | Self::BadViewPart
                | Self::BadReportPart
                | Self::BadSlaPart
                | Self::BadVolumePart
                | Self::BadTestPart
                | Self::BadMessagePart
                | Self::BadLanguageText
                | Self::BadRecipient
                | Self::BadOperand
                | Self::BadFact
                | Self::BadComment
        )
    }
}

/// The language marker type for `rowan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Twite {}

impl rowan::Language for Twite {
    type Kind = SyntaxKind;

    fn kind_from_raw(raw: rowan::SyntaxKind) -> SyntaxKind {
        SyntaxKind::ALL.get(usize::from(raw.0)).copied().unwrap_or(SyntaxKind::AnyChar)
    }

    fn kind_to_raw(kind: SyntaxKind) -> rowan::SyntaxKind {
        rowan::SyntaxKind(kind as u16)
    }
}

/// A node of the tree.
pub type SyntaxNode = rowan::SyntaxNode<Twite>;
/// A token of the tree.
pub type SyntaxToken = rowan::SyntaxToken<Twite>;
/// A node or a token of the tree.
pub type SyntaxElement = rowan::SyntaxElement<Twite>;
