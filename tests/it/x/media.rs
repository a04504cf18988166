//! Fetching media, from a server that stands for the simulator.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    http::{Request, Response},
};
use twite::x::{
    client,
    media::{MAX_FILE_BYTES, MediaError, MediaFile, fetch},
};
use url::Url;

struct Server {
    api: Url,
    /// The authorization of each request.
    asked: Arc<Mutex<Vec<Option<String>>>>,
}

impl Server {
    async fn start() -> Self {
        let asked = Arc::<Mutex<Vec<Option<String>>>>::default();
        let seen = asked.clone();
        let answer = move |request: Request<Body>| {
            let said = request.headers().get("authorization").map(|said| said.to_str().unwrap().to_owned());
            seen.lock().unwrap().push(said);
            let response = Response::builder();
            async move {
                match request.uri().path() {
                    "/photo" => response.header("content-type", "image/JPEG; x=y").body(Body::from("jpg")),
                    "/page" => response.header("content-type", "text/html").body(Body::from("<script>")),
                    "/none" => response.body(Body::from("jpg")),
                    "/moved" => response.status(302).header("location", "/photo").body(Body::empty()),
                    "/protected" => response.status(403).body(Body::empty()),
                    "/large" => {
                        response.header("content-type", "video/mp4").body(Body::from(vec![0; MAX_FILE_BYTES + 1]))
                    }
                    _ => response.status(404).body(Body::empty()),
                }
                .unwrap()
            }
        };
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let api = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        Self { api, asked }
    }

    async fn fetch(&self, path: &str) -> Result<MediaFile, MediaError> {
        fetch(&client::http().unwrap(), &self.api, self.api.join(path).unwrap().as_str(), Some("t0ken")).await
    }
}

#[tokio::test]
async fn a_file_is_fetched_within_limits() {
    let server = Server::start().await;
    let photo = server.fetch("/photo").await.unwrap();
    assert_eq!((&*photo.bytes, photo.content_type, photo.extension), (&b"jpg"[..], "image/jpeg", "jpg"));
    assert_eq!(*server.asked.lock().unwrap(), [Some("Bearer t0ken".to_owned())]);
    assert_eq!(server.fetch("/page").await, Err(MediaError::WrongType("text/html".into())));
    assert_eq!(server.fetch("/none").await, Err(MediaError::WrongType(String::new())));
    for (path, status, said) in
        [("/moved", 302, "not followed"), ("/protected", 403, "protected"), ("/gone", 404, "deleted")]
    {
        let error = server.fetch(path).await.unwrap_err();
        assert!(matches!(&error, MediaError::Refused { status: is, .. } if *is == status), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    assert_eq!(server.fetch("/large").await, Err(MediaError::TooLarge));
}

#[tokio::test]
async fn no_other_host_is_asked() {
    let server = Server::start().await;
    let other = Server::start().await;
    let other = other.api.join("/photo").unwrap();
    for url in [
        other.as_str(),
        "https://acme.example/photo.jpg",
        "http://pbs.twimg.com/photo.jpg",
        "https://pbs.twimg.com:8443/photo.jpg",
        "https://ada:secret@pbs.twimg.com/photo.jpg",
        "https://pbs.twimg.com.acme.example/photo.jpg",
        "https://169.254.169.254/latest",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "photo.jpg",
        "",
    ] {
        let found = fetch(&client::http().unwrap(), &server.api, url, Some("t0ken")).await;
        assert!(matches!(found, Err(MediaError::NotAllowed(_))), "{url}: {found:?}");
    }
    let api = Url::parse("https://api.x.com").unwrap();
    let found = fetch(&client::http().unwrap(), &api, "https://api.x.com/2/users/me", Some("t0ken")).await;
    assert!(matches!(found, Err(MediaError::NotAllowed(_))), "{found:?}");
    let found = fetch(&client::http().unwrap(), &api, "https://ton.twitter.com/1.1/ton/data/dm/1.jpg", None).await;
    assert_eq!(found, Err(MediaError::NeedsToken));
    assert!(server.asked.lock().unwrap().is_empty());
}
