//! Modules depend on each other only as ARCHITECTURE.md allows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Exceptions: forbidden uses that wait for a module not yet written, as file, path used, and reason.
const WAITING: &[(&str, &str, &str)] = &[];

/// The table of modules in ARCHITECTURE.md, in order, each with its description.
fn table() -> Vec<(String, String)> {
    let text = fs::read_to_string("ARCHITECTURE.md").unwrap();
    let rows = text.lines().skip_while(|line| !line.starts_with("| module |")).skip(2);
    let cells = rows.map_while(|line| line.strip_prefix("| `")?.split_once('`'));
    cells.map(|(module, said)| (module.to_owned(), said.to_owned())).collect()
}

/// The Rust files below a directory, each with its module path: `src/x/client.rs` is `x::client`.
fn files(directory: &Path, module: &[String]) -> Vec<(PathBuf, Vec<String>)> {
    let mut found = vec![];
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let inside = [module, std::slice::from_ref(&name)].concat();
        if path.is_dir() {
            found.extend(files(&path, &inside));
        } else if path.extension().is_none_or(|extension| extension != "rs") {
        } else if matches!(name.as_str(), "mod" | "lib" | "main") {
            found.push((path, module.to_vec()));
        } else {
            found.push((path, inside));
        }
    }
    found.sort();
    found
}

/// All paths of this crate that a file uses, with `self::…` and `super::…` resolved to `crate::…`.
fn used_paths(file: &Path, module: &[String]) -> BTreeSet<Vec<String>> {
    let text = fs::read_to_string(file).unwrap();
    let mut found = BTreeSet::new();
    read(text.parse().unwrap(), module, &mut found);
    found
}

fn read(tokens: TokenStream, module: &[String], found: &mut BTreeSet<Vec<String>>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let is_path = at < 2 || !is_colon(&tokens[at - 1]);
        let base = match token {
            TokenTree::Ident(word) if is_path && colons(&tokens, at + 1) => match word.to_string().as_str() {
                "crate" => Some(vec![]),
                "self" => Some(module.to_vec()),
                "super" => Some(module[..module.len() - 1].to_vec()),
                _ => None,
            },
            _ => None,
        };
        if let Some(base) = base {
            names(&tokens, at + 3, base, found);
        }
        if let TokenTree::Group(group) = token {
            // Inside `mod name { … }`, relative paths start at that module.
            let inside = match (at.checked_sub(2).map(|n| &tokens[n]), at.checked_sub(1).map(|n| &tokens[n])) {
                (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(name))) if word == "mod" => {
                    [module, &[name.to_string()]].concat()
                }
                _ => module.to_vec(),
            };
            read(group.stream(), &inside, found);
        }
        at += 1;
    }
}

/// Follows a path, or each path of `{several, paths}`.
fn names(tokens: &[TokenTree], mut at: usize, mut path: Vec<String>, found: &mut BTreeSet<Vec<String>>) {
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(word)) if word == "super" => drop(path.pop()),
            Some(TokenTree::Ident(word)) if word == "self" => {}
            Some(TokenTree::Ident(word)) => path.push(word.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inside: Vec<_> = group.stream().into_iter().collect();
                for part in inside.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ',')) {
                    names(part, 0, path.clone(), found);
                }
                return;
            }
            _ => break,
        }
        if !colons(tokens, at + 1) {
            break;
        }
        at += 3;
    }
    found.insert(path);
}

fn is_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':')
}

fn colons(tokens: &[TokenTree], at: usize) -> bool {
    tokens.get(at).is_some_and(is_colon) && tokens.get(at + 1).is_some_and(is_colon)
}

#[test]
fn paths_are_read() {
    let text = "
        use crate::{desk::{Ticket, text::fold}, lang};
        pub(crate) fn f() { super::super::store::open(self.field, matches!(x, crate::x::Post { .. })) }
        mod tests { use super::super::inbox::Item; use super::*; }
    ";
    let mut found = BTreeSet::new();
    read(text.parse().unwrap(), &["daemon".to_owned(), "worker".to_owned()], &mut found);
    let found: Vec<_> = found.iter().map(|path| path.join("::")).collect();
    assert_eq!(
        found,
        ["daemon::inbox::Item", "daemon::worker", "desk::Ticket", "desk::text::fold", "lang", "store::open", "x::Post"]
    );
}

#[test]
fn modules_stand_in_the_order_of_the_table() {
    let lib: TokenStream = fs::read_to_string("src/lib.rs").unwrap().parse().unwrap();
    let tokens: Vec<_> = lib.into_iter().map(|token| token.to_string()).collect();
    let declared: Vec<_> = tokens.windows(3).filter(|w| w[0] == "mod" && w[2] == ";").map(|w| w[1].clone()).collect();
    assert_eq!(declared, table().into_iter().map(|(module, _)| module).collect::<Vec<_>>());
}

#[test]
fn a_module_uses_only_those_above_it() {
    let table = table();
    let place = |module: &str| table.iter().position(|(name, _)| name == module);
    let mut waiting: BTreeSet<_> = WAITING.iter().map(|(file, used, _)| (file.to_string(), used.to_string())).collect();
    let (mut seen, mut forbidden) = (BTreeSet::new(), BTreeSet::new());
    for (file, module) in files(Path::new("src"), &[]) {
        let Some(own) = module.first() else { continue };
        let own = place(own).expect("every module is in the table");
        let is_alone = table[own].1.contains("uses no other module");
        for path in used_paths(&file, &module) {
            let Some(used) = path.first().and_then(|name| place(name)) else { continue };
            seen.insert((module[0].clone(), path[0].clone()));
            let arrow = (file.display().to_string(), path.join("::"));
            if (used > own || used != own && is_alone) && !waiting.remove(&arrow) {
                forbidden.insert(arrow);
            }
        }
    }
    assert!(seen.contains(&("daemon".to_owned(), "store".to_owned())), "arrows are not found: {seen:?}");
    assert!(forbidden.is_empty(), "against the table of ARCHITECTURE.md: {forbidden:#?}");
    assert!(waiting.is_empty(), "no longer needed as exceptions: {waiting:#?}");
}

#[test]
fn folders_of_tests_are_named_as_modules() {
    let modules: BTreeSet<_> = table().into_iter().map(|(module, _)| module).collect();
    let folders = fs::read_dir("tests/it").unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let names = folders.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    let others: Vec<_> = names.filter(|name| name != "support" && !modules.contains(name)).collect();
    assert!(others.is_empty(), "no modules of `src`: {others:?}");
}

/// Pure code does not use `settings`; in `lang`, only the code that reads `twite.toml` does.
#[test]
fn pure_code_never_sees_settings() {
    let mut seen = 0;
    for (file, module) in files(Path::new("src"), &[]) {
        let uses = used_paths(&file, &module).iter().any(|path| path.first().is_some_and(|name| name == "settings"));
        let may = match module.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["desk" | "engine", ..] => false,
            ["lang", inside, ..] => matches!(inside, "config" | "load"),
            _ => true,
        };
        assert!(may || !uses, "{}", file.display());
        seen += usize::from(uses);
    }
    assert!(seen > 0, "no use is found");
}

/// What [`twite::store::Store`] itself reads is for nobody: reads of tickets for somebody are methods of a snapshot, which has a
/// viewer.
#[test]
fn the_store_reads_tickets_only_for_a_viewer() {
    let (mut seen, mut found) = (0, vec![]);
    for entry in fs::read_dir("src/store").unwrap() {
        let path = entry.unwrap().path();
        let text = if path.is_file() { fs::read_to_string(&path).unwrap() } else { continue };
        for block in text.split("\nimpl Store {\n").skip(1) {
            let block = block.split("\n}\n").next().unwrap();
            for function in block.split("    pub async fn ").skip(1) {
                let signature = function.split(" {\n").next().unwrap();
                seen += 1;
                let words =
                    ["TicketId", "Ticket>", "Comment>", "Recorded>", "DeliveryStatus>", "Queued>", "ReportTable"];
                let is_for_its_item = signature.contains("&OutboxItem");
                if words.iter().any(|word| signature.contains(word)) && !is_for_its_item {
                    found.push(format!("{}: {signature}", path.display()));
                }
            }
        }
    }
    assert!(seen > 30, "no functions are found");
    assert!(found.is_empty(), "read for nobody: {found:#?}");
}

#[test]
fn only_commands_start_the_clock_of_the_machine() {
    for (file, module) in files(Path::new("src"), &[]) {
        let may = module.first().is_none_or(|name| matches!(name.as_str(), "cli" | "clock"));
        assert!(may || !fs::read_to_string(&file).unwrap().contains("Clock::Wall"), "{}", file.display());
    }
}

/// Where each name that a `mod.rs` re-exports comes from: `engine::RuleSet` from `engine::rule_set`.
fn re_exports(module: &str) -> BTreeMap<String, String> {
    let mut paths = BTreeSet::new();
    let text: TokenStream = fs::read_to_string(format!("src/{module}/mod.rs")).unwrap().parse().unwrap();
    let tokens: Vec<_> = text.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        if matches!(token, TokenTree::Ident(word) if word == "use") {
            names(&tokens, at + 1, vec![], &mut paths);
        }
    }
    let pairs = paths.into_iter().filter(|path| path.len() > 1);
    pairs.map(|path| (path[path.len() - 1].clone(), path[0].clone())).collect()
}

/// The files of a module that form a dependency cycle; a folder counts as one file, and tests are ignored.
fn cycle(module: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let re_exports = re_exports(&module.join("/"));
    let prefix: Vec<String> = module.iter().map(|name| (*name).to_owned()).collect();
    let files = files(&Path::new("src").join(module.join("/")), &prefix);
    let inside: BTreeSet<_> = files.iter().filter_map(|(_, path)| path.get(prefix.len()).cloned()).collect();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, path) in &files {
        let Some(own) = path.get(prefix.len()).filter(|own| *own != "tests") else { continue };
        for path in used_paths(file, path) {
            let Some([name, rest @ ..]) = path.strip_prefix(prefix.as_slice()) else { continue };
            let used = re_exports.get(name).filter(|_| rest.is_empty() || !inside.contains(name)).unwrap_or(name);
            if used != own && inside.contains(used) {
                uses.entry(own.clone()).or_default().insert(used.clone());
            }
        }
    }
    assert!(!uses.is_empty(), "no arrows found in {module:?}");
    // Removes files without dependencies among the rest, until none is left to remove.
    loop {
        let left: BTreeSet<_> = uses.keys().cloned().collect();
        uses.retain(|_, used| !used.is_disjoint(&left));
        if uses.len() == left.len() {
            return uses;
        }
    }
}

#[test]
fn the_files_of_the_engine_use_each_other_in_no_cycle() {
    assert_eq!(re_exports("engine")["RuleSet"], "rule_set");
    for module in [&["engine"][..], &["engine", "index"]] {
        let cycle = cycle(module);
        assert!(cycle.is_empty(), "in a cycle: {cycle:#?}");
    }
}
