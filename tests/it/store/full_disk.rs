//! A full disk, where the test may mount a small file system; elsewhere, `src/store/tests.rs` simulates one.

use std::{fs, path::Path, process::Command, time::Duration};

use crate::support::{TestDesk, owner::OwnerReads as _};
use twite::{
    sim::{NewPerson, NewPost},
    store::Store,
};

const RULES: &str = "trigger \"Answer\" {\n  on created\n  then add tags answered\n}\n";

/// A small file system, unmounted on drop.
struct Mounted<'p>(&'p Path);

impl<'p> Mounted<'p> {
    fn at(path: &'p Path) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(path).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(path))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

/// Waits until there are this many tickets.
async fn tickets(store: &Store, desk: &TestDesk, most: i64) {
    for _ in 0..1200 {
        if store.counts().await.is_ok_and(|counts| counts.tickets == most) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never {most} tickets:\n{}", fs::read_to_string(desk.log()).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_survived_without_a_restart_and_said_once() {
    // Needs a SQLite file on its own file system.
    if crate::support::database::server().is_some() {
        return;
    }
    let desk = TestDesk::new(&["acme"], RULES, "[store]\nurl = \"sqlite:small/twite.db\"\n").await;
    let small = desk.rules().join("small");
    let Some(_mounted) = Mounted::at(&small) else {
        eprintln!("skipped: mounting a file system needs more rights");
        return;
    };
    fs::copy(desk.rules().join("twite.db"), small.join("twite.db")).unwrap();
    desk.sim.make_user(&NewPerson::named("ana")).unwrap();
    let store = Store::open(&small.join("twite.db")).await.unwrap();
    let mut served = desk.serve();
    let say = |n: usize| {
        desk.sim.post(&NewPost { by: "ana".into(), text: format!("@acme {n}"), ..NewPost::default() }).unwrap();
    };
    let full = |fill: bool| {
        let filler = small.join("filler");
        if fill {
            let _ = fs::write(&filler, vec![0; 4 << 20]);
        } else {
            fs::remove_file(&filler).unwrap();
        }
    };
    say(0);
    tickets(&store, &desk, 1).await;
    for round in 1..=2 {
        full(true);
        (1..=20).for_each(|n| say(round * 100 + n));
        desk.logged_times("database error: ", round).await;
        full(false);
        desk.logged_times("the database works again", round).await;
        tickets(&store, &desk, i64::try_from(round * 20 + 1).unwrap()).await;
    }
    assert!(served.runs());
    let log = fs::read_to_string(desk.log()).unwrap();
    let loud = |line: &&str| line.contains("ERROR") || line.contains("WARN");
    assert!(log.lines().filter(loud).count() <= 8, "no flood:\n{log}");
}
