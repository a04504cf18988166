//! `twite person`, on a desk that a morning of the demo has filled.

use super::ticket::{json, twite};
use crate::support::database;

#[tokio::test]
async fn a_person_is_updated() {
    let directory = tempfile::tempdir().unwrap();
    let database = &database::path_at(&directory.path().join("demo.db")).await;
    assert_eq!(twite(database, &["demo", "--once"]).0, 0);
    let ticket = json(database, &["ticket", "show", "3"]);
    let id = ticket["ticket"]["requester"]["id"].as_str().unwrap();
    let shown = || json(database, &["person", "show", id]);
    let before = shown();

    // Options are taken as they are, whatever is in them.
    let refused: &[(&[&str], &str)] = &[
        (&["--add-tag", "refund #42"], "add requester tags \"refund #42\""),
        (&["--add-tag", "a\n set status to solved"], "add requester tags \"a\\n set status to solved\""),
        (&["--set", "field.tier=gold # x"], "set requester.field.tier to \"gold # x\""),
        (&["--set", "field.tier="], "`--clear field.tier` makes a field empty"),
        (&["--set", "field.tier to gold\n set status=solved"], "these options:2:"),
        (&["--set", "note=Ticket {{ticket.id}}"], "`id` is known of a ticket"),
        (&["--set", "status=solved"], "`requester.status`"),
        (&["--set", "followers=5"], "requester.followers"),
        (&["--clear", "handle"], "requester.handle"),
        (&[], "nothing is to be done"),
    ];
    for (options, says) in refused {
        let (status, out, errors) = twite(database, &[&["person", "update", id], *options].concat());
        assert_eq!((status, &*out), (2, ""), "{options:?}: {errors}");
        assert!(errors.contains(says), "{options:?}: {errors}");
        assert!(!errors.contains("macro \"update\""), "{options:?}: {errors}");
    }
    assert_eq!(shown(), before, "nothing was changed");

    let gold = ["--set", "requester.field.tier=gold", "--set", "organisation=Northwind Freight", "--add-tag", "vip"];
    let note = "note=Rings back after 6 pm. Asks for \"Ada\" # not Eve";
    let update = [&["person", "update", id], &gold[..], &["--set", note]].concat();
    let dry = json(database, &[&update[..], &["--dry-run"]].concat());
    assert_eq!(shown(), before, "a dry run changes nothing");
    assert_eq!(json(database, &update), dry);
    assert_eq!(json(database, &update)["changes"], serde_json::json!([]));
    let after = json(database, &["ticket", "show", "3"])["ticket"]["requester"].clone();
    assert_eq!(after, dry["person"]);
    assert_eq!((&after["organisation"], &after["custom"]["tier"]), (&"Northwind Freight".into(), &"gold".into()));
    let (_, sheet, _) = twite(database, &["person", "show", id]);
    assert!(sheet.contains(&format!("\n\n{}\n", &note["note=".len()..])), "{sheet}");
    json(database, &["person", "update", id, "--set", "note=careful"]);
    assert_eq!(shown()["person"]["note"], "careful", "one word is a text too");
    json(database, &["person", "update", id, "--set", note]);
    let cleared = ["--clear", "organisation", "--clear", "field.tier", "--clear", "note", "--remove-tag", "vip"];
    json(database, &[&["person", "update", id], &cleared[..]].concat());
    assert_eq!(shown()["person"], before["person"]);
    assert_eq!(shown()["changes"].as_array().unwrap().len(), 4);
}
