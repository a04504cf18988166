//! Benchmark of the commands that CI runs on rule files, beside promtool and ruff on as many rules and functions, in the
//! same run, where these are installed; and of how long an edit takes to be live.
//!
//! ```sh
//! cargo bench --bench check                # 10,000 rules, 14,000 findings
//! cargo bench --bench check -- 2000        # fewer rules, and findings in proportion
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a benchmark that panics has failed, it measures the machine, and its product is what it prints"
)]

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use twite::{
    app::{Notice, Notices},
    clock::Clock,
    daemon::{Reload, Source},
};

/// Each command is run this often; the fastest run counts.
const RUNS: usize = 5;
/// A file holds this many rules: files have a maximum size.
const RULES_PER_FILE: usize = 50;

fn main() {
    let rules = std::env::args().filter_map(|a| a.parse().ok()).next().unwrap_or(10_000_usize);
    let findings = rules * 7 / 5;
    let tests = rules / 10;
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    write_rules(&at("sound"), rules, tests);
    write_mistakes(&at("half"), findings / 2);
    write_mistakes(&at("all"), findings);
    fs::write(at("alerts.yml"), alerts(rules)).unwrap();
    fs::write(at("functions.py"), functions(rules)).unwrap();

    let twite = env!("CARGO_BIN_EXE_twite");
    println!("{rules} rules, {tests} tests, {findings} findings; the fastest of {RUNS} runs\n");
    println!("| what | CPU | time |\n| --- | ---: | ---: |");
    let run = |what: &str, program: &str, arguments: &[&str]| match measure(program, arguments, directory.path()) {
        Some((cpu, time)) => println!("| {what} | {:.2} s | {:.2} s |", cpu.as_secs_f64(), time.as_secs_f64()),
        None => {
            eprintln!("NOT MEASURED: `{program}` is not installed");
            println!("| {what} | not installed | |");
        }
    };
    run("`twite check`, all lints", twite, &["check", "sound"]);
    run("`promtool check rules`, as many alerts", "promtool", &["check", "rules", "alerts.yml"]);
    run("`ruff check`, as many functions", "ruff", &["check", "--no-cache", "--isolated", "functions.py"]);
    run("`twite fmt --check`", twite, &["fmt", "--check", "sound"]);
    run("`twite test`", twite, &["test", "sound"]);
    run("`twite test --coverage`", twite, &["test", "--coverage", "sound"]);
    for format in ["human", "short", "json", "sarif", "github"] {
        for (share, set) in [("half of the findings", "half"), ("all findings", "all")] {
            run(&format!("`twite check --format {format}`, {share}"), twite, &["check", "--format", format, set]);
        }
    }
    println!("| an edit of one file, until it is live | | {:.2} s |", edit_live(&at("sound")).as_secs_f64());
}

/// The time from an edit of one file until it is live, with hardly any of the time (`--settle`) for which files must be
/// unchanged.
fn edit_live(set: &Path) -> Duration {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let source = Source { settle: Duration::from_millis(1), ..Source::new(vec![set.to_owned()], None) };
    let reload = Reload::start(source, Clock::Wall.now()).unwrap_or_else(|report| panic!("{report}"));
    let file = set.join("rules000000.twite");
    let text = fs::read_to_string(&file).unwrap();
    runtime.block_on(async {
        let notices = Notices::default();
        let mut told = notices.listen();
        let following = tokio::spawn(reload.follow(Clock::Wall, notices));
        // Until the files are watched.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut least = Duration::MAX;
        for run in 0..RUNS {
            let began = Instant::now();
            fs::write(&file, text.replace("priority to high", ["priority to low", "priority to urgent"][run % 2]))
                .unwrap();
            loop {
                match told.recv().await.unwrap() {
                    Notice::Reloaded { .. } => break,
                    Notice::Broken { report, .. } => panic!("{report}"),
                    _ => {}
                }
            }
            least = least.min(began.elapsed());
        }
        following.abort();
        least
    })
}

/// The processor time of a command and the time it takes; `None` if it is not installed.
fn measure(program: &str, arguments: &[&str], directory: &Path) -> Option<(Duration, Duration)> {
    let runs = (0..RUNS).map(|_| {
        let began = Instant::now();
        // `times` prints the processor time of the shell, then of its children: user and system each.
        let output = Command::new("sh")
            .args(["-c", r#"command -v "$1" >/dev/null || exit 127; "$@" >/dev/null 2>&1; times"#, "sh", program])
            .args(arguments)
            .current_dir(directory)
            .output()
            .unwrap();
        let time = began.elapsed();
        let text = String::from_utf8(output.stdout).unwrap();
        let children = text.lines().nth(1)?;
        Some((children.split_whitespace().map(seconds).sum(), time))
    });
    runs.collect::<Option<Vec<_>>>()?.into_iter().min()
}

/// Reads `1m2.345s`.
fn seconds(text: &str) -> Duration {
    let (minutes, seconds) = text.trim_end_matches('s').split_once('m').unwrap();
    let minutes: f64 = minutes.parse().unwrap();
    Duration::from_secs_f64(minutes * 60.0 + seconds.parse::<f64>().unwrap())
}

/// Sound rules as on a large desk, and a test for every tenth.
fn write_rules(set: &Path, rules: usize, tests: usize) {
    fs::create_dir_all(set).unwrap();
    let desk = "[[account]]\nhandle = \"acme\"\n[[group]]\nname = \"Social\"\nemail = \"social@acme.example\"\n";
    fs::write(set.join("twite.toml"), desk).unwrap();
    for first in (0..rules).step_by(RULES_PER_FILE) {
        let mut text = String::new();
        for n in first..(first + RULES_PER_FILE).min(rules) {
            write!(
                text,
                "## Case {n}.\ntrigger \"Rule {n}\" {{\n  on created\n  when channel in (twitter, twitter_dm)\n    \
                 and description contains word \"word{n}\"\n    and (requester.followers >= {} or requester.verified)\n    \
                 and status < solved\n  then\n    set priority to high\n    add tags t{n}\n    \
                 notify group \"Social\" {{\n      subject \"{{{{ticket.requester.name}}}} wrote\"\n      \
                 body \"{{{{ticket.link}}}}\"\n    }}\n}}\n\n",
                n + 1
            )
            .unwrap();
        }
        fs::write(set.join(format!("rules{first:06}.twite")), text).unwrap();
    }
    for first in (0..tests).step_by(RULES_PER_FILE) {
        let mut text = String::new();
        for n in first..(first + RULES_PER_FILE).min(tests) {
            write!(
                text,
                "test \"rule {n}\" {{\n  given ticket {{\n    channel twitter\n    requester {{ verified true }}\n    \
                 comment \"about word{n}\"\n  }}\n  when created\n  expect fired \"Rule {n}\"\n  \
                 expect tags has t{n}\n}}\n\n"
            )
            .unwrap();
        }
        fs::write(set.join(format!("tests{first:06}.twite")), text).unwrap();
    }
}

/// One file in which each line has one mistake.
fn write_mistakes(set: &Path, count: usize) {
    fs::create_dir_all(set).unwrap();
    fs::write(set.join("twite.toml"), "[[account]]\nhandle = \"acme\"\n").unwrap();
    let text = (0..count).fold(String::new(), |mut text, n| {
        writeln!(text, "let a{n} = descripton is \"w\"").unwrap();
        text
    });
    fs::write(set.join("rules.twite"), text).unwrap();
}

fn alerts(count: usize) -> String {
    let mut text = "groups:\n- name: all\n  rules:\n".to_owned();
    for n in 0..count {
        write!(
            text,
            "  - alert: Rule{n}\n    expr: sum(rate(errors_total{{job=\"j{n}\",code=~\"5..\"}}[5m])) > {n} and \
             on() up{{job=\"j{n}\"}} == 1\n    for: 10m\n    labels:\n      severity: page\n    annotations:\n      \
             summary: \"{{{{ $labels.job }}}} fails\"\n      link: \"https://acme.example/{n}\"\n"
        )
        .unwrap();
    }
    text
}

fn functions(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        write!(
            text,
            "def rule_{n}(ticket):\n    \"\"\"Case {n}.\"\"\"\n    if ticket.channel in (\"twitter\", \"twitter_dm\") \
             and \"word{n}\" in ticket.description:\n        if ticket.followers >= {n} or ticket.verified:\n            \
             ticket.priority = \"high\"\n            ticket.tags.add(\"t{n}\")\n            \
             return f\"{{ticket.name}} wrote\"\n    return None\n\n\n"
        )
        .unwrap();
        text
    })
}
