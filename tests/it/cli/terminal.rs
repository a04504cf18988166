//! Output to a terminal, a log or a CI runner: control characters in untrusted text are escaped, and output fits the
//! terminal.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::command::{directory, twite, twite_in};

/// Control sequences for a terminal, a log, GitHub's runner, and bidirectional text.
const HOSTILE: &str = "x\n::stop-commands::t\u{1b}[31m\r\u{9b}\u{85}\u{2028}\u{202e}y";

/// As a string of a rule file: only line ends are escaped.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\n', "\\n").replace('\r', "\\r"))
}

fn assert_plain(what: &str, text: &str) {
    let steers = |c: char| c != '\n' && twite::desk::visible::is_control(c);
    assert!(!text.contains(steers), "{what}: {text:?}");
    assert!(!text.lines().any(|line| line.starts_with("::stop")), "{what}: {text}");
}

#[test]
fn texts_of_rules_steer_nobodys_terminal() {
    let title = quoted(HOSTILE);
    let rules = format!(
        "## {doc}\ntrigger {title} {{\n  on created\n  then add tags VIP\n}}\n\ntest {title} {{\n  given ticket {{\n    comment \
         \"hello\"\n  }}\n  when created\n  expect not fired {title}\n}}\n",
        doc = "a\u{1b}]0;b\u{202e}"
    );
    let directory = directory(&[("a.twite", &rules)]);
    for arguments in [
        ["check", "--format", "human", "."].as_slice(),
        &["check", "--format", "short", "."],
        &["check", "--format", "github", "."],
        &["rules", "."],
        &["test", "."],
        &["test", "--coverage", "."],
        &["test", "--coverage", "--color", "always", "."],
        &["eval", "--format", "human", "--tickets", "-", "."],
        &["demo", "--once", "--rules", "."],
    ] {
        let (_, out, err) = twite(directory.path(), arguments, "{}\n");
        let uncoloured =
            |text: &str| text.replace("\u{1b}[32m", "").replace("\u{1b}[39m", "").replace("\u{1b}[31mFAIL", "");
        let colour = arguments.contains(&"always");
        assert!(!out.contains("::stop-commands::t\u{1b}"), "{arguments:?}: {out:?}");
        if !colour {
            assert_plain(&format!("{arguments:?}"), &uncoloured(&out));
        }
        assert_plain(&format!("{arguments:?}"), &err);
    }
}

#[test]
fn output_follows_the_terminal() {
    let text = "trigger \"T\" {\n  on created\n  when requester.folowers > 10 and status is open and priority is high\n  then add tags a\n}\n";
    let directory = directory(&[("a.twite", text)]);
    let check = |environment: &[(&str, &str)]| twite_in(directory.path(), &["check", "."], "", environment).1;
    assert!(
        check(&[("COLUMNS", "40")]).lines().all(|line| line.chars().count() <= 50),
        "{}",
        check(&[("COLUMNS", "40")])
    );
    assert!(check(&[("LC_ALL", "C")]).is_ascii());
    assert!(!check(&[("LC_ALL", "C.UTF-8")]).is_ascii());
    assert!(check(&[("FORCE_COLOR", "1")]).contains("\u{1b}["));
    assert!(!check(&[("TERM", "xterm")]).contains("\u{1b}["));
    assert!(!check(&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")]).contains("\u{1b}["));
}

/// Every character with an effect but no glyph, from Unicode's lists (Cc, Zl, Zp, Bidi_Control, deprecated and
/// annotating characters of Cf) and XML's of forbidden characters; written independently of the code.
fn steering() -> Vec<char> {
    [
        ('\0', '\u{1f}'),
        ('\u{7f}', '\u{9f}'),
        ('\u{61c}', '\u{61c}'),
        ('\u{200e}', '\u{200f}'),
        ('\u{2028}', '\u{202e}'),
        ('\u{2066}', '\u{206f}'),
        ('\u{fff9}', '\u{fffb}'),
        ('\u{fffe}', '\u{ffff}'),
    ]
    .into_iter()
    .flat_map(|(first, last)| first..=last)
    .collect()
}

/// A text of all of them, which also looks like a line of another format.
fn steering_text() -> String {
    steering().into_iter().fold("<&>\"]]>\n::stop-commands::t".to_owned(), |text, c| format!("{text}.{c}"))
}

/// The text with every character as an escape that both rules and TOML accept.
fn as_escapes(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' => "\\\"".to_owned(),
            c if c.is_ascii_graphic() => c.to_string(),
            c => format!("\\u{{{:x}}}", u32::from(c)),
        })
        .collect()
}

fn as_toml(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' => "\\\"".to_owned(),
            c if c.is_ascii_graphic() => c.to_string(),
            c => format!("\\u{:04x}", u32::from(c)),
        })
        .collect()
}

/// Asserts that no such character is in the output of any format.
fn assert_steers_nothing(what: &str, text: &str) {
    let found: Vec<_> = text.chars().filter(|c| *c != '\n' && steering().contains(c)).collect();
    assert!(found.is_empty(), "{what}: {found:?} in {text}");
    let forged = text.lines().find(|line| line.trim_start().starts_with("::stop"));
    assert!(forged.is_none(), "{what}: {forged:?}");
}

/// All such characters, in every place that a text can come from, in every format.
#[cfg(unix)]
#[test]
fn nothing_steers_in_any_form_wherever_it_comes_from() {
    let text = steering_text();
    let (rules, toml) = (as_escapes(&text), as_toml(&text));
    // No file name can contain all of them.
    let file: String = steering().into_iter().filter(|c| *c != '\0').collect();
    let doc: String = steering().into_iter().filter(|c| !"\0\n\r\u{85}\u{2028}\u{2029}".contains(*c)).collect();
    let good = format!(
        "## \u{200e}\u{61c}\ntrigger \"{rules}\" {{\n  on created\n  when subject is not \"{rules}\"\n  then reply \"{rules}\"\n}}\n\n\
         macro \"{rules}\" {{\n  then set status to solved\n}}\n\n\
         test \"{rules}\" {{\n  given ticket {{\n    comment \"{rules}\"\n  }}\n  when created\n  expect not fired \"{rules}\"\n  \
         expect subject is \"{rules}!\"\n}}\n"
    );
    let desk = format!("[[group]]\nname = \"{toml}\"\n[[agent]]\nname = \"{toml}\"\ngroups = [\"{toml}\"]\n");
    let bad = format!(
        "# twite: allow TW9999 because {doc}\n# twite: {doc}\ntrigger \"{rules}\" {{\n  on created\n  when group is \"{rules}\" and \
         {doc} is open and tags has \"{rules}\" and subject matches \"({rules}\" and {}\n  then assign to group \"{rules}\" add tags \
         \"{rules}\" notify webhook \"{rules}\"\n}}\ntrigger \"{rules}\" {{ then run trigger \"{rules}\" }}\nlet {doc} = \"{text}\"\n",
        steering()
            .into_iter()
            .filter(|c| *c != '\0')
            .map(|c| format!("a{c}b is open"))
            .collect::<Vec<_>>()
            .join(" and ")
    );
    let wrong_toml = [
        format!(
            "[[group]]\nname = \"{toml}\"\n[[group]]\nname = \"{toml}\"\n[[agent]]\nname = \"{toml}\"\ngroups = [\"{toml}!\"]\nemail = \"{toml}\"\n"
        ),
        format!(
            "[[account]]\nhandle = \"{toml}\"\n[x]\nurl = \"{toml}\"\n[hours]\nzone = \"{toml}\"\ncalendars = [\"{toml}\"]\n"
        ),
        format!("\"{toml}\" = 1\n[\"{toml}\"]\nx = 2\n[[field]]\nname = \"{toml}\"\nkind = \"{toml}\"\n"),
        format!("x = {doc}\n"),
        format!(
            "[mail]\nfrom = \"{toml}\"\nserver = \"{toml}\"\n[store]\nurl = \"sqlite:{toml}\"\nedition = \"{toml}\"\n"
        ),
    ];
    let odd = format!("{file}/{file}.twite");
    let sets: Vec<(String, String)> = [(good.clone(), "# none\n".to_owned()), (good.clone(), desk.clone())]
        .into_iter()
        .chain([(bad.clone(), desk)])
        .chain(wrong_toml.map(|toml| (good.clone(), toml)))
        .collect();
    for (n, (rules, toml)) in sets.iter().enumerate() {
        let directory = directory(&[(&odd, rules), ("twite.toml", toml)]);
        let run = |arguments: &[&str], input: &str| {
            let (status, out, err) = twite(directory.path(), arguments, input);
            assert!(status < 3, "{n}, {arguments:?}: {status} {err}");
            assert_steers_nothing(&format!("set {n}, {arguments:?}"), &out);
            assert_steers_nothing(&format!("set {n}, {arguments:?}, errors"), &err);
            (status, out, err)
        };
        let (_, json, _) = run(&["check", "--format", "json", "."], "");
        let json: Value = serde_json::from_str(&json).unwrap();
        let found = json["diagnostics"].as_array().unwrap();
        let (_, out, _) = run(&["check", "--format", "short", "."], "");
        assert_eq!(out.lines().count(), found.len(), "set {n}: a line each\n{out}");
        let (_, out, _) = run(&["check", "--format", "github", "."], "");
        let annotated =
            out.lines().filter(|line| line.starts_with("::error file=") || line.starts_with("::warning file="));
        assert_eq!(annotated.count(), found.len(), "set {n}: a command each\n{out}");
        let (_, out, _) = run(&["check", "--format", "sarif", "."], "");
        let log: Value = serde_json::from_str(&out).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        assert_eq!(results.len(), found.len(), "set {n}");
        for result in results {
            assert_steers_nothing("a message of SARIF is for people", result["message"]["text"].as_str().unwrap());
        }
        if n > 2 {
            // Other commands report a broken `twite.toml` the same way.
            continue;
        }
        for arguments in [
            &["check", "--format", "human", "."][..],
            &["check", "--color", "never", &odd],
            &["check", "--format", "short", "no such/\n::stop-commands::t\u{1b}\u{9b}\u{202e}"],
            &["check", "--config", "no such\n::stop-commands::t\u{1b}\u{9b}\u{202e}", "."],
            &["check", "-", "--stdin-path", &odd],
            &["fmt", "--check", "."],
            &["fmt", "--check", &format!("\n::stop\u{1b}{file}")],
            &["test", "."],
            &["test", "--coverage", "."],
            &["test", "--format", "json", "."],
            &["test", "--format", "junit", "."],
            &["test", "--filter", "(\n::stop-commands::t\u{9b}", "."],
            &["rules", "."],
            &["rules", "--format", "json", "."],
            &["eval", "--tickets", "-", "."],
            &["eval", "--tickets", "-", "--format", "human", "."],
            &["eval", "--tickets", &format!("no\n::stop {file}"), "."],
            &["explain", &format!("TW\n::stop{file}")],
            &["init", &odd],
            &["status", "--rules", "."],
            &["view", &format!("no\n::stop {file}"), "--rules", "."],
            &["view", "--rules", ".", "--database", &format!("no\n::stop {file}")],
            &["report", &format!("no\n::stop {file}"), "--rules", "."],
            &["sim", "--load", &format!("no\n::stop {file}")],
            &[&format!("--no\n::stop{file}")],
            &["serve", "--config", ".", &format!("no\n::stop{file}")],
        ] {
            let (_, out, _) =
                run(arguments, "{\"description\": \"x\\u001b\\u202e\\n::stop\"}\n{\"x\\u001b\\n::stop\\u202e\": 1}\n");
            if arguments.contains(&"json") && !out.is_empty() {
                let value: Value = serde_json::from_str(&out).unwrap();
                assert!(value.to_string().contains("::stop-commands"), "{arguments:?}: nothing is lost\n{out}");
            }
        }
        if n == 0 {
            let (_, out, _) = run(&["rules", "--format", "json", "."], "");
            let listed: Value = serde_json::from_str(&out).unwrap();
            assert_eq!(listed[0]["title"], text.as_str(), "programs get texts as they are");
            assert_eq!(listed[0]["span"]["file"], format!("./{odd}").as_str());
        }
    }
}

/// All output goes through the module `terminal`.
#[test]
fn nothing_is_printed_past_the_terminal_module() {
    fn below(directory: &Path, into: &mut Vec<std::path::PathBuf>) {
        for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { below(&path, into) } else { into.push(path) }
        }
    }
    let mut files = vec![];
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let is_test = |file: &Path| file.components().any(|part| part.as_os_str() == "tests");
    for file in files.iter().filter(|file| !file.ends_with("cli/terminal.rs") && !is_test(file)) {
        let text = fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (n, line) in code.lines().enumerate() {
            let asks = line.contains("is_terminal") || line.contains("style(") || line.contains("colored(");
            let prints = ["println!(", "print!(", "io::stdout()", "io::stderr()"].iter().any(|way| line.contains(way));
            assert!(asks || !prints || line.trim_start().starts_with("//"), "{}:{}: {line}", file.display(), n + 1);
        }
    }
}
