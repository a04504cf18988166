//! What raises the version of a ticket, and which fields count as changed since one.

use twite::desk::{CustomValue, Status, Ticket, TicketType};

use super::{key, store, x};

#[tokio::test]
async fn every_write_of_a_field_raises_the_version_and_is_found_since() {
    let (store, _database) = store().await;
    let mut tx = store.begin().await.unwrap();
    let mut ticket = Ticket { id: tx.next_ticket().await.unwrap(), ..Ticket::default() };
    let other = Ticket { id: tx.next_ticket().await.unwrap(), ..Ticket::default() };
    let now = ticket.updated;
    tx.open(&ticket, &key(1, 7), &x(100), now).await.unwrap();
    tx.open(&other, &key(2, 7), &x(101), now).await.unwrap();
    type Write = fn(&mut Ticket);
    let writes: [(Write, &[&str]); 7] = [
        (|t| t.comments += 1, &[]),
        (|t| t.status = Status::Pending, &["status"]),
        (|t| t.latest_comment = Some("hello".into()), &[]),
        (|t| t.tags.extend(["vip".to_owned()]), &[]),
        (|t| (t.group, t.kind) = (Some("Social".into()), Some(TicketType::Problem)), &["group", "type"]),
        (|t| t.custom.extend([("topic".into(), CustomValue::Number(3))]), &["field.topic"]),
        (|t| t.custom.clear(), &["field.topic"]),
    ];
    for (n, (write, fields)) in writes.into_iter().enumerate() {
        write(&mut ticket);
        tx.save(&ticket, now).await.unwrap();
        let before = n as i64 + 1;
        assert_eq!(tx.ticket_version(ticket.id).await.unwrap(), before + 1);
        let changed = tx.changed_since(ticket.id, before).await.unwrap();
        assert_eq!(changed.iter().collect::<Vec<_>>(), fields, "write {n}");
    }
    let changed = tx.changed_since(ticket.id, 1).await.unwrap();
    assert_eq!(changed.iter().collect::<Vec<_>>(), ["field.topic", "group", "status", "type"]);
    assert!(tx.changed_since(other.id, 1).await.unwrap().is_empty(), "each ticket has its own");

    // Links are no fields.
    let version = tx.ticket_version(ticket.id).await.unwrap();
    assert!(tx.link(ticket.id, other.id, "same conversation").await.unwrap());
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.ticket_version(ticket.id).await.unwrap(), version, "as it is stored");
}
