//! Opening a database on PostgreSQL: what goes wrong is said with its place, its cause and a way out. Without a server, these tests
//! do nothing.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use twite::{
    desk::ConnectedAccount,
    settings::Address,
    store::{Store, StoreError},
};

use crate::support::{
    command::{directory, twite_in},
    database::{self, TestDatabase},
    owner::OwnerReads as _,
};

async fn run(url: &str, statement: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The same server and database, as another user.
fn as_user(url: &str, user: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    let pairs = url.query_pairs().filter(|(name, _)| name != "user").map(|(name, value)| format!("{name}={value}"));
    let query: Vec<_> = pairs.chain([format!("user={user}")]).collect();
    format!("postgres://{}?{}", url.path(), query.join("&"))
}

#[tokio::test]
async fn who_may_only_select_reads_and_does_not_write() {
    let Some(_) = database::server() else { return };
    let here = tempfile::tempdir().unwrap();
    let url = database::url_at(&here.path().join("twite.db")).await;
    let store = Store::open(url.parse::<Address>().unwrap()).await.unwrap();
    let reader = format!("reader_{}", std::process::id());
    run(&url, &format!("CREATE ROLE {reader} LOGIN")).await;
    let reading: Address = as_user(&url, &reader).parse().unwrap();
    let refused = Store::open_to_read(&reading).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Unusable(why) if why.contains("SELECT on all tables")), "{refused}");

    run(&url, &format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}")).await;
    let read = Store::open_to_read(&reading).await.unwrap().unwrap();
    assert_eq!((read.id(), read.counts().await.unwrap()), (store.id(), store.counts().await.unwrap()));
    let account = ConnectedAccount::new("1".parse().unwrap(), "acme", Timestamp::UNIX_EPOCH);
    assert!(read.connect(&account).await.is_err());
    read.close().await;
    let refused = Store::open(&reading).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Unusable(why) if why.contains("lacks a right")), "{refused}");
    run(&url, &format!("DROP OWNED BY {reader}; DROP ROLE {reader}")).await;
    store.close().await;
}

#[tokio::test]
async fn what_cannot_be_opened_is_said_with_the_way_out() {
    let Some(server) = database::server() else { return };
    let gone: Address = as_user(&server, "nobody_of_this_name").parse().unwrap();
    let said = Store::open(&gone).await.unwrap_err().to_string();
    assert!(said.contains("refuses the user `nobody_of_this_name`") && said.contains("`password_env`"), "{said}");
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path("none_of_this_name");
    for opened in [
        Store::open(url.as_str().parse::<Address>().unwrap()).await.err(),
        Store::open_to_read(url.as_str().parse::<Address>().unwrap()).await.err(),
    ] {
        let said = opened.unwrap().to_string();
        assert!(said.contains("createdb --encoding UTF8 --template template0 none_of_this_name"), "{said}");
    }
}

/// `[store]` names the server and the variable with the password.
#[tokio::test(flavor = "multi_thread")]
async fn a_desk_is_on_the_server_that_twite_toml_names() {
    let Some(_) = database::server() else { return };
    let database = TestDatabase::new().await;
    database.open().await.close().await;
    let toml = format!(
        "[[account]]\nhandle = \"acme\"\n[store]\nurl = \"{}\"\npassword_env = \"TEST_PASSWORD\"\n",
        database.address
    );
    let desk = directory(&[("twite.toml", &toml), ("a.twite", "trigger \"T\" {\n  on created\n  then stop\n}\n")]);
    let status = |environment: &[(&str, &str)]| twite_in(desk.path(), &["status", "--rules", "."], "", environment);
    let (code, out, err) = status(&[("TEST_PASSWORD", "hunter2")]);
    assert!(code == 0 && out.contains("postgres") && !(out.clone() + &err).contains("hunter2"), "{out}{err}");
    let (code, _, err) = status(&[]);
    assert!(code == 2 && err.contains("the environment variable `TEST_PASSWORD` with the password of"), "{err}");
}
