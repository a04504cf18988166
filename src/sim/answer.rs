//! HTTP responses: status, headers, body, and X's error responses.

use serde_json::{Value, json};

use super::{endpoint::Endpoint, stream::Feed, webhooks::Check};

/// An HTTP response.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// The lines of a stream, sent as the body until the stream ends.
    pub(super) feed: Option<Feed>,
    /// The check of a webhook whose outcome decides the answer.
    pub(super) check: Option<Check>,
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::of(status, "application/json; charset=utf-8", body.to_string())
    }

    pub(super) fn html(status: u16, page: String) -> Self {
        Self::of(status, "text/html; charset=utf-8", page)
    }

    pub(super) fn of(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("content-type".into(), kind.into())], body: body.into(), feed: None, check: None }
    }

    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.into(), value.to_string()));
        self
    }

    /// Completes the answer after a check.
    pub(super) fn after(self, check: Check) -> Self {
        Self { check: Some(check), ..self }
    }

    /// Another answer, with this one's headers except its content type.
    pub(super) fn replaced_by(self, mut other: Self) -> Self {
        other.headers.extend(self.headers.into_iter().filter(|(name, _)| name != "content-type"));
        other
    }

    fn problem(body: Value) -> Self {
        let status = body.get("status").and_then(Value::as_u64).and_then(|s| u16::try_from(s).ok()).unwrap_or(500);
        Self::of(status, "application/problem+json", body.to_string())
    }

    /// A problem response of the generic type `about:blank`.
    fn plain(status: u16, title: &str, detail: &str) -> Self {
        Self::problem(json!({"title": title, "type": "about:blank", "status": status, "detail": detail}))
    }

    /// A problem response of a type of its own.
    pub(super) fn problem_of(status: u16, title: &str, detail: &str, name: &str) -> Self {
        Self::problem(json!({"title": title, "detail": detail, "type": kind(name), "status": status}))
    }

    pub(super) fn unauthorized() -> Self {
        Self::plain(401, "Unauthorized", "Unauthorized")
    }

    pub(super) fn forbidden(detail: &str) -> Self {
        Self::plain(403, "Forbidden", detail)
    }

    pub(super) fn not_found() -> Self {
        Self::plain(404, "Not Found", "Not Found")
    }

    pub(super) fn too_many() -> Self {
        Self::plain(429, "Too Many Requests", "Too Many Requests")
    }

    pub(super) fn full() -> Self {
        Self::plain(503, "Service Unavailable", "The simulator holds as much as it may; reset it")
    }

    pub(super) fn wrong_token_kind(endpoint: &Endpoint) -> Self {
        Self::problem(json!({
            "title": "Unsupported Authentication",
            "detail": format!(
                "Authenticating with OAuth 2.0 Application-Only is forbidden for {} {}. \
                 Supported authentication types are [OAuth 1.0a User Context, OAuth 2.0 User Context].",
                endpoint.method, endpoint.path
            ),
            "type": kind("unsupported-authentication"),
            "status": 403,
        }))
    }

    pub(super) fn app_token_only(endpoint: &Endpoint) -> Self {
        Self::problem(json!({
            "title": "Unsupported Authentication",
            "detail": format!(
                "Authenticating with a user token is forbidden for {} {}. \
                 Supported authentication types are [OAuth 2.0 Application-Only].",
                endpoint.method, endpoint.path
            ),
            "type": kind("unsupported-authentication"),
            "status": 403,
        }))
    }

    /// The response to a connection to a stream that has as many as it may.
    pub(super) fn too_many_connections() -> Self {
        Self::problem(json!({
            "title": "ConnectionException",
            "detail": "This stream is currently at the maximum allowed connection limit.",
            "connection_issue": "TooManyConnections",
            "type": kind("streaming-connection"),
            "status": 429,
        }))
    }

    pub(super) fn dm_closed() -> Self {
        Self::problem(json!({
            "title": "Forbidden",
            "detail": "You do not have permission to DM one or more participants.",
            "type": kind("dm-recipient-not-accepting"),
            "status": 403,
        }))
    }

    pub(super) fn dm_blocked() -> Self {
        Self::problem(json!({
            "title": "Forbidden",
            "detail": "You do not have permission to DM one or more participants.",
            "type": kind("dm-recipient-blocks-sender"),
            "status": 403,
        }))
    }

    pub(super) fn dm_too_long() -> Self {
        Self::problem(json!({
            "title": "Forbidden",
            "detail": "The text of your Direct Message is too long.",
            "type": kind("dm-text-too-long"),
            "status": 403,
        }))
    }

    /// The 400 response to an invalid request; [`wrong`] makes the `errors`.
    pub(super) fn invalid(errors: Vec<Value>) -> Self {
        Self::problem(json!({
            "errors": errors,
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": kind("invalid-request"),
            "status": 400,
        }))
    }

    pub(super) fn invalid_body(message: impl Into<String>) -> Self {
        Self::invalid(vec![json!({"parameters": {}, "message": message.into()})])
    }

    /// X's response for a single object that does not exist: status 200, `errors` and no `data`.
    pub(super) fn nothing(problem: Value) -> Self {
        Self::json(200, &json!({"errors": [problem]}))
    }

    /// An error response of API version 1.1.
    pub(super) fn v1(status: u16, code: u16, message: &str) -> Self {
        Self::json(status, &json!({"errors": [{"code": code, "message": message}]}))
    }

    /// An error response of the OAuth endpoints.
    pub(super) fn oauth(status: u16, error: &str, description: &str) -> Self {
        Self::json(status, &json!({"error": error, "error_description": description}))
    }
}

/// Sets a member of a JSON object.
pub(super) fn put(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Value::Object(members) = object {
        members.insert(name.to_owned(), value.into());
    }
}

/// The error for one invalid query parameter.
pub(super) fn wrong(parameter: &str, value: &str, why: &str) -> Value {
    json!({
        "parameters": {parameter: [value]},
        "message": format!("The `{parameter}` query parameter value [{value}] {why}"),
    })
}

/// The error for an object that was not found by id or name.
pub(super) fn missing(what: &str, parameter: &str, value: &str) -> Value {
    json!({
        "value": value,
        "detail": format!("Could not find {what} with {parameter}: [{value}]."),
        "title": "Not Found Error",
        "resource_type": what,
        "parameter": parameter,
        "resource_id": value,
        "type": kind("resource-not-found"),
    })
}

/// The error for a suspended user.
pub(super) fn suspended(parameter: &str, value: &str) -> Value {
    json!({
        "value": value,
        "detail": format!("User has been suspended: [{value}]."),
        "title": "Forbidden",
        "resource_type": "user",
        "parameter": parameter,
        "resource_id": value,
        "type": kind("resource-not-found"),
    })
}

fn kind(name: &str) -> String {
    format!("https://api.x.com/2/problems/{name}")
}
