//! What befalls an account, the app or the machine is told once, as what it is, with what to do about it.

use std::{fs, path::Path, time::Duration};

use twite::sim::{AccountChange, Fault, Outage};

use crate::support::{TestDesk, simulator};

const ADMIN: &str =
    "[[group]]\nname = \"Support\"\n[[agent]]\nname = \"Maya\"\nadmin = true\nemail = \"maya@acme.example\"\n";

/// A desk with two accounts, and the directory of its mails.
async fn desk() -> (TestDesk, tempfile::TempDir) {
    let mails = tempfile::tempdir().unwrap();
    let extra = format!("[mail]\nfrom = \"desk@acme.example\"\ndirectory = {:?}\n{ADMIN}", mails.path());
    let rules = "trigger \"Tag\" { on created then add tags seen }\n";
    (TestDesk::on(simulator().await, &["acme", "bikes"], rules, &extra).await, mails)
}

fn mailed(mails: &Path, words: &str) -> usize {
    let mails = fs::read_dir(mails).unwrap().map(|mail| fs::read_to_string(mail.unwrap().path()).unwrap_or_default());
    // Mails are wrapped.
    mails.filter(|mail| mail.replace("=\r\n", "").contains(words)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_befalls_the_app_is_one_incident() {
    for (outage, what, remedy) in [
        (Outage::Credits, "the app's credits are used up: credits depleted", "Add credits in X's developer console"),
        (Outage::SpendCap, "the app's cap on spending or usage is reached", "Raise the cap in X's developer console"),
        (Outage::AppSuspended, "X does not admit the app: This app is suspended", "how to appeal or enroll"),
    ] {
        let (desk, mails) = desk().await;
        let _served = desk.serve();
        desk.quiet().await;
        desk.sim.set_outage(Some(outage));
        for account in ["acme", "bikes"] {
            let log = desk.logged(&format!("@{account}: X refused: {what}")).await;
            assert!(log.contains(remedy) && log.contains("This concerns all accounts of the app"), "{log}");
        }
        desk.sim.set_outage(None);
        for account in ["acme", "bikes"] {
            desk.logged(&format!("@{account} works again; waiting effects are sent now")).await;
        }
        while mailed(mails.path(), "works again") == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        desk.quiet().await;
        assert_eq!((mailed(mails.path(), "stopped working"), mailed(mails.path(), "works again")), (1, 1), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_locked_is_told_to_sign_in() {
    let (desk, mails) = desk().await;
    let _served = desk.serve();
    desk.quiet().await;
    let locked = Fault::on("GET /2/users/:id/mentions").times(1).answer(
        403,
        r#"{"title":"Forbidden","detail":"To protect our users, your account is temporarily locked.","status":403}"#,
    );
    desk.sim.fault(locked).unwrap();
    let log = desk.logged("the account is locked or suspended").await;
    assert!(log.contains("Sign in to X as @"), "{log}");
    desk.logged("works again; waiting effects are sent now").await;
    while mailed(mails.path(), "works again") == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(mailed(mails.path(), "stopped working"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_refused_to_everybody_are_no_proof() {
    let (desk, mails) = desk().await;
    let _served = desk.serve();
    desk.quiet().await;
    desk.sim.set_outage(Some(Outage::Unauthorized));
    desk.logged("@acme: X refused: authorization refused").await;
    desk.sim.set_outage(None);
    desk.logged("@acme works again; waiting effects are sent now").await;
    desk.quiet().await;
    assert_eq!(mailed(mails.path(), "stopped working"), mailed(mails.path(), "works again"));
    // A suspended account is refused alone.
    desk.sim.change_account("bikes", &AccountChange { suspended: Some(true), ..AccountChange::default() }).unwrap();
    desk.logged("@bikes: X refused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_is_told_and_when_it_is_right_again() {
    let (desk, _mails) = desk().await;
    let now = desk.sim.now();
    desk.sim.set_clock(now.checked_add(jiff::SignedDuration::from_mins(10)).unwrap());
    let _served = desk.serve();
    let log = desk.logged("the clock of this machine is ").await;
    assert!(log.contains(" s behind X's: automations, business hours"), "{log}");
    desk.sim.set_clock(twite::clock::Clock::Wall.now());
    let log = desk.logged("the clock of this machine agrees with X's again").await;
    assert_eq!(log.matches("the clock of this machine is ").count(), 1, "{log}");
}
