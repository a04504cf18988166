//! Every example in docs/simulator.md works as described.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::World;

fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/simulator.md")).unwrap()
}

/// The lines of all fenced blocks in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(opened) => inside = !inside && opened == language,
            None if inside => lines.push(line.to_owned()),
            None => {}
        }
    }
    lines
}

/// The text between `before` and the next `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = text.split_once(before)?.1;
    rest.split_once(after).map(|(inner, _)| inner)
}

/// A simulator as `twite sim` starts it: one account and one customer.
async fn started() -> World {
    let world = World::new().await;
    world.sim.reset();
    let person = |name: &str| twite::sim::NewPerson::named(name);
    world.sim.make_user(&person("acme")).unwrap();
    world.sim.make_user(&person("customer")).unwrap();
    let tokens = world.sim.connect("acme").unwrap();
    World { tokens, ..world }
}

#[tokio::test]
async fn the_curl_examples_work_in_their_order() {
    let world = started().await;
    let examples: Vec<String> = blocks(&page(), "console")
        .into_iter()
        .filter_map(|line| line.strip_prefix("$ curl ").map(str::to_owned))
        .collect();
    assert!(examples.len() >= 4);
    for example in examples {
        let path =
            between(&example, "http://127.0.0.1:8917", " ").unwrap_or_else(|| example.rsplit("8917").next().unwrap());
        let url = format!("{}{path}", world.sim.url);
        let request = match between(&example, "-d '", "'") {
            Some(body) => world.client.post(url).body(body.to_owned()),
            None => world.client.get(url),
        };
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{example}: {}", answer.text().await.unwrap());
    }
    assert_eq!(world.sim.stats().dms, 1);
}

#[tokio::test]
async fn the_bodies_in_the_tables_are_taken() {
    let world = started().await;
    let rows: Vec<(String, String)> = page()
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `/sim/")?.split(" | ");
            Some((format!("/sim/{}", cells.next()?), cells.next()?.to_owned()))
        })
        .collect();
    assert!(rows.len() >= 15);
    for (commands, bodies) in rows {
        for command in commands.split('`').filter(|piece| piece.starts_with("/sim/")) {
            for body in bodies.split('`').filter(|piece| piece.starts_with('{')) {
                if !world.sim.stats().people.eq(&0) && command == "/sim/user" {
                    // This row creates a user that the following rows use.
                    world.sim.reset();
                    world.sim.make_user(&twite::sim::NewPerson::named("acme")).unwrap();
                }
                let post = world.sim.post(&twite::sim::NewPost {
                    by: "acme".into(),
                    text: "hello".into(),
                    ..Default::default()
                });
                let body = body.replace("ID", &post.unwrap_or_default());
                serde_json::from_str::<Value>(&body).unwrap_or_else(|e| panic!("{command} {body}: {e}"));
                let answer =
                    world.client.post(format!("{}{command}", world.sim.url)).body(body.clone()).send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::OK, "{command} {body}: {}", answer.text().await.unwrap());
            }
        }
    }
}

#[tokio::test]
async fn every_call_can_be_made_to_fail_by_the_name_in_the_table() {
    let world = World::new().await;
    let page = page();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let names: Vec<&str> = rows.flat_map(|cell| cell.split('`')).filter(|piece| piece.contains(" /")).collect();
    assert!(names.len() >= 60);
    for name in names {
        let fault = json!({"endpoint": name, "status": 418});
        let answer = world.client.post(format!("{}/sim/fault", world.sim.url)).json(&fault).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{name}: {}", answer.text().await.unwrap());
        let (method, path) = name.split_once(' ').unwrap();
        let url = format!("{}{}", world.sim.url, path.replace(':', ""));
        let struck = world.client.request(method.parse().unwrap(), url).send().await.unwrap();
        assert_eq!(struck.status(), StatusCode::IM_A_TEAPOT, "{name}");
    }
}

#[tokio::test]
async fn the_lines_for_files_are_read() {
    let world = World::new().await;
    let lines = blocks(&page(), "json");
    assert!(lines.len() >= 4);
    let report = world.sim.load_lines(lines.join("\n").as_bytes()).unwrap();
    assert_eq!((report.lines, report.skipped, report.repeated), (lines.len(), 0, 0), "{report:?}");
    assert_eq!(world.sim.release(usize::MAX, false).unwrap(), lines.len());
}

#[test]
fn the_commands_start() {
    let commands =
        blocks(&page(), "console").into_iter().filter_map(|line| line.strip_prefix("$ twite sim").map(str::to_owned));
    for command in commands.collect::<Vec<_>>() {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        for (option, value) in [("--listen", "127.0.0.1:0"), ("--format", "json")] {
            if !arguments.contains(&option) {
                arguments.extend([option, value]);
            }
        }
        let mut twite = std::process::Command::new(env!("CARGO_BIN_EXE_twite"));
        twite.arg("sim").args(&arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdout(Stdio::piped());
        let mut child = twite.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let _ = child.kill();
        let _ = child.wait();
        let started: Value = serde_json::from_str(&line).unwrap_or(json!(null));
        assert!(started["url"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:")), "{command}: {line}");
    }
}
