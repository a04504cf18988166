//! Sending despite any fault of X or the network: each item once, nothing given up without a definite refusal, and no
//! destination delays another.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use jiff::SignedDuration;
use twite::{
    app::{Notice, accounts, outbox},
    daemon::{Daemon, Settled},
    desk::{AccountState, Act, ConnectedAccount, ReasonKind, TicketId, Tokens, Viewer, declarations::Edition},
    sim::{Cut, Fault, Moment, NewPerson, NewPost, Sent, SentKind, SimHandle},
    store::Key,
};

use crate::support::owner::OwnerReads as _;
use crate::support::{TestDesk, inside, key, simulator};

const ANSWER: &str = r#"trigger "Answer" { on created when channel in (twitter, twitter_dm)
  then reply "Please see acme.com/help and write to me@acme.com. Ref {{ticket.id}}" }"#;
const UNLIMITED: &str = "[limits]\nreplies_per_person_per_hour = 1000\nreplies_per_account_per_hour = 100000\n";
const ADMINS: &str = "[[agent]]\nname = \"Ana\"\nemail = \"ana@acme.example\"\nadmin = true\n\
    [[agent]]\nname = \"Ben\"\nemail = \"ben@acme.example\"\nadmin = true\n\
    [[agent]]\nname = \"Cas\"\nemail = \"cas@acme.example\"\n";

const ALL_SCOPES: &[&str] =
    &["tweet.read", "tweet.write", "users.read", "dm.read", "dm.write", "like.read", "offline.access"];

const POST: &str = "POST /2/tweets";
const OWN_POSTS: &str = "GET /2/users/:id/tweets";
const SEND_DM: &str = "POST /2/dm_conversations/with/:participant_id/messages";
const DMS_WITH: &str = "GET /2/dm_conversations/with/:participant_id/dm_events";
const MENTIONS: &str = "GET /2/users/:id/mentions";

struct Desk {
    sim: SimHandle,
    daemon: Arc<Daemon>,
    directory: tempfile::TempDir,
}

impl Desk {
    async fn new(rules: &str) -> Self {
        let (sim, directory) = (simulator().await, tempfile::tempdir().unwrap());
        sim.make_user(&NewPerson::named("mira")).unwrap();
        let mail = format!("[mail]\nfrom = \"desk@acme.example\"\ndirectory = {:?}\n", directory.path().join("mail"));
        let extra = format!("edition = \"suite\"\n{UNLIMITED}{mail}{ADMINS}");
        let (daemon, _) = inside::daemon(directory.path(), &sim, &["acme"], rules, &extra).await;
        Self { sim, daemon, directory }
    }

    fn fault(&self, fault: Fault) {
        self.sim.fault(fault).unwrap();
    }

    fn mention(&self, text: &str) {
        self.sim.post(&NewPost { by: "mira".into(), text: format!("@acme {text}"), ..NewPost::default() }).unwrap();
    }

    fn dm(&self, text: &str) {
        self.sim.dm("mira", "acme", text).unwrap();
    }

    fn sent(&self) -> Vec<Sent> {
        self.sim.sent().into_iter().filter(|s| matches!(s.kind, SentKind::Post | SentKind::Dm)).collect()
    }

    /// State and kind of reason of each outbox item of a ticket.
    async fn outgoing(&self, ticket: i64) -> Vec<(String, Option<ReasonKind>)> {
        let left = self.daemon.store().outgoing(TicketId(ticket)).await.unwrap();
        left.into_iter().map(|left| (left.state, left.reason_kind)).collect()
    }

    /// Runs until idle, and checks that the only ticket has been answered once, with one comment.
    async fn answered_once(&self) {
        self.daemon.run_until_idle().await.unwrap();
        assert_eq!(self.sent().len(), 1, "{:?}", self.sent());
        assert_eq!(self.outgoing(1).await, [("sent".to_owned(), None)]);
        assert_eq!(self.daemon.store().comments(TicketId(1)).await.unwrap().len(), 2);
    }

    async fn account(&self) -> ConnectedAccount {
        self.daemon.store().accounts().await.unwrap().remove(0)
    }

    /// Connects the account again.
    async fn connect_again(&self) {
        self.connect_with(ALL_SCOPES, true).await;
    }

    /// Connects the account again, with these scopes. `tells`: X says which ones it granted.
    async fn connect_with(&self, scopes: &[&str], tells: bool) {
        let tokens = self.sim.connect_with("acme", scopes).unwrap();
        let again = ConnectedAccount { state: AccountState::Connected, ..self.account().await };
        let scopes = scopes.iter().filter(|_| tells).map(|scope| (*scope).to_owned()).collect();
        let tokens = Tokens { access: tokens.access_token, refresh: Some(tokens.refresh_token), expires: None, scopes };
        self.daemon.store().connect_with(&again, self.daemon.key(), &tokens).await.unwrap();
    }

    /// What does not work with the account, and why.
    async fn hindrances(&self) -> Vec<(String, String)> {
        let declared = &self.daemon.app().settings().accounts;
        let now = self.daemon.clock().now();
        let listed = accounts::list(Some(self.daemon.store()), (declared, Edition::Suite), now).await.unwrap();
        assert_eq!(listed[0].works(now), listed[0].hindrances.is_empty());
        listed.into_iter().flat_map(|account| account.hindrances).map(|h| (h.what, h.reason)).collect()
    }

    fn mails(&self, subject: &str) -> usize {
        let Ok(mails) = std::fs::read_dir(self.directory.path().join("mail")) else { return 0 };
        mails.filter(|mail| std::fs::read_to_string(mail.as_ref().unwrap().path()).unwrap().contains(subject)).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_that_fails_is_looked_up_and_made_again_for_as_long_as_it_takes() {
    for status in [500, 502, 504, 408] {
        let desk = Desk::new(ANSWER).await;
        desk.fault(Fault::on(POST).times(12).answer(status, ""));
        desk.mention("hello");
        desk.answered_once().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_for_now_leave_lookups_uncounted() {
    let desk = Desk::new(ANSWER).await;
    desk.fault(Fault::on(POST).times(15).answer(503, ""));
    desk.fault(Fault::on(POST).skip(15).cut(Cut::Before));
    desk.mention("hello");
    desk.answered_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_that_fails_is_no_answer() {
    for (cut, lookups) in [(Cut::Before, 503), (Cut::After, 503), (Cut::After, 429), (Cut::After, 403)] {
        let desk = Desk::new(ANSWER).await;
        desk.mention("hello");
        desk.fault(Fault::on(POST).cut(cut));
        // Polling uses the same endpoint, and consumes some of these faults.
        desk.fault(Fault::on(OWN_POSTS).times(40).answer(lookups, ""));
        desk.answered_once().await;
        let desk = Desk::new(ANSWER).await;
        desk.dm("hello");
        desk.fault(Fault::on(SEND_DM).cut(cut));
        desk.fault(Fault::on(DMS_WITH).times(20).answer(lookups, ""));
        desk.answered_once().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_tells_of_no_list_is_no_answer() {
    for body in ["{}", r#"{"errors":[{"title":"x"}]}"#, r#"{"data":null}"#, r#"{"data":{"id":"1"}}"#, "[]", "null", "5"]
    {
        let desk = Desk::new(ANSWER).await;
        desk.dm("hello");
        desk.fault(Fault::on(SEND_DM).cut(Cut::After));
        desk.fault(Fault::on("GET /2/dm_events").skip(1).times(30).answer(200, body));
        desk.fault(Fault::on(DMS_WITH).times(8).answer(200, body));
        desk.answered_once().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_x_lists_late_is_not_sent_again() {
    let desk = Desk::new(ANSWER).await;
    desk.dm("hello");
    desk.fault(Fault::on(SEND_DM).cut(Cut::After));
    let empty = r#"{"meta":{"result_count":0}}"#;
    desk.fault(Fault::on("GET /2/dm_events").skip(1).times(30).answer(200, empty));
    desk.fault(Fault::on(DMS_WITH).times(3).answer(200, empty));
    desk.answered_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_looked_up_where_polling_does_not_use_the_calls_up() {
    let desk = Desk::new(ANSWER).await;
    desk.sim.limit("GET /2/dm_events", 1).unwrap();
    desk.fault(Fault::on(SEND_DM).cut(Cut::After));
    desk.dm("hello");
    desk.answered_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_found_behind_hundreds_of_others() {
    let desk = Desk::new(ANSWER).await;
    desk.dm("hello");
    desk.fault(Fault::on(SEND_DM).cut(Cut::After));
    for n in 0..600 {
        desk.sim.make_user(&NewPerson::named(format!("other{n}"))).unwrap();
    }
    // Takes in the first message and sends the reply, whose response is lost.
    desk.fault(Fault::on(DMS_WITH).times(3).answer(503, ""));
    desk.fault(Fault::on("GET /2/dm_events").skip(1).times(1_000).answer(503, ""));
    desk.daemon.run_until_idle().await.unwrap();
    desk.sim.clear_faults();
    for n in 0..600 {
        desk.sim.dm("acme", &format!("other{n}"), "news for everybody").unwrap();
    }
    desk.daemon.run_until_idle().await.unwrap();
    let answers =
        desk.sim.sent().into_iter().filter(|s| s.text.as_deref().is_some_and(|t| t.contains("Ref 1"))).count();
    assert_eq!(answers, 1);
    assert_eq!(desk.outgoing(1).await, [("sent".to_owned(), None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn own_words_are_recognised_whatever_x_makes_of_them() {
    for endpoint in [POST, SEND_DM] {
        let desk = Desk::new(ANSWER).await;
        desk.fault(Fault::on(endpoint).cut(Cut::After));
        if endpoint == POST {
            desk.mention("hello")
        } else {
            desk.dm("hello")
        }
        desk.answered_once().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_of_what_may_have_arrived_has_arrived() {
    let desk = Desk::new(ANSWER).await;
    desk.mention("hello");
    desk.fault(Fault::on(POST).cut(Cut::After));
    // X does not show the post yet, neither to lookups nor to the polls in between.
    desk.fault(Fault::on(OWN_POSTS).times(4).answer(200, r#"{"meta":{"result_count":0}}"#));
    desk.answered_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_that_makes_no_sense_parks_nothing() {
    for reset in ["99999999999", "1900000000000", "0", "-5", "abc", ""] {
        let desk = Desk::new(ANSWER).await;
        let limited = Fault::on(POST).answer(429, "").header("x-rate-limit-remaining", "0");
        desk.fault(limited.header("x-rate-limit-reset", reset));
        desk.mention("hello");
        desk.daemon.run_until_idle().await.unwrap();
        desk.answered_once().await;
        let waited = desk.daemon.clock().furthest().duration_since(desk.sim.now());
        assert!(waited < SignedDuration::from_hours(24), "{reset}: {waited}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_refuses_the_account_or_the_app_pauses_it_and_refuses_nothing() {
    // A weekend without credit, and shorter times for the others; each attempt fails twice with 401, the second time
    // after a token refresh.
    for (status, times, hours, body) in [
        (402, 250, 60, r#"{"title":"Payment Required","detail":"credits depleted","status":402}"#),
        (401, 20, 1, r#"{"title":"Unauthorized","status":401}"#),
        (403, 10, 1, r#"{"type":"https://api.x.com/2/problems/client-forbidden","detail":"not enrolled"}"#),
        (403, 10, 1, r#"{"title":"Forbidden","type":"about:blank","status":403,"detail":"Forbidden"}"#),
    ] {
        let desk = Desk::new(ANSWER).await;
        desk.fault(Fault::on(POST).times(times).answer(status, body));
        desk.mention("hello");
        desk.mention("and again");
        desk.daemon.run_until_idle().await.unwrap();
        let waited = desk.daemon.clock().furthest().duration_since(desk.sim.now());
        assert!(waited > SignedDuration::from_hours(hours), "{status}: {waited}");
        assert_eq!(desk.sent().len(), 2, "{status}");
        assert_eq!(desk.account().await.state, AccountState::Connected);
        assert!(desk.daemon.store().pauses().await.unwrap().is_empty());
        assert_eq!((desk.mails("stopped working"), desk.mails("works again")), (2, 2), "{status}: one for each admin");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_are_refused_say_nothing_of_the_grant() {
    let desk = Desk::new(ANSWER).await;
    desk.fault(Fault::on(MENTIONS).times(6).answer(401, r#"{"title":"Unauthorized","status":401}"#));
    desk.mention("hello");
    desk.daemon.run_until_idle().await.unwrap();
    assert_eq!(desk.account().await.state, AccountState::Connected);
    for _ in 0..3 {
        desk.daemon.run_until_idle().await.unwrap();
    }
    desk.answered_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_account_goes_out_when_it_is_connected_again() {
    let desk = Desk::new(ANSWER).await;
    desk.mention("hello");
    // The mention is read, and then the grant is revoked.
    desk.fault(Fault::on(POST).answer(503, ""));
    let revoked = desk.sim.post(&NewPost { by: "mira".into(), text: "@acme two".into(), ..NewPost::default() });
    revoked.unwrap();
    desk.daemon.run_until_idle().await.unwrap();
    desk.sim.revoke("acme").unwrap();
    desk.mention("three");
    for _ in 0..3 {
        desk.daemon.run_until_idle().await.unwrap();
    }
    assert_eq!(desk.account().await.state, AccountState::Unauthorised);
    let hindrances = desk.daemon.store().hindrances().await.unwrap();
    let said: Vec<_> = hindrances.iter().map(|hindrance| (hindrance.what.as_str(), hindrance.next)).collect();
    assert_eq!(said, [("grant", None)]);
    assert_eq!(desk.mails("stopped working"), 2);
    desk.mention("four");
    desk.connect_again().await;
    desk.daemon.run_until_idle().await.unwrap();
    assert_eq!(desk.sent().len(), 4);
    assert_eq!((desk.mails("stopped working"), desk.mails("works again")), (2, 2));
    // Again and again in the same instant, as no message drives the clock.
    for mails in [4, 6] {
        desk.sim.revoke("acme").unwrap();
        for _ in 0..3 {
            desk.daemon.run_until_idle().await.unwrap();
        }
        desk.connect_again().await;
        // The last poll of a run may queue a mail, which the next one sends.
        for _ in 0..2 {
            desk.daemon.run_until_idle().await.unwrap();
        }
        assert_eq!((desk.mails("stopped working"), desk.mails("works again")), (mails, mails));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_tokens_are_used_at_once_also_while_the_old_ones_count_as_good() {
    let desk = Desk::new(ANSWER).await;
    desk.connect_with(&["tweet.read", "users.read", "dm.read", "like.read", "offline.access"], false).await;
    desk.mention("hello");
    desk.dm("hello");
    desk.daemon.run_until_idle().await.unwrap();
    assert_eq!(desk.sent(), []);
    for ticket in [1, 2] {
        assert_eq!(desk.outgoing(ticket).await, [("waiting".to_owned(), Some(ReasonKind::NotAllowed))]);
    }
    let stopped: Vec<_> = desk.hindrances().await.into_iter().map(|(what, _)| what).collect();
    assert_eq!(stopped.len(), 2, "{stopped:?}");
    assert!(stopped.contains(&"sending posts".to_owned()) && stopped.contains(&"sending messages".to_owned()));
    desk.connect_again().await;
    desk.daemon.run_until_idle().await.unwrap();
    assert_eq!(desk.sent().len(), 2);
    assert_eq!(desk.hindrances().await, []);
    assert_eq!((desk.mails("stopped working"), desk.mails("works again")), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_was_not_granted_holds_what_needs_it_and_nothing_is_asked_of_x() {
    let desk = Desk::new(ANSWER).await;
    desk.connect_with(&["tweet.read", "tweet.write", "users.read", "dm.read", "like.read"], true).await;
    let missing =
        "scope `dm.write` was not granted; `allow_replies = true` needs it; run `twite accounts reauthorise acme`";
    assert_eq!(desk.hindrances().await, [("sending messages".to_owned(), missing.to_owned())]);
    desk.mention("hello");
    desk.dm("hello");
    desk.daemon.run_until_idle().await.unwrap();
    assert_eq!(desk.sent().len(), 1, "the post is sent");
    let now = desk.daemon.clock().now();
    let held = outbox::waiting(desk.daemon.store(), Viewer::Owner, &desk.daemon.app().settings().accounts, now).await;
    let held: Vec<_> = held.unwrap().into_iter().map(|waiting| waiting.held.unwrap()).collect();
    assert!(held.len() == 1 && held[0].until.is_none() && held[0].reason.contains(missing), "{held:?}");
    desk.connect_again().await;
    assert_eq!(desk.hindrances().await, []);
    desk.daemon.run_until_idle().await.unwrap();
    assert_eq!(desk.sent().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_x_does_not_know_for_once_is_tried_again() {
    for status in [400, 401] {
        let desk = Desk::new(ANSWER).await;
        desk.fault(Fault::on("POST /2/oauth2/token").answer(status, r#"{"error":"invalid_client"}"#));
        desk.fault(Fault::on(POST).answer(401, r#"{"title":"Unauthorized","status":401}"#));
        desk.mention("hello");
        desk.answered_once().await;
        assert_eq!(desk.account().await.state, AccountState::Connected);
        assert_eq!(desk.hindrances().await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_retried_and_now_needs_a_person_is_told_again() {
    let desk = Desk::new(ANSWER).await;
    let mut told = desk.daemon.notices().listen();
    let mut troubles = move || {
        let mut troubles = vec![];
        while let Ok(notice) = told.try_recv() {
            troubles.extend(matches!(notice, Notice::Trouble { .. }).then(|| notice.to_string()));
        }
        troubles
    };
    // Both the call and the refresh that follows it are refused.
    desk.fault(Fault::on(MENTIONS).times(6).answer(401, r#"{"title":"Unauthorized","status":401}"#));
    for _ in 0..3 {
        desk.daemon.run_until_idle().await.unwrap();
    }
    let first = troubles();
    assert!(first.len() == 1 && first[0].contains("is paused, and is retried"), "{first:?}");
    assert_eq!(desk.mails("stopped working"), 2);
    desk.sim.revoke("acme").unwrap();
    for _ in 0..3 {
        desk.daemon.run_until_idle().await.unwrap();
    }
    let then = troubles();
    assert!(then.len() == 1 && then[0].contains("Run `twite accounts reauthorise acme`"), "{then:?}");
    assert_eq!(desk.mails("stopped working"), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_says_no_is_not_x() {
    for status in [302, 403, 404, 407, 413] {
        let desk = Desk::new(ANSWER).await;
        desk.fault(Fault::on(POST).times(3).answer(status, "<html>not from here</html>"));
        desk.mention("hello");
        desk.answered_once().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_one_reply_are_one_thread() {
    let rules = r#"trigger "Two" { on created then reply "Part 1/2 {{ticket.id}}" reply "Part 2/2 {{ticket.id}}" }"#;
    let desk = Desk::new(rules).await;
    desk.mention("hello");
    desk.daemon.run_until_idle().await.unwrap();
    let sent = desk.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1].in_reply_to.as_deref(), Some(sent[0].id.as_str()));
    let counts = desk.daemon.store().counts().await.unwrap();
    assert_eq!((counts.tickets, counts.sent), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_whose_earlier_one_was_refused_is_not_sent() {
    let rules = r#"trigger "Two" { on created then reply "Part 1/2 {{ticket.id}}" reply "Part 2/2 {{ticket.id}}" }"#;
    let desk = Desk::new(rules).await;
    let body = r#"{"title":"Forbidden","status":403,"detail":"You are not allowed to create a Tweet with duplicate content."}"#;
    desk.fault(Fault::on(POST).answer(403, body));
    desk.mention("hello");
    desk.daemon.run_until_idle().await.unwrap();
    assert_eq!(desk.sent().len(), 0);
    let refused = |kind| ("refused".to_owned(), Some(kind));
    assert_eq!(desk.outgoing(1).await, [refused(ReasonKind::Duplicate), refused(ReasonKind::EarlierPart)]);
    let left = desk.daemon.store().outgoing(TicketId(1)).await.unwrap();
    let why = left[1].reason.as_deref().unwrap();
    assert!(
        why.starts_with("the earlier part of this reply was refused") && why.contains("duplicate content"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_is_dead_is_told_once_whichever_endpoint_hears_it() {
    let sim = simulator().await;
    sim.make_user(&NewPerson::named("mira")).unwrap();
    let mails = tempfile::tempdir().unwrap();
    let mail = format!("[mail]\nfrom = \"desk@acme.example\"\ndirectory = {:?}\n{ADMINS}", mails.path());
    let desk = TestDesk::on(sim, &["acme"], ANSWER, &mail).await;
    desk.sim.revoke("acme").unwrap();
    let _served = desk.serve();
    let store = desk.store().await;
    while store.accounts().await.unwrap()[0].state == AccountState::Connected {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    desk.quiet().await;
    assert_eq!(std::fs::read_dir(mails.path()).unwrap().count(), 2, "one for each admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_nothing_is_not_sent_and_the_ticket_says_so() {
    // Actions, and the outcome of each: an empty reply is neither sent nor added as a comment.
    for (actions, left, comments) in [
        (r#"reply "{{ticket.priority}}""#, vec![("refused", Some(ReasonKind::Empty))], 1),
        (r#"reply " {{ticket.priority}}{{ticket.assignee}} ""#, vec![("refused", Some(ReasonKind::Empty))], 1),
        (r#"note "{{ticket.priority}}""#, vec![("refused", Some(ReasonKind::Empty))], 1),
        (r#"note "seen""#, vec![], 2),
        (
            r#"reply "{{ticket.priority}}" reply "Thanks {{ticket.id}}""#,
            vec![("refused", Some(ReasonKind::Empty)), ("sent", None)],
            2,
        ),
    ] {
        let desk = Desk::new(&format!("trigger \"T\" {{ on created then {actions} }}")).await;
        desk.mention("hello");
        let mut told = desk.daemon.notices().listen();
        desk.daemon.run_until_idle().await.unwrap();
        let left: Vec<_> = left.into_iter().map(|(state, kind)| (state.to_owned(), kind)).collect();
        assert_eq!(desk.outgoing(1).await, left, "{actions}");
        assert_eq!(desk.daemon.store().comments(TicketId(1)).await.unwrap().len(), comments, "{actions}");
        let ticket = desk.daemon.store().ticket(TicketId(1)).await.unwrap().unwrap();
        assert_eq!(ticket.comments, i64::try_from(comments).unwrap(), "{actions}");
        let empty = left.iter().filter(|(_, kind)| *kind == Some(ReasonKind::Empty)).count();
        let mut said = 0;
        while let Ok(notice) = told.try_recv() {
            said += usize::from(notice.to_string().contains("refused: its text is empty"));
        }
        assert_eq!(said, empty, "{actions}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settling_ends_where_x_never_works() {
    for (endpoint, status) in [(POST, 503), (POST, 500), (SEND_DM, 402)] {
        let desk = Desk::new(ANSWER).await;
        desk.fault(Fault::on(endpoint).times(100_000).answer(status, ""));
        if endpoint == POST {
            desk.mention("hello");
        } else {
            desk.dm("hello");
        }
        let mut told = desk.daemon.notices().listen();
        assert_eq!(desk.daemon.run_until_idle().await.unwrap(), Settled::Left(1), "{endpoint} {status}");
        let mut said = String::new();
        while let Ok(notice) = told.try_recv() {
            said = notice.to_string();
        }
        assert!(
            said.starts_with("1 effect is left in the outbox") && said.contains("failed attempts in a row: "),
            "{said}"
        );
        desk.sim.clear_faults();
        desk.answered_once().await;
    }
}

/// A server that accepts connections and never answers. Returns its address and the number of connections.
async fn silent() -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, came) =
        (format!("127.0.0.1:{}", listener.local_addr().unwrap().port()), Arc::new(AtomicUsize::new(0)));
    let counted = came.clone();
    tokio::spawn(async move {
        let mut open = vec![];
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address, came)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_and_a_mail_server_that_hang_delay_nobody_else_and_no_end() {
    let ((hook, hooks), (server, servers)) = (silent().await, silent().await);
    let rules = r#"trigger "A" { on created then webhook "crm" webhook "other" notify agent "Ana" { subject "S" body "B" } reply "Thanks {{ticket.id}}" }"#;
    let extra = format!(
        "{UNLIMITED}[[webhook]]\nname = \"crm\"\nurl = \"http://{hook}/\"\n[[webhook]]\nname = \"other\"\nurl = \"http://{hook}/\"\n\
         [mail]\nfrom = \"desk@acme.example\"\nserver = \"{server}\"\nsecurity = \"none\"\n{ADMINS}"
    );
    let sim = simulator().await;
    sim.make_user(&NewPerson::named("mira")).unwrap();
    let desk = TestDesk::on(sim, &["acme"], rules, &extra).await;
    let mut served = desk.serve();
    for n in 0..10 {
        desk.sim.post(&NewPost { by: "mira".into(), text: format!("@acme {n}"), ..NewPost::default() }).unwrap();
    }
    desk.until("all replies", |counts, _| counts.sent == 10).await;
    // Each of the three deliveries is still its first attempt or a retry; without lanes, there would be thirty
    // connections.
    let met = (hooks.load(Ordering::SeqCst), servers.load(Ordering::SeqCst));
    assert!(met.0 < 10 && met.1 < 5, "{met:?}");
    let ended = std::process::Command::new("kill").args(["-TERM", &served.pid().to_string()]).status().unwrap();
    assert!(ended.success());
    while served.runs() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let log = std::fs::read_to_string(desk.log()).unwrap();
    assert!(log.contains("a delivery is still in progress"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_fails_is_told_at_first_when_it_lasts_and_when_it_works_again() {
    let rules = r#"trigger "A" { on created then notify agent "Ana" { subject "S" body "B" } }"#;
    let desk = Desk::new(rules).await;
    let mut told = desk.daemon.notices().listen();
    let mut said = move || {
        let mut said = vec![];
        while let Ok(notice) = told.try_recv() {
            if matches!(notice, Notice::Failing { .. } | Notice::Trouble { .. } | Notice::Mended { .. }) {
                said.push(notice.to_string());
            }
        }
        said
    };
    // A file in the place of the directory of mails.
    let mail = desk.directory.path().join("mail");
    std::fs::write(&mail, "").unwrap();
    desk.mention("hello");
    assert!(matches!(desk.daemon.run_until_idle().await.unwrap(), Settled::Left(1) | Settled::Idle));
    let failing = said();
    assert!(failing[0].starts_with("sending to mail: mail: ") && failing[0].ends_with("(retrying)"), "{failing:?}");
    assert!(failing[1].ends_with("(failed 4 times, retrying)"), "{failing:?}");
    std::fs::remove_file(&mail).unwrap();
    // The outbox says until when it waits; whoever has mended the server need not.
    let (store, accounts) = (desk.daemon.store(), &desk.daemon.app().settings().accounts);
    let now = desk.daemon.clock().now();
    let waiting = async || outbox::waiting(store, Viewer::Owner, accounts, now).await.unwrap().remove(0);
    let item = waiting().await;
    let held = item.held.unwrap();
    assert!(held.reason.starts_with("mail does not work since ") && held.until.is_some(), "{held:?}");
    assert!(!desk.daemon.send_next().await.unwrap());
    store.intervene(Viewer::Owner, item.queued.id, Act::Resend, "Ana", None, now).await.unwrap();
    assert_eq!(waiting().await.held, None);
    assert!(desk.daemon.send_next().await.unwrap());
    let mended = said();
    assert!(mended.iter().any(|said| said.starts_with("mail responds again after ")), "{mended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_x_renews_while_the_daemon_stops_are_stored() {
    const UNAUTHORIZED: &str = r#"{"title":"Unauthorized","status":401}"#;
    let sim = simulator().await;
    sim.make_user(&NewPerson::named("mira")).unwrap();
    let desk = TestDesk::on(sim, &["acme"], ANSWER, "").await;
    let mention = |text: &str| {
        desk.sim.post(&NewPost { by: "mira".into(), text: format!("@acme {text}"), ..NewPost::default() }).unwrap();
    };
    // X refuses the token when the reply is sent, so that it is refreshed.
    desk.sim.fault(Fault::on(POST).answer(401, UNAUTHORIZED)).unwrap();
    mention("hello");
    let mut sightings = desk.sim.watch();
    let mut served = desk.serve();
    let refreshed = loop {
        let sighting = sightings.recv().await.unwrap();
        if sighting.endpoint == "POST /2/oauth2/token" && sighting.moment == Moment::After {
            break sighting;
        }
        sighting.release();
    };
    let ended = std::process::Command::new("kill").args(["-TERM", &served.pid().to_string()]).status().unwrap();
    assert!(ended.success());
    // Longer than any other request may take after that.
    tokio::time::sleep(std::time::Duration::from_secs(7)).await;
    assert!(served.runs());
    drop((refreshed, sightings));
    while served.runs() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    // The next daemon has to refresh them again, which X refuses for a token that was used before.
    desk.sim.fault(Fault::on(MENTIONS).answer(401, UNAUTHORIZED)).unwrap();
    mention("again");
    let _served = desk.serve();
    desk.until("both answers", |counts, _| counts.sent == 2).await;
    assert_eq!(desk.store().await.accounts().await.unwrap()[0].state, AccountState::Connected);
}

/// A webhook that answers with this status, and hands over what it was sent.
async fn hook(status: u16) -> (String, tokio::sync::mpsc::UnboundedReceiver<(axum::http::HeaderMap, String)>) {
    let (calls, called) = tokio::sync::mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let app = axum::Router::new().fallback(async move |headers: axum::http::HeaderMap, body: String| {
        calls.send((headers, body)).unwrap();
        axum::http::StatusCode::from_u16(status).unwrap()
    });
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, called)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_with_a_key_is_signed_and_waits_while_the_key_is_not_set() {
    let sim = simulator().await;
    sim.make_user(&NewPerson::named("mira")).unwrap();
    let (url, mut called) = hook(204).await;
    let rules = r#"trigger "A" { on created then webhook "crm" { body "{}" } }"#;
    let extra = format!("[[webhook]]\nname = \"crm\"\nurl = \"{url}\"\nkey_env = \"TWITE_TEST_HOOK_KEY\"\n");
    let desk = TestDesk::on(sim, &["acme"], rules, &extra).await;
    desk.sim.post(&NewPost { by: "mira".into(), text: "@acme hello".into(), ..NewPost::default() }).unwrap();
    let mut served = desk.serve();
    let not_set = "environment variable `TWITE_TEST_HOOK_KEY` is not set; it must contain the key of the webhook `crm`";
    let log = desk.logged(&format!("{not_set}; until then, what is sent there waits")).await;
    assert!(log.lines().any(|line| line.contains("ERROR") && line.contains(not_set)), "{log}");
    let store = desk.store().await;
    let waits = loop {
        let queued = store.queued().await.unwrap();
        if let Some(reason) = queued.into_iter().find_map(|queued| queued.reason) {
            break reason;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!(waits, not_set);
    assert!(called.try_recv().is_err(), "nothing is sent without a signature");
    served.kill();
    let _served = desk.serve_with(&[("TWITE_TEST_HOOK_KEY", "Jefe")]);
    let (headers, body) = called.recv().await.unwrap();
    // The base64 of `echo -n '{}' | openssl dgst -sha256 -hmac Jefe -binary`.
    let signed = headers["twite-signature"].to_str().unwrap();
    assert_eq!((signed, body.as_str()), ("sha256=e7euhwGMP7i5voZqw53qK8wa0skHwxS7ytBZve7lkdY=", "{}"));
    desk.logged("ticket 1: webhook sent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_are_mailed_once_when_a_scope_is_missing_and_once_when_it_is_granted() {
    let sim = simulator().await;
    let mails = tempfile::tempdir().unwrap();
    let extra = format!("[mail]\nfrom = \"desk@acme.example\"\ndirectory = {:?}\n{ADMINS}", mails.path());
    let desk = TestDesk::on(sim, &["acme"], ANSWER, &extra).await;
    let connect = async |scopes: &[&str]| {
        let store = desk.store().await;
        let tokens = desk.sim.connect_with("acme", scopes).unwrap();
        let account = store.accounts().await.unwrap().remove(0);
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let tokens = Tokens { access: tokens.access_token, refresh: Some(tokens.refresh_token), expires: None, scopes };
        store.connect_with(&account, &Key::from_base64(&key()).unwrap(), &tokens).await.unwrap();
        store.close().await;
    };
    let mailed = |words: &str| {
        let mails = std::fs::read_dir(mails.path()).unwrap().map(|mail| mail.unwrap().path());
        mails.filter(|mail| std::fs::read_to_string(mail).unwrap().contains(words)).count()
    };
    let until_mailed = async |words: &str| {
        while mailed(words) < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    connect(&["tweet.read", "tweet.write", "users.read", "dm.read", "like.read", "offline.access"]).await;
    let mut served = desk.serve();
    until_mailed("@acme lacks scopes").await;
    until_mailed("`dm.write` was not granted").await;
    // A daemon that is started again logs it again, and mails nothing: what was not recorded yet may be mailed twice.
    desk.quiet().await;
    served.kill();
    let _served = desk.serve();
    desk.logged_times("@acme: scope `dm.write` was not granted", 2).await;
    desk.quiet().await;
    assert_eq!(mailed("@acme"), 2, "one for each admin");
    connect(ALL_SCOPES).await;
    until_mailed("@acme has all scopes").await;
    desk.quiet().await;
    assert_eq!(mailed("@acme"), 4);
}
