//! `twite agents`: who is away, and who may say so.

use super::ticket::{json, twite};
use crate::support::database;

#[tokio::test]
async fn agents_are_away_until_a_day_or_until_they_are_back() {
    let directory = tempfile::tempdir().unwrap();
    let database = &database::path_at(&directory.path().join("demo.db")).await;
    assert_eq!(twite(database, &["demo", "--once"]).0, 0);
    let away = || {
        let agents = json(database, &["agents"]);
        let away = agents.as_array().unwrap().iter().filter(|agent| !agent["away"].is_null());
        away.map(|agent| format!("{} {}", agent["name"].as_str().unwrap(), agent["away"]["until"])).collect::<Vec<_>>()
    };
    assert_eq!(away(), [""; 0]);
    let (status, text, _) = twite(database, &["agents", "away", "maya lindqvist"]);
    assert_eq!(
        (status, &*text),
        (0, "Maya Lindqvist is away until further notice, and is passed over in assignments\n")
    );
    assert_eq!(away(), ["Maya Lindqvist null"]);
    let until = ["agents", "away", "Maya Lindqvist", "--until", "2199-12-24T12:00:00Z"];
    assert_eq!(twite(database, &until).0, 0);
    assert_eq!(away(), ["Maya Lindqvist \"2199-12-24T12:00:00Z\""]);
    let (_, table, _) = twite(database, &["agents"]);
    assert!(table.contains("Social, Social VIP  until 2199-12-24 12:00Z"), "{table}");

    // Maya is an admin, Tomás is not.
    let by = |by: &str, what: &[&str]| twite(database, &[&["agents"], what, &["--as", by]].concat());
    assert_eq!(by("Maya Lindqvist", &["away", "Tomás Rey", "--until", "2199-12-24"]).0, 0);
    assert_eq!(by("Tomás Rey", &["back", "Tomás Rey"]).1, "Tomás Rey is back\n");
    assert_eq!(by("Tomás Rey", &["back", "Tomás Rey"]).1, "Tomás Rey was not away\n");
    for (what, says) in [
        (&["back", "Maya Lindqvist"][..], "only an admin says of others that they are away or back"),
        (&["away", "Maya Lindqvist"], "`Tomás Rey` can only say so of themselves"),
        (&["away", "Maya Lindquist"], "did you mean `Maya Lindqvist`?"),
        (&["away", "Tomás Rey", "--until", "24.12.2199"], "write the last day, as in `2026-12-24`"),
        (&["away", "Tomás Rey", "--until", "2020-12-24"], "is in the past"),
    ] {
        let (status, out, errors) = by("Tomás Rey", what);
        assert_eq!((status, &*out), (2, ""), "{what:?}: {errors}");
        assert!(errors.contains(says), "{what:?}: {errors}");
    }
    assert_eq!(away(), ["Maya Lindqvist \"2199-12-24T12:00:00Z\""]);
}
