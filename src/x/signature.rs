//! Signatures of webhook calls: `sha256=` and the base64 of the HMAC-SHA256 of the body. X signs its calls so, and
//! Twite its own.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The signature of a body.
pub fn sign(key: &[u8], body: &[u8]) -> String {
    let mac = mac(key, body).map(|mac| STANDARD.encode(mac.finalize().into_bytes()));
    format!("sha256={}", mac.unwrap_or_default())
}

/// Whether this is the signature of a body. Compared in constant time.
pub fn verify(key: &[u8], body: &[u8], signature: &str) -> bool {
    let given = signature.strip_prefix("sha256=").and_then(|given| STANDARD.decode(given).ok());
    given.zip(mac(key, body)).is_some_and(|(given, mac)| mac.verify_slice(&given).is_ok())
}

/// HMAC takes a key of any length; `None`, which other MACs return for some, does not occur.
fn mac(key: &[u8], body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(body);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_signed() {
        // The HMAC-SHA256 of RFC 4231, test case 2, in base64.
        let (key, body, signature) =
            (b"Jefe", b"what do ya want for nothing?", "sha256=W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
        assert_eq!(sign(key, body), signature);
        assert!(verify(key, body, signature));
        for wrong in
            ["", "sha256=", "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=", "sha256=W9zB", "sha256=?", "sha1=x"]
        {
            assert!(!verify(key, body, wrong), "{wrong}");
        }
        assert!(!verify(b"jefe", body, signature) && !verify(key, b"what do ya want for something?", signature));
    }
}
