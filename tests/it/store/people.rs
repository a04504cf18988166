//! People and the authors of comments are kept under the id that they have at X or as senders of mail.

use proptest::{collection, prelude::*};
use tokio::runtime::Runtime;
use twite::{
    desk::{Actor, Author, CommentSource, Delivery, Person, SourceId, Ticket, Viewer},
    store::{NewComment, TicketKey},
};

use super::{store, x};
use crate::support::owner::OwnerReads as _;

fn source() -> impl Strategy<Value = SourceId> {
    let text = prop_oneof!["[0-9]{1,19}", "[A-Za-z0-9.]{0,6}[a-zA-Z0-9ö]@[a-z0-9]{1,4}\\.example"];
    text.prop_filter_map("no id", |text| text.parse().ok())
}

fn person(id: &SourceId, name: String) -> Person {
    Person { id: Some(id.clone()), name: Some(name), ..Person::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_person_of_any_source_is_kept_once(sources in collection::btree_set(source(), 1..12)) {
        Runtime::new().unwrap().block_on(async {
            let (store, _database) = store().await;
            let mut tickets = vec![];
            let mut tx = store.begin().await.unwrap();
            for (n, id) in sources.iter().enumerate() {
                tx.see(&person(id, format!("person {n}")), jiff::Timestamp::UNIX_EPOCH).await.unwrap();
                let mut requester = person(id, format!("person {n} of now"));
                (requester.email, requester.handle) = (Some(format!("p{n}@mail.example")), Some("same".into()));
                let ticket = Ticket { id: tx.next_ticket().await.unwrap(), requester, ..Ticket::default() };
                let key = TicketKey { account: x(1), conversation: "7".into(), person: id.clone() };
                tx.open(&ticket, &key, &x(100), ticket.updated).await.unwrap();
                let comment = NewComment {
                    ticket: ticket.id,
                    source: CommentSource::Post { id: x(200) },
                    author: Author::Requester,
                    actor: Actor::Person,
                    author_id: Some(id.clone()),
                    text: "hello".into(),
                    made: ticket.updated,
                    delivery: Delivery::Imported,
                    rating: None,
                };
                tx.add_comment(&comment).await.unwrap().unwrap();
                tickets.push(ticket);
            }
            tx.commit().await.unwrap();

            let mut snapshot = store.snapshot(Viewer::Owner).await.unwrap();
            assert_eq!(snapshot.people("@Same").await.unwrap().len(), sources.len());
            assert_eq!(snapshot.people("nobody").await.unwrap(), []);
            for (n, ticket) in tickets.iter().enumerate() {
                let found = snapshot.people(&format!("P{n}@Mail.example")).await.unwrap();
                assert_eq!(found.iter().map(|found| &found.person).collect::<Vec<_>>(), [&ticket.requester]);
            }
            snapshot.close().await.unwrap();

            let mut tx = store.begin().await.unwrap();
            let people = tx.people_in("7").await.unwrap();
            assert_eq!(people.iter().collect::<std::collections::BTreeSet<_>>(), sources.iter().collect());
            assert_eq!(people.len(), sources.len());
            for (id, ticket) in sources.iter().zip(&tickets) {
                assert_eq!(tx.person(id).await.unwrap().as_ref(), Some(&ticket.requester));
                assert_eq!(store.ticket(ticket.id).await.unwrap().as_ref(), Some(ticket));
                let comments = store.comments(ticket.id).await.unwrap();
                assert_eq!(comments.iter().map(|comment| comment.author_id.as_ref()).collect::<Vec<_>>(), [Some(id)]);
            }
            drop(tx);
            store.close().await;
        });
    }
}
