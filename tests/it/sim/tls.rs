//! https with a certificate of its own.

use reqwest::Certificate;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use twite::{
    sim::{Sim, SimOptions},
    x::client,
};

#[tokio::test(flavor = "multi_thread")]
async fn those_who_trust_the_certificate_are_answered() {
    let sim = Sim::start(SimOptions { tls: true, ..SimOptions::default() }).await.unwrap();
    let stats = format!("{}/sim/stats", sim.url);
    let port: u16 = sim.url.rsplit_once(':').unwrap().1.parse().unwrap();
    assert_eq!(sim.url, format!("https://127.0.0.1:{port}"));
    // Connections without a handshake, and with something else, are in nobody's way.
    let mute = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut plain = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    plain.write_all(b"GET /sim/stats HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut said = vec![];
    let _ = plain.read_to_end(&mut said).await;
    assert!(!said.starts_with(b"HTTP"), "{said:?}");

    // Installs the TLS provider.
    let stranger = client::http().unwrap();
    let refused = stranger.get(&stats).send().await.unwrap_err();
    assert!(refused.is_connect(), "{refused:?}");
    let certificate = Certificate::from_pem(sim.certificate.as_ref().unwrap().as_bytes()).unwrap();
    let trusting = reqwest::Client::builder().tls_certs_only([certificate]).build().unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let answer = trusting.get(format!("https://{host}:{port}/sim/stats")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }
    drop(mute);
    let other = Sim::start(SimOptions { tls: true, ..SimOptions::default() }).await.unwrap();
    assert_ne!(other.certificate, sim.certificate);
    assert!(trusting.get(format!("{}/sim/stats", other.url)).send().await.is_err());
}
