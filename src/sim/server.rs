//! The simulator's HTTP server: reads requests, injects faults, notifies the watcher, and sends the responses.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State, connect_info::Connected},
    response::Response,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpListener,
    sync::{mpsc, oneshot},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::io::ReaderStream;

use super::{
    answer::Answer,
    clock, deliveries,
    endpoint::{Endpoint, Handler, Request as Asked, SIGN_IN},
    fault::Cut,
    query::Call,
    tls::Socket,
    world::World,
};

/// Maximum size of a request body, in bytes; media need the most.
const MAX_BODY_BYTES: usize = 8 << 20;
/// Maximum length of a path with its query, in bytes.
const MAX_PATH_BYTES: usize = 16 << 10;
/// Maximum size of the body of `/sim/load`, in bytes.
const MAX_LOAD_BYTES: usize = 256 << 20;
/// Maximum delay of a request by a fault.
const MAX_DELAY: Duration = Duration::from_secs(600);

/// State shared by the server and its handles.
#[derive(Debug)]
pub(super) struct Shared {
    world: Mutex<World>,
    watcher: Mutex<Option<mpsc::Sender<Sighting>>>,
    /// The client for webhooks.
    pub(super) http: reqwest::Client,
}

/// A request shown to a watcher, and held until the sighting is dropped.
#[derive(Debug)]
pub struct Sighting {
    /// Whether the request is about to take effect or has taken effect.
    pub moment: Moment,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The endpoint's name, as in faults and limits; empty if there is no such endpoint.
    pub endpoint: String,
    /// The body, as text.
    pub body: String,
    _held: oneshot::Sender<()>,
}

impl Sighting {
    /// Lets the request continue. Dropping the sighting does the same.
    pub fn release(self) {}
}

/// When a watcher is shown a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The request was read and has not taken effect.
    Before,
    /// The request took effect; its response was not sent yet.
    After,
}

impl Shared {
    pub(super) fn new(world: World, http: reqwest::Client) -> Self {
        Self { world: Mutex::new(world), watcher: Mutex::new(None), http }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch(&self) -> mpsc::Receiver<Sighting> {
        let (sender, receiver) = mpsc::channel(1_024);
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver
    }

    async fn show(&self, moment: Moment, call: &Call, endpoint: &str) {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(watcher) = watcher else { return };
        let (held, gone) = oneshot::channel();
        let sighting = Sighting {
            moment,
            method: call.method.clone(),
            path: call.path.clone(),
            endpoint: endpoint.to_owned(),
            body: String::from_utf8_lossy(&call.body).into_owned(),
            _held: held,
        };
        if watcher.send(sighting).await.is_ok() {
            // Waits until the watcher drops the sighting.
            let _ = gone.await;
        }
    }

    /// Handles one API request. `Err` means that the connection is to be cut.
    async fn answer(&self, call: Call) -> Result<Answer, Severed> {
        let found = Endpoint::find(&call.method, &call.path);
        let name = match &found {
            Some((endpoint, _)) => endpoint.name(),
            None => {
                let name = format!("{} {}", call.method, call.path);
                if SIGN_IN.contains(&name.as_str()) { name } else { String::new() }
            }
        };
        let fault = self.world().faults.next(&name);
        self.show(Moment::Before, &call, &name).await;
        if let Some(fault) = &fault {
            tokio::time::sleep(Duration::from_millis(fault.delay_ms).min(MAX_DELAY)).await;
            if fault.cut == Some(Cut::Before) {
                return Err(Severed);
            }
        }
        let mut answer = match fault.as_ref().and_then(super::fault::Fault::forged) {
            Some(forged) => forged,
            None => self.world().answer(&call, found),
        };
        if let Some(check) = answer.check.take() {
            let reply = deliveries::check(self, check.webhook).await;
            answer = self.world().checked(check, reply, answer);
        }
        self.world().tally(&name, answer.status);
        self.show(Moment::After, &call, &name).await;
        match fault {
            Some(fault) if fault.cut == Some(Cut::After) => Err(Severed),
            _ => Ok(answer),
        }
    }
}

/// Error: the connection is to be cut.
#[derive(Debug)]
struct Severed;

impl World {
    /// The regular response to a request, without faults.
    fn answer(&mut self, call: &Call, found: Option<(&'static Endpoint, Vec<String>)>) -> Answer {
        let answer = match (found, call.method.as_str(), call.path.as_str()) {
            (Some((endpoint, captured)), _, _) => self.answer_api(call, endpoint, captured),
            (None, "POST", "/2/oauth2/token") => self.token(call),
            (None, "POST", "/2/oauth2/revoke") => self.revoke_token(call),
            (None, "POST", "/oauth2/token") => self.app_only_token(call),
            (None, "POST", "/oauth2/invalidate_token") => self.invalidate_app_token(call),
            (None, "GET", "/i/oauth2/authorize" | "/2/oauth2/authorize") => self.authorize_page(call),
            (None, "POST", "/i/oauth2/authorize" | "/2/oauth2/authorize") => self.authorize(call),
            _ => Answer::not_found(),
        };
        answer.with("date", clock::http_date(self.now()))
    }

    fn answer_api(&mut self, call: &Call, endpoint: &'static Endpoint, captured: Vec<String>) -> Answer {
        let now = self.now();
        let asker = match self.admit(call, endpoint) {
            Ok(asker) => asker,
            Err(refusal) => return self.limits.untouched(endpoint, now).on(refusal),
        };
        if let Some(outage) = self.outage {
            return self.limits.untouched(endpoint, now).on(outage.answer());
        }
        if asker.user().is_some_and(|me| self.is_suspended(me)) {
            let refusal = "Your account is suspended and is not permitted to access this feature.";
            return self.limits.untouched(endpoint, now).on(Answer::forbidden(refusal));
        }
        let headers = match self.limits.count(asker.user(), endpoint, now) {
            Ok(headers) => headers,
            Err(headers) => return headers.on(Answer::too_many()),
        };
        let request = Asked { call, endpoint, captured, asker };
        let answer = match endpoint.handler {
            Handler::Read(handler) => handler(self, &request),
            Handler::Change(handler) => request.query().finish().and_then(|()| handler(self, &request)),
        };
        let (Ok(answer) | Err(answer)) = answer;
        headers.on(answer.with("x-access-level", "read-write-directmessages").with("api-version", "2.173"))
    }

    fn tally(&mut self, endpoint: &str, status: u16) {
        let endpoint = if endpoint.is_empty() { "unknown" } else { endpoint };
        *self.answered.entry(endpoint.to_owned()).or_default().entry(status).or_default() += 1;
    }
}

/// Serves until `stop` is signalled or dropped.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    stop: oneshot::Receiver<()>,
) -> io::Result<()> {
    let app = Router::new().fallback(take).with_state(shared);
    let service = app.into_make_service_with_connect_info::<Peer>();
    axum::serve(Lines { listener, tls }, service)
        .with_graceful_shutdown(async {
            let _ = stop.await;
        })
        .await
}

async fn take(State(shared): State<Arc<Shared>>, ConnectInfo(peer): ConnectInfo<Peer>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let control = parts.uri.path().strip_prefix("/sim").map(str::to_owned);
    let most = if control.as_deref() == Some("/load") { MAX_LOAD_BYTES } else { MAX_BODY_BYTES };
    let whole_path = parts.uri.path_and_query().map_or(0, |p| p.as_str().len());
    let Ok(body) = to_bytes(body, most).await else {
        return respond(Answer::of(413, "text/plain; charset=utf-8", "The body is too long"));
    };
    if whole_path > MAX_PATH_BYTES {
        return respond(Answer::of(414, "text/plain; charset=utf-8", "The address is too long"));
    }
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let header = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok());
    let content_type = header("content-type").unwrap_or_default().to_ascii_lowercase();
    let Ok(form_parts) = parts_of(header("content-type").unwrap_or_default(), &body).await else {
        return respond(Answer::invalid_body("The form cannot be read"));
    };
    let call = Call {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: query.map(|(k, v)| (k.into_owned(), v.into_owned())).collect(),
        authorization: header("authorization").map(str::to_owned),
        content_type,
        body: body.to_vec(),
        parts: form_parts,
    };
    if let Some(path) = control {
        // Web pages in a local browser send an `origin` header and are rejected; scripts do not send one.
        if !peer.address.ip().is_loopback() || parts.headers.contains_key("origin") {
            return respond(Answer::forbidden("The control interface answers programs on this machine only"));
        }
        return respond(super::control::answer(&shared, &call, &path));
    }
    // Runs in its own task, so that a request takes effect even if the client disconnects meanwhile.
    match tokio::spawn(async move { shared.answer(call).await }).await {
        Ok(Ok(answer)) => respond(answer),
        Ok(Err(Severed)) | Err(_) => {
            peer.cut.store(true, Ordering::Release);
            respond(Answer::of(500, "text/plain", ""))
        }
    }
}

/// The parts of a `multipart/form-data` body, with their names; empty for other content types.
async fn parts_of(content_type: &str, body: &Bytes) -> Result<Vec<(String, Vec<u8>)>, multer::Error> {
    let mut parts = Vec::new();
    let Ok(boundary) = multer::parse_boundary(content_type) else { return Ok(parts) };
    let mut form = multer::Multipart::new(Body::from(body.clone()).into_data_stream(), boundary);
    while let Some(part) = form.next_field().await? {
        let name = part.name().unwrap_or_default().to_owned();
        parts.push((name, part.bytes().await?.to_vec()));
    }
    Ok(parts)
}

fn respond(answer: Answer) -> Response {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let body = match answer.feed {
        Some(feed) => Body::from_stream(ReaderStream::new(feed)),
        None => Body::from(answer.body),
    };
    response.body(body).unwrap_or_else(|_| {
        let mut broken =
            Response::new(Body::from("The ordered answer has a status or header that HTTP does not allow"));
        *broken.status_mut() = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
        broken
    })
}

/// A listener whose connections can be cut, with TLS or without.
struct Lines {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
}

/// A connection with a flag that cuts it.
struct Line {
    stream: Socket,
    cut: Arc<AtomicBool>,
}

/// The remote address of a connection, and the flag that cuts it.
#[derive(Debug, Clone)]
struct Peer {
    address: SocketAddr,
    cut: Arc<AtomicBool>,
}

impl Listener for Lines {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // If this fails, responses are only sent a little later.
        let _ = stream.set_nodelay(true);
        (Line { stream: Socket::new(stream, self.tls.as_ref()), cut: Arc::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Lines>> for Peer {
    fn connect_info(line: IncomingStream<'_, Lines>) -> Self {
        Self { address: *line.remote_addr(), cut: Arc::clone(&line.io().cut) }
    }
}

impl Line {
    fn intact(&self) -> io::Result<()> {
        if self.cut.load(Ordering::Acquire) { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.intact()?;
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.intact()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.intact()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
