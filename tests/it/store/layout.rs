//! Both databases have the same schema: tables, columns, types, keys and indexes.

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
};

use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};
use twite::store::Store;

use crate::support::database::{self, DirectConnection, SERVER, server};

const SQLITE: &[&str] = &[
    "SELECT m.name, c.name, lower(c.type), c.\"notnull\" = 1 OR c.pk > 0 FROM sqlite_master m JOIN pragma_table_info(m.name) c
     WHERE m.type = 'table'",
    "SELECT m.name, CASE WHEN i.origin = 'c' THEN i.name ELSE i.origin END, group_concat(c.name), i.partial = 1
     FROM sqlite_master m JOIN pragma_index_list(m.name) i JOIN pragma_index_info(i.name) c
     WHERE m.type = 'table' GROUP BY m.name, i.name",
    // An `INTEGER` primary key has no index in SQLite.
    "SELECT m.name, 'pk', c.name, 1 = 0 FROM sqlite_master m JOIN pragma_table_info(m.name) c
     WHERE m.type = 'table' AND c.pk = 1 AND c.type = 'INTEGER'",
    "SELECT m.name, f.\"from\", f.\"table\" || ' ' || f.\"to\", 1 = 0
     FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
];

const POSTGRES: &[&str] = &[
    "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT), is_nullable = 'NO'
     FROM information_schema.columns WHERE table_schema = current_schema()",
    "SELECT CAST(t.relname AS TEXT),
       CASE WHEN i.indisprimary THEN 'pk' WHEN k.oid IS NOT NULL THEN 'u' ELSE CAST(x.relname AS TEXT) END,
       (SELECT string_agg(CAST(a.attname AS TEXT), ',' ORDER BY n.at) FROM unnest(i.indkey) WITH ORDINALITY n (num, at)
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = n.num), i.indpred IS NOT NULL
     FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
     LEFT JOIN pg_constraint k ON k.conindid = x.oid AND k.contype = 'u'
     WHERE t.relnamespace = CAST(current_schema() AS regnamespace)",
    "SELECT CAST(t.relname AS TEXT), CAST(a.attname AS TEXT), CAST(o.relname AS TEXT) || ' ' || b.attname, 1 = 0
     FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_class o ON o.oid = k.confrelid
     JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.conkey[1]
     JOIN pg_attribute b ON b.attrelid = o.oid AND b.attnum = k.confkey[1] WHERE k.contype = 'f'",
];

/// The result rows of these statements, one line each.
async fn layout(database: &mut DirectConnection, statements: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for statement in statements {
        // SQLite's names for integers and bytes differ.
        let lines = format!(
            "WITH found (a, b, c, d) AS ({statement})
             SELECT a || ' ' || b || ' ' || CASE c WHEN 'integer' THEN 'bigint' WHEN 'blob' THEN 'bytea' ELSE c END
               || CASE WHEN d THEN ' true' ELSE ' false' END
             FROM found WHERE a NOT LIKE '%sqlx%' AND a <> 'sqlite_sequence'"
        );
        found.extend(database.texts(lines).await);
    }
    found
}

#[tokio::test]
async fn both_databases_have_the_same_tables_columns_keys_and_indexes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("twite.db");
    Store::open(&path).await.unwrap().close().await;
    let mut file = DirectConnection::Sqlite(SqliteConnectOptions::new().filename(&path).connect().await.unwrap());
    let of_sqlite = layout(&mut file, SQLITE).await;
    assert!(of_sqlite.len() > 200, "{of_sqlite:#?}");
    if server().is_none() {
        // Not `eprintln!`, whose output the test harness captures.
        writeln!(io::stderr(), "\nPostgreSQL: NOT TESTED, as {SERVER} names no server (`.ci/run` starts one)\n")
            .unwrap();
        return;
    }
    database::at(&path).await;
    let mut on_server = DirectConnection::at(&path).await;
    let of_postgres = layout(&mut on_server, POSTGRES).await;
    let only = |these: &BTreeSet<String>, those| these.difference(those).cloned().collect::<Vec<_>>();
    assert_eq!(only(&of_sqlite, &of_postgres), only(&of_postgres, &of_sqlite));
    // All text columns compare byte by byte, whatever the locale of the database.
    let loose = on_server.texts(
        "SELECT table_name || '.' || column_name FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name NOT LIKE '%sqlx%' AND data_type = 'text'
           AND collation_name IS DISTINCT FROM 'C'",
    );
    assert_eq!(loose.await, Vec::<String>::new());
}
