//! The OAuth redirect of signing in at X with a browser on this machine: a local HTTP server that receives the code.

use std::{io::Write as _, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    cli::{CliError, terminal},
    desk::{Tokens, visible::visible},
    x::oauth::{App, Authorisation},
};

/// Timeout for the user to sign in.
const MAX_SIGN_IN: Duration = Duration::from_secs(600);
/// Timeout for the browser to send its request.
const MAX_REQUEST: Duration = Duration::from_secs(5);
/// Maximum bytes read of the browser's request.
const MAX_REQUEST_BYTES: usize = 16 * 1024;

/// Prints the URL to open, waits for X to redirect the browser here with a code, and exchanges the code for tokens.
/// `actions`: with the scopes of what is done at X besides answering.
pub(super) async fn sign_in(app: &App, handle: Option<&str>, actions: bool, port: u16) -> Result<Tokens, CliError> {
    let redirect = format!("http://127.0.0.1:{port}/callback");
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
        CliError::Usage(format!("cannot listen on port {port}: {error}; choose another with --port"))
    })?;
    let authorisation = app.authorise(&redirect, actions)?;
    {
        let mut out = terminal::remarks();
        let whom = handle.map_or_else(|| "the account".to_owned(), |handle| format!("@{}", visible(handle)));
        writeln!(out, "Open this in a browser where {whom} is signed in, and allow the app:\n")?;
        writeln!(out, "  {}\n", authorisation.page)?;
        writeln!(out, "Waiting for the redirect to {redirect} …")?;
    }
    let code = tokio::time::timeout(MAX_SIGN_IN, come_back(&listener, &authorisation))
        .await
        .map_err(|_| CliError::Usage("nobody signed in within ten minutes; start again".to_owned()))??;
    Ok(app.exchange(&authorisation.proof, &code).await?)
}

/// Waits for the redirect with a code. Any other request is answered with `400 Bad Request` and ignored.
async fn come_back(listener: &TcpListener, authorisation: &Authorisation) -> Result<String, CliError> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        let mut request = vec![0; MAX_REQUEST_BYTES];
        let Ok(Ok(length)) = tokio::time::timeout(MAX_REQUEST, stream.read(&mut request)).await else {
            continue;
        };
        let text = String::from_utf8_lossy(request.get(..length).unwrap_or_default()).into_owned();
        let path = text.split_whitespace().nth(1).unwrap_or_default();
        let url = url::Url::parse(&format!("http://localhost{path}"));
        let query = |name: &str| {
            let url = url.as_ref().ok()?;
            url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let ours = query("state").is_some_and(|state| authorisation.is_state(&state));
        let (status, say, done) = match (ours, query("code"), query("error")) {
            (true, Some(code), _) => ("200 OK", "Thank you. You can close this page.", Some(Ok(code))),
            (true, None, Some(error)) => (
                "200 OK",
                "The account was not connected. You can close this page.",
                Some(Err(CliError::Usage(format!("X reports that the app was not authorized: {error}")))),
            ),
            _ => ("400 Bad Request", "Unexpected request.", None),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{say}",
            say.len()
        );
        // A browser that closed the connection does not matter: the code has been received.
        let _ = stream.write_all(answer.as_bytes()).await;
        if let Some(done) = done {
            return done;
        }
    }
}
