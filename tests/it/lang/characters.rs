//! Rule files mean what they look like: characters cannot hide a rule from a reader or show one that is not there.

use twite::{
    desk::Declarations,
    lang::{
        Diagnostic, Grade, check_sources, fix, format,
        rules::{Files, SourceFile},
    },
};

/// The diagnostics of a text.
fn found(text: &str) -> Vec<Diagnostic> {
    check_sources([("a.twite", text)], Declarations::default()).1
}

fn said(text: &str) -> Vec<String> {
    found(text).iter().map(|d| format!("{}: {}", d.code.id, d.message)).collect()
}

/// The text with its safe fixes applied.
fn fixed(text: &str) -> String {
    let rules = vec![SourceFile::new("a.twite", text)];
    let fixes = fix(&Files { rules, ..Files::default() });
    fixes.fixed.first().map_or_else(|| text.to_owned(), |fixed| fixed.after.to_string())
}

const RULE: &str = "trigger \"a\" {\n  when status is open\n  then stop\n}\n";

/// Line ends other than LF and CRLF, and bidirectional control characters, anywhere in a file.
const HIDING: &[(char, &str)] = &[
    ('\r', "U+000D (carriage return)"),
    ('\u{b}', "U+000B (vertical tab)"),
    ('\u{c}', "U+000C (form feed)"),
    ('\u{85}', "U+0085 (next line)"),
    ('\u{2028}', "U+2028 (line separator)"),
    ('\u{2029}', "U+2029 (paragraph separator)"),
    ('\u{202e}', "U+202E (right-to-left override)"),
    ('\u{2066}', "U+2066 (left-to-right isolate)"),
    ('\u{1b}', "U+001B (control character)"),
];

#[test]
fn nothing_hides_a_rule_or_shows_one_that_is_not_there() {
    for (c, name) in HIDING {
        let places = [
            format!("# comment{c}{RULE}"),
            format!("# comment{c} \n{RULE}"),
            RULE.replace(" is ", &format!(" is{c} ")),
            RULE.replace("\"a\"", &format!("\"a{c}b\"")),
            RULE.replace("stop", &format!("note \"\"\"\n    a{c}b\n    \"\"\"")),
            RULE.replace('\n', &c.to_string()),
            format!("{RULE}{c}"),
        ];
        for text in places {
            let said = said(&text);
            assert!(
                said.iter().any(|s| s.starts_with(&format!("TW0120: hidden control character {name}"))),
                "{text:?}: {said:?}"
            );
            assert!(format(&text).is_err(), "{text:?}");
        }
        // In a text, the escape is allowed; `--fix` writes it.
        let escaped = RULE.replace("\"a\"", &format!("\"a\\u{{{:X}}}b\"", u32::from(*c)));
        assert_eq!(said(&escaped), [""; 0]);
        if *c != '\r' {
            assert_eq!(fixed(&RULE.replace("\"a\"", &format!("\"a{c}b\""))), escaped);
        }
    }
    // Reported once per file, not once per line.
    assert_eq!(said(&"# a\r".repeat(1_000)).len(), 1);
    assert_eq!(said(&RULE.replace('\n', "\r\n")), [""; 0]);
    assert_eq!(said(&format!("\u{FEFF}{RULE}")), [""; 0]);
}

#[test]
fn what_looks_like_a_blank_or_a_bracket_is_named_and_replaced() {
    let cases = [
        (RULE.replace("status is", "status\u{a0}is"), "U+00A0 (no-break space)"),
        (RULE.replace("status is", "status\u{3000}is"), "U+3000 (ideographic space)"),
        (RULE.replace("status is", "status \u{2003}is"), "U+2003 (em space)"),
        (RULE.replace('{', "｛"), "U+FF5B (fullwidth left curly bracket)"),
        (RULE.replace('}', "｝"), "U+FF5D (fullwidth right curly bracket)"),
        (RULE.replace("is open", "in （open, new）"), "U+FF08 (fullwidth left parenthesis)"),
        (RULE.replace("is open", "in (open， new)"), "U+FF0C (fullwidth comma)"),
        (RULE.replace("is open", "in (open、new)"), "U+3001 (ideographic comma)"),
    ];
    for (text, name) in cases {
        let said = said(&text);
        assert!(
            said.iter().any(|s| s.starts_with(&format!("TW0118: confusable character {name}"))),
            "{text:?}: {said:?}"
        );
        assert_eq!(self::said(&fixed(&text)), [""; 0], "{}", fixed(&text));
    }
    // A zero-width character may separate two words or be inside one, so there is no fix. DirectConnection a space it separates
    // nothing and is removed.
    for (odd, name, fixed) in [
        ("sta\u{200b}tus is", "U+200B (zero width space)", "sta\u{200b}tus is"),
        ("status\u{200b}is", "U+200B (zero width space)", "status\u{200b}is"),
        ("status\u{200b}\u{200b}is", "U+200B (zero width space)", "status\u{200b}\u{200b}is"),
        ("status\u{200b} is", "U+200B (zero width space)", "status is"),
        ("status \u{feff}is", "U+FEFF (zero width no-break space)", "status is"),
    ] {
        let (text, wanted) = (RULE.replace("status is", odd), RULE.replace("status is", fixed));
        assert!(said(&text).iter().any(|s| s.contains(name)), "{text:?}: {:?}", said(&text));
        assert_eq!(self::fixed(&text), wanted);
    }
    let unknown = said(&RULE.replace("stop", "stop；"));
    assert!(unknown.iter().any(|s| s.contains("U+FF1B (fullwidth semicolon)")), "{unknown:?}");
    assert_eq!(fixed(&RULE.replace("status is", "status≠")), RULE.replace("is", "is not"));
    assert_eq!(fixed("let a = requester.followers≥10\n"), "let a = requester.followers>=10\n");
}

#[test]
fn invisible_characters_are_named_where_they_are_not_part_of_writing() {
    let places: [fn(&str) -> String; 4] = [
        |word| RULE.replace("stop", &format!("add tags \"{word}\"")),
        |word| RULE.replace("status is open", &format!("description contains \"{word}\"")),
        |word| RULE.replace("stop", &format!("note \"\"\"\n    {word}\n    \"\"\"")),
        |word| format!("# {word}\n{RULE}"),
    ];
    for place in places {
        for (word, name) in [
            ("re\u{200b}fund", "U+200B (zero width space)"),
            ("re\u{ad}fund", "U+00AD (soft hyphen)"),
            ("re\u{200d}fund", "U+200D (zero width joiner)"),
            ("re\u{2060}fund", "U+2060 (word joiner)"),
            ("re\u{feff}fund", "U+FEFF (zero width no-break space)"),
            ("re\u{fe0f}fund", "U+FE0F (variation selector-16)"),
            ("re\u{3164}fund", "U+3164 (hangul filler)"),
            ("re\u{e0041}fund", "U+E0041 (tag latin capital letter a)"),
        ] {
            let said = said(&place(word));
            assert_eq!(said, [format!("TW0406: invisible character {name}")], "{word:?}");
        }
        // Ordinary text: emoji sequences, flags, keycaps, scripts with joiners and direction marks.
        for word in [
            "👨\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "می\u{200c}خواهم",
            "שלום\u{200f}!",
            "🏴\u{e0067}\u{e0062}\u{e007f}",
            "क्\u{200d}ष",
            "naïve",
        ] {
            assert_eq!(said(&place(word)), [""; 0], "{word:?}");
        }
    }
}

#[test]
fn look_alike_letters_are_named_and_words_of_one_script_are_not() {
    for (word, name, meant) in [
        ("vіp", "U+0456 (cyrillic small letter byelorussian-ukrainian i)", "vip"),
        ("оpen", "U+043E (cyrillic small letter o)", "open"),
        ("refυnd", "U+03C5 (greek small letter upsilon)", "refund"),
    ] {
        let tag = RULE.replace("stop", &format!("add tags {word}"));
        assert_eq!(
            said(&tag),
            [format!("TW0407: `{word}` mixes scripts: `{}` is {name}", word.chars().find(|c| !c.is_ascii()).unwrap())]
        );
        let fix = found(&tag).remove(0).fix.unwrap();
        assert_eq!((fix.grade, fix.edits[0].text.as_str()), (Grade::Unsafe, meant));
    }
    // An error that is invisible in the text is reported with its cause.
    let field = found("let a = requester.fоllowers > 10\n");
    assert!(field.iter().any(|f| f.is_error() && f.help.as_ref().is_some_and(|h| h.contains("U+043E"))), "{field:?}");
    for word in ["café", "ısı", "страница", "ελλάδα", "日本語abc", "한국어text", "straße", "Δt", "naïve"]
    {
        assert_eq!(
            said(&RULE.replace("status is open", &format!("description contains \"{word}\""))),
            [""; 0],
            "{word}"
        );
    }
}

#[test]
fn an_unfinished_merge_is_one_message() {
    let ours = RULE.replace("open", "new");
    let conflict = |a: &str, b: &str| format!("<<<<<<< HEAD\n{a}=======\n{b}>>>>>>> theirs\n");
    for text in [
        conflict(&ours, RULE),
        conflict(&ours, RULE).replace('\n', "\r\n"),
        format!("{RULE}{}", conflict("", "let é = (\n")),
        RULE.replace("  then", &conflict("  then add tags a\n", "  then\n")),
        RULE.replace("stop", &format!("note \"\"\"\n{}    \"\"\"", conflict("a\n", "b\n"))),
        format!("<<<<<<< HEAD\n{ours}||||||| base\nlet\n=======\n{RULE}>>>>>>> theirs\n"),
        format!("{RULE}>>>>>>> theirs\n"),
        format!("<<<<<<< HEAD\n{RULE}"),
    ] {
        assert_eq!(said(&text), ["TW0119: unresolved merge conflict"], "{text}");
        assert!(format(&text).is_err());
        assert_eq!(fixed(&text), text);
    }
    // Errors in our side of the conflict are reported too; similar lines inside a text are not conflict markers.
    let both = said(&conflict(&RULE.replace("open", "opn"), RULE));
    assert_eq!(both.len(), 2, "{both:?}");
    assert_eq!(said(&RULE.replace("stop", "note \"\"\"\n    a\n=======\n<<<<<<<<< b\n    \"\"\"")), [""; 0]);
}

#[test]
fn formatting_leaves_escapes_as_they_are() {
    for hidden in
        ["\\u{1B}[7m", "\\u{202E}", "\\u{2028}", "\\u{85}", "\\u{200B}", "\\u{a}", "\\n", "\\u{7f}", "\\u{e9} \\u{41}"]
    {
        for place in ["add tags \"x{}y\"", "remove tags \"x{}y\"", "note \"x{}y\"", "set subject to \"x{}y\""] {
            let place = place.replace("{}", hidden);
            let text = format!(
                "trigger \"a {hidden}\" {{ when tags has \"b{hidden}\" and tags has any of (\"c{hidden}\", d) then {place} }}"
            );
            let formatted = format(&text).unwrap();
            assert_eq!(formatted.matches(hidden).count(), 4, "{formatted}");
            assert_eq!(format(&formatted).unwrap(), formatted);
        }
    }
}

/// Written as an escape sequence, a character behind a backslash would belong to another one.
#[test]
fn a_hidden_character_behind_a_backslash_is_not_fixed() {
    for string in ["\"\\\u{202e}", "\"\\\u{202e}\"", "\"\\\\\\\u{202e}n\""] {
        let text = RULE.replace("stop", &format!("note {string}"));
        let rules = vec![SourceFile::new("a.twite", text.as_str())];
        let fixes = fix(&Files { rules, ..Files::default() });
        assert!(fixes.unproven.is_empty() && fixes.fixed.is_empty(), "{text:?}");
        assert!(said(&text).iter().any(|said| said.starts_with("TW0120")), "{text:?}");
    }
    let two = RULE.replace("stop", "note \"\\\\\u{202e}n\"");
    assert_eq!(fixed(&two), two.replace('\u{202e}', "\\u{202E}"));
}

#[test]
fn numbers_of_files_say_their_order() {
    let order = |names: &[&str]| -> Vec<String> {
        let mut names = names.to_vec();
        names.sort_unstable();
        let texts = names.iter().enumerate().map(|(n, name)| (*name, RULE.replace("\"a\"", &format!("\"{n}\""))));
        let found = check_sources(texts, Declarations::default()).1;
        found
            .iter()
            .map(|d| format!("{} {}: {} ({})", d.file(), d.code.id, d.message, d.help.clone().unwrap_or_default()))
            .collect()
    };
    assert_eq!(
        order(&["rules/9-a.twite", "rules/10-b.twite", "rules/11-c.twite", "rules/8-d.twite"]),
        [
            "rules/8-d.twite TW0408: `8-d.twite` is read after `11-c.twite` (file names are compared character by character; rename it to `08-d.twite`)"
        ]
    );
    assert_eq!(order(&["rules/9-x/a.twite", "rules/10-y/a.twite"]).len(), 1);
    assert_eq!(order(&["a/9.twite", "b/10.twite", "09-a.twite", "10-b.twite", "100.twite", "x.twite"]), [""; 0]);
}

/// Names in `twite.toml` must be what they look like.
#[test]
fn nothing_hides_in_declarations() {
    const DESK: &str = "[[group]]\nname = \"Social\"\n";
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.twite"), RULE).unwrap();
    let said = |desk: String| -> Vec<String> {
        std::fs::write(directory.path().join("twite.toml"), desk).unwrap();
        let loaded = twite::lang::load(&[directory.path().to_owned()], None);
        assert_eq!(loaded.rules.is_some(), !loaded.diagnostics.iter().any(Diagnostic::is_error));
        loaded.diagnostics.iter().map(|d| format!("{}: {}", d.code.id, d.message)).collect()
    };
    for (c, name) in HIDING {
        for desk in [format!("# a{c}[[group]]\n{DESK}"), DESK.replace("Social", &format!("So{c}cial"))] {
            let hides = format!("TW0120: hidden control character {name}");
            assert!(said(desk.clone()).contains(&hides), "{desk:?}");
        }
    }
    let unseen = "TW0406: invisible character U+200B (zero width space)";
    assert_eq!(said(DESK.replace("Social", "So\u{200b}cial")), [unseen]);
    for desk in [format!("\u{feff}{DESK}"), DESK.replace('\n', "\r\n"), DESK.replace("Social", "Zoë 👩‍💻")] {
        assert_eq!(said(desk), [""; 0]);
    }
}

/// Names are compared after folding, so two declared names that look the same are an error.
#[test]
fn declared_names_differ_to_the_eye() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.twite"), RULE).unwrap();
    let hours = "[schedule.hours]\nzone = \"UTC\"\nmonday = [\"09:00-17:00\"]\n";
    let group = "[[group]]\nname = \"Social\"\n";
    let schedule = format!("{group}[[schedule]]\nname = \"a\"\ngroups = [\"Social\"]\n{hours}");
    for (desk, expected) in [
        (format!("{group}[[group]]\nname = \"SOCIAL\"\n"), "TW0504: duplicate group `SOCIAL`"),
        (format!("{group}[[group]]\nname = \"social \"\n"), "TW0504: duplicate group `social `"),
        ("[[agent]]\nname = \"Straße\"\n[[agent]]\nname = \"STRASSE\"\n".into(), "TW0504: duplicate agent `STRASSE`"),
        ("[[brand]]\nname = \"O’Neil\"\n[[brand]]\nname = \"O'Neil\"\n".into(), "TW0504: duplicate brand `O'Neil`"),
        (
            "[[webhook]]\nname = \"w\"\nurl = \"https://w.example\"\n[[webhook]]\nname = \"W\"\nurl = \"https://w.example\"\n".into(),
            "TW0504: duplicate webhook `W`",
        ),
        (
            "[[field]]\nname = \"f\"\ntype = \"choice\"\nchoices = [\"a\", \"A\"]\n".into(),
            "TW0504: duplicate choice `A`",
        ),
        (format!("[[schedule]]\nname = \"a\"\n{hours}"), "TW0503: unused schedule: it needs `groups` or `accounts`"),
        (
            format!("{schedule}[[schedule]]\nname = \"b\"\ngroups = [\"Social\"]\n{hours}"),
            "TW0504: duplicate schedule for the group `Social`",
        ),
        (schedule.clone(), ""),
    ] {
        std::fs::write(directory.path().join("twite.toml"), &desk).unwrap();
        let found = twite::lang::load(&[directory.path().to_owned()], None).diagnostics;
        let found: Vec<_> = found.iter().map(|d| format!("{}: {}", d.code.id, d.message)).collect();
        assert_eq!(found.join("\n"), expected, "{desk}");
    }
}

/// What was a string while both sides of a conflict stood there is code without one of them.
#[test]
fn nesting_is_bounded_in_what_is_left_of_a_conflict() {
    let parens = "(".repeat(200_000);
    let text = format!("let a = b\n<<<<<<< a\nx\n=======\n\"\"\"\n>>>>>>> b\nlet c = not {parens}\n\"\"\"\n");
    assert!(said(&text).contains(&"TW0108: nesting too deep".to_owned()));
}

/// Checking consecutive comments takes linear time.
#[test]
fn comments_in_a_row_are_gone_through_once() {
    let comments = "# twite: allow TW0401 because x\n".repeat(20_000);
    assert_eq!(found(&format!("{comments}{RULE}")).len(), 20_000);
}
