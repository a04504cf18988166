//! The documentation is correct: its rules are valid, its commands exist, its links resolve, and its tables match the
//! code.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use twite::desk::{
    Kind,
    field::{FIELDS, Scope},
    metric::METRICS,
};

use crate::support::command::run;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All pages, with their text.
fn pages() -> Vec<(PathBuf, String)> {
    fn below(directory: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                below(&path, into);
            } else if path.extension().is_some_and(|e| e == "md") {
                into.push(path);
            }
        }
    }
    let mut paths: Vec<_> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "fuzz/README.md"]
        .map(|page| root().join(page))
        .into();
    below(&root().join("docs"), &mut paths);
    below(&root().join("examples"), &mut paths);
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The fenced blocks in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut blocks = vec![];
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            if info == language {
                blocks.push(block.join("\n") + "\n");
            }
        }
    }
    blocks
}

#[test]
fn rules_in_the_documentation_are_sound() {
    let mut seen = 0;
    for (path, page) in pages() {
        // Pages of codes are tested in `lang::messages`.
        if path.parent().is_some_and(|parent| parent.ends_with("codes")) {
            continue;
        }
        // A page is one rule set: a block may use names of another.
        let blocks = blocks(&page, "twite");
        let directory = tempfile::tempdir().unwrap();
        fs::copy(root().join("rules/twite.toml"), directory.path().join("twite.toml")).unwrap();
        for (n, block) in blocks.iter().enumerate() {
            fs::write(directory.path().join(format!("{n:02}.twite")), block).unwrap();
            seen += 1;
        }
        let (status, text) = run(directory.path(), &["check", "--allow-empty", "."]);
        assert_eq!(status, 0, "{}: {text}", path.display());
        let (status, text) = run(directory.path(), &["fmt", "--check", "--allow-empty", "."]);
        assert_eq!(status, 0, "{}: blocks not as `twite fmt` writes them: {text}", path.display());
        let (status, text) = run(directory.path(), &["test", "--allow-empty", "."]);
        assert_eq!(status, 0, "{}: {text}", path.display());
    }
    assert!(seen > 5);
}

/// Each wish is granted by what the page says.
#[test]
fn wishes_are_granted() {
    let page = fs::read_to_string(root().join("docs/guide/wishes.md")).unwrap();
    let said = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    let said =
        said.filter_map(|(wish, said)| Some((wish, said.strip_prefix('`')?.rsplit_once('`')?.0.replace("\\|", "|"))));
    let directory = tempfile::tempdir().unwrap();
    fs::copy(root().join("rules/twite.toml"), directory.path().join("twite.toml")).unwrap();
    fs::write(directory.path().join("page.twite"), blocks(&page, "twite").concat()).unwrap();
    let actions = [
        "add", "ask", "assign", "block", "clear", "hide", "like", "merge", "message", "mute", "note", "notify",
        "remind", "remove", "reply", "set", "snooze", "unblock", "unmute", "webhook",
    ];
    // What only an event has.
    let of_events = ["changed and", "changed to", "changed from", "comment.", "agent.", "updated_via", "volume \""];
    let mut rules = 0;
    for (n, (wish, said)) in said.enumerate() {
        let item = match said.split(' ').next().unwrap() {
            // Named in the text, or an item above.
            "visible" | "twite" => continue,
            "automation" | "macro" | "report" | "sla" | "trigger" | "view" | "volume" => {
                assert!(page.contains(&format!("\n{said} {{\n")), "{wish}: no {said}");
                continue;
            }
            first if actions.contains(&first) => format!("macro \"{n}\" {{\n  then {said}\n}}\n"),
            _ if of_events.iter().any(|words| said.contains(words)) => {
                format!("trigger \"{n}\" {{\n  on updated\n  when {said}\n  then add tags t\n}}\n")
            }
            _ => format!("view \"{n}\" {{\n  where status < solved and ({said})\n  columns id\n}}\n"),
        };
        fs::write(directory.path().join(format!("{n:03}.twite")), item).unwrap();
        rules += 1;
    }
    assert!(rules >= 40, "{rules}");
    let (status, text) = run(directory.path(), &["check", "--fail-level", "warning", "."]);
    assert_eq!(status, 0, "{text}");
}

/// Each failure that others met has its row, and each row names tests that exist.
#[test]
fn every_failure_has_its_tests() {
    // They concern what goes out.
    let outbound = ["R10", "R20", "R21"];
    let page = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| R"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let numbers: Vec<_> = rows.iter().map(|row| row[0].to_owned()).collect();
    assert_eq!(numbers, (1..=36).map(|n| format!("R{n}")).collect::<Vec<_>>());
    for row in rows {
        let tests: Vec<_> = row[3].split(", ").filter_map(|name| name.strip_prefix('`')?.strip_suffix('`')).collect();
        assert_eq!(tests.is_empty(), outbound.contains(&row[0]), "{}: {}", row[0], row[3]);
        for test in tests {
            let (module, name) = test.rsplit_once("::").unwrap();
            let path = module.replace("::", "/");
            let places = ["tests/it/", "src/"].map(|folder| root().join(format!("{folder}{path}.rs")));
            let is_there = places
                .iter()
                .any(|place| fs::read_to_string(place).is_ok_and(|text| text.contains(&format!("fn {name}("))));
            assert!(is_there, "{}: there is no test {test}", row[0]);
        }
    }
}

#[test]
fn declarations_in_the_documentation_are_sound() {
    for (path, page) in pages() {
        if path.parent().is_some_and(|parent| parent.ends_with("codes")) {
            continue;
        }
        for block in blocks(&page, "toml") {
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join("twite.toml"), &block).unwrap();
            let (status, text) = run(directory.path(), &["check", "--allow-empty", "."]);
            assert_eq!(status, 0, "{}: {block}{text}", path.display());
        }
    }
}

#[test]
fn commands_in_the_documentation_exist() {
    let mut seen = 0;
    for (path, page) in pages() {
        for line in blocks(&page, "console").iter().chain(&blocks(&page, "sh")).flat_map(|block| block.lines()) {
            let line = line.trim_start_matches("$ ");
            let Some(arguments) = line.strip_prefix("twite ") else { continue };
            let command = arguments.split(['#', '<', '|', '>']).next().unwrap_or_default();
            let words: Vec<&str> = command.split_whitespace().collect();
            // Subcommands up to the first argument, then the options among the rest.
            let names: Vec<&str> = words
                .iter()
                .copied()
                .take_while(|word| !word.starts_with('-') && word.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
                .take(if matches!(words[0], "accounts" | "agents" | "incoming" | "outbox" | "store" | "ticket") {
                    2
                } else {
                    1
                })
                .collect();
            let (status, help) = run(&root(), &[names.as_slice(), &["--help"]].concat());
            assert_eq!(status, 0, "{}: `{line}`: {help}", path.display());
            for option in words.iter().filter(|word| word.starts_with("--")) {
                let option = option.split('=').next().unwrap();
                assert!(help.contains(option), "{}: `{line}`: there is no {option}", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 10);
}

#[test]
fn links_lead_somewhere() {
    for (path, page) in pages() {
        for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") || link.starts_with('#') {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = path.parent().unwrap().join(file);
            assert!(target.exists(), "{}: {link} leads nowhere", path.display());
            if !heading.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let headings = text.lines().filter(|line| line.starts_with('#'));
                let mut slugs = headings.map(|h| h.trim_start_matches('#').trim().to_lowercase().replace(' ', "-"));
                assert!(slugs.any(|slug| slug == heading), "{}: {link}: no such heading", path.display());
            }
        }
    }
}

/// The table of fields, made from the code.
fn field_table() -> String {
    let mut table = "| field | holds | where | rules set it | meaning |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for field in FIELDS.iter() {
        let holds = match &field.kind {
            Kind::Words(words) => {
                let between = if words.ordered { " < " } else { ", " };
                words.words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(between)
            }
            kind => kind.to_string(),
        };
        let place = match field.scope {
            Scope::Ticket => "everywhere",
            Scope::Event => "triggers",
            Scope::Clock => "everywhere",
            Scope::Shown => "columns, placeholders",
        };
        let set = if field.is_writable() { "yes" } else { "" };
        writeln!(table, "| `{}` | {holds} | {place} | {set} | {} |", field.name, field.doc).unwrap();
    }
    table
}

fn metric_table() -> String {
    let mut table = "| duration | from | to | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for metric in METRICS {
        writeln!(table, "| `{}` | `{}` | `{}` | {} |", metric.name, metric.from, metric.to, metric.doc).unwrap();
    }
    table
}

#[test]
fn tables_are_those_of_the_code() {
    let path = root().join("docs/language.md");
    for (name, real) in [("fields", field_table()), ("metrics", metric_table())] {
        let page = fs::read_to_string(&path).unwrap();
        let start = format!("<!-- {name}: made by `UPDATE_DOCS=1 cargo test --test it docs` -->\n");
        let end = format!("<!-- end of {name} -->");
        let (before, rest) = page.split_once(&start).unwrap();
        let (table, after) = rest.split_once(&end).unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, format!("{before}{start}{real}{end}{after}")).unwrap();
        } else {
            assert_eq!(table, real, "run `UPDATE_DOCS=1 cargo test --test it docs` to bring the table up to date");
        }
    }
}

#[test]
fn every_action_is_explained() {
    let page = fs::read_to_string(root().join("docs/language.md")).unwrap();
    let actions = page.split_once("\n## Actions\n").unwrap().1.split("\n## ").next().unwrap();
    let grammar = fs::read_to_string(root().join("grammar/twite.pest")).unwrap();
    let words = ["\naction_word ", "\nx_word "].iter().flat_map(|rule| {
        let starts = grammar.split_once(rule).unwrap().1.split_once('}').unwrap().0;
        starts.split('"').skip(1).step_by(2)
    });
    let words: Vec<_> = words.collect();
    assert!(words.contains(&"set") && words.contains(&"like"), "{words:?}");
    for word in words {
        let told = [format!("`{word}`"), format!("`{word} ")].iter().any(|code| actions.contains(code));
        assert!(told, "docs/language.md does not explain the action `{word}`");
    }
}

#[test]
fn shapes_in_the_documentation_are_the_real_ones() {
    let page = fs::read_to_string(root().join("docs/formats.md")).unwrap();
    let blocks = blocks(&page, "json");
    let keys = |text: &str| -> Vec<String> {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        value.as_object().unwrap().keys().cloned().collect()
    };
    let directory = tempfile::tempdir().unwrap();
    let lines: Vec<_> =
        blocks.iter().filter(|b| b.starts_with("{\"channel\"") || b.starts_with("{\"ticket\"")).collect();
    assert_eq!(lines.len(), 2);
    let tickets = directory.path().join("tickets.ndjson");
    fs::write(&tickets, format!("{}{}", lines[0], lines[1])).unwrap();
    let (status, text) = run(&root(), &["eval", "--tickets", tickets.to_str().unwrap(), "rules"]);
    assert_eq!(status, 0, "{text}");
    let table = page.split_once("and prints a decision a line:").unwrap().1.split_once("`why` is a tree").unwrap().0;
    for line in text.lines() {
        for key in keys(line) {
            assert!(table.contains(&format!("`{key}`")), "`{key}` of a decision is not told");
        }
    }
    let demo = blocks.iter().find(|block| block.starts_with("{\"posts\"")).unwrap();
    let (status, text) = run(&root(), &["demo", "--once", "--format", "json"]);
    assert_eq!(status, 0, "{text}");
    assert_eq!(keys(&text), keys(demo));
    let (shown, real): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(demo).unwrap(), serde_json::from_str(&text).unwrap());
    for key in ["posts", "tickets", "comments", "linked", "replies", "set_aside"] {
        assert_eq!(shown[key], real[key], "{key} of the demo");
    }
}

/// The files that a page says to write and the commands it says to run, in order.
enum Step {
    Write(String, String),
    Run(String, Vec<String>),
}

fn steps(page: &str) -> Vec<Step> {
    let (mut steps, mut file) = (vec![], None);
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("<!-- file: ") {
            file = name.strip_suffix(" -->").map(str::to_owned);
        }
        let Some(language) = line.strip_prefix("```") else { continue };
        let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        match (file.take(), language) {
            (Some(name), _) => {
                let text = block.join("\n") + "\n";
                let commands = block.iter().filter_map(|line| line.trim().strip_prefix("- run: twite "));
                let commands: Vec<_> = commands.map(|command| Step::Run(command.to_owned(), vec![])).collect();
                steps.push(Step::Write(name, text));
                steps.extend(commands);
            }
            (None, "console") => {
                for line in block {
                    match (line.strip_prefix("$ twite "), steps.last_mut()) {
                        (Some(command), _) => steps.push(Step::Run(command.to_owned(), vec![])),
                        (None, Some(Step::Run(_, expected))) => expected.push(line.to_owned()),
                        (None, _) => panic!("{line:?} is told by no command"),
                    }
                }
            }
            _ => {}
        }
    }
    steps
}

/// Every step of the tutorial gives the output it shows.
#[test]
fn the_tutorial_can_be_followed() {
    let directory = tempfile::tempdir().unwrap();
    let page = fs::read_to_string(root().join("docs/tutorial.md")).unwrap();
    let (mut written, mut ran) = (0, 0);
    for step in steps(&page) {
        match step {
            Step::Write(name, text) => {
                let path = directory.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
                written += 1;
            }
            Step::Run(command, expected) => {
                let arguments: Vec<_> = command.split_whitespace().collect();
                let (status, text) = run(directory.path(), &arguments);
                let wrong = expected.iter().any(|line| line.contains("did you mean"));
                assert_eq!(status, i32::from(wrong), "twite {command}\n{text}");
                for line in expected.iter().filter(|line| !line.trim().is_empty()) {
                    assert!(text.contains(line.trim()), "twite {command}: no {line:?} in\n{text}");
                }
                ran += 1;
            }
        }
    }
    assert!(written >= 6 && ran >= 10, "{written} files, {ran} commands");
}

#[test]
fn every_reason_for_not_sending_is_in_the_page_of_formats() {
    let page = fs::read_to_string(root().join("docs/formats.md")).unwrap();
    let table = page.split("| `reason_kind` | what it means |").nth(1).unwrap().split("\n\n").next().unwrap();
    let told: Vec<_> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let known: Vec<_> = twite::desk::ReasonKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(told, known);
}
