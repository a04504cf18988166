//! Media: uploads in one request or in segments, processing, alt texts, and attaching to posts and messages.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    answer::{Answer, missing, put, wrong},
    body::{self, Shape, TEXT, at},
    endpoint::{Outcome, Request},
    query::{Call, parse_id},
    world::{MAX_EACH, World},
};

/// Lifetime of an upload, in milliseconds.
const LIFE: i64 = 24 * 60 * 60 * 1000;
/// Processing time of a video or animated GIF, in seconds.
const PROCESSING_SECONDS: i64 = 1;

const CATEGORIES: &[&str] =
    &["amplify_video", "tweet_gif", "tweet_image", "tweet_video", "dm_gif", "dm_image", "dm_video", "subtitles"];
pub(super) const INITIALIZE: Shape = Shape::Object(&[
    ("media_category", false, Shape::Enum(CATEGORIES)),
    ("media_type", false, Shape::Enum(TYPES)),
    ("total_bytes", false, Shape::Integer { min: 0, max: 17_179_869_184 }),
    ("additional_owners", false, Shape::List { of: &Shape::Id, min: 0, max: usize::MAX }),
    ("shared", false, Shape::Bool),
]);
const TYPES: &[&str] = &[
    "video/mp4",
    "video/webm",
    "video/mp2t",
    "video/quicktime",
    "text/srt",
    "text/vtt",
    "image/jpeg",
    "image/gif",
    "image/bmp",
    "image/png",
    "image/webp",
    "image/pjpeg",
    "image/tiff",
    "model/gltf-binary",
    "model/vnd.usdz+zip",
];
pub(super) const METADATA: Shape = Shape::Object(&[("id", true, Shape::Id), ("metadata", true, Shape::Any)]);

/// An upload: what was announced about the file, and how many bytes arrived.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    owner: u64,
    media_type: String,
    category: String,
    announced: Option<u64>,
    received: u64,
    expires: i64,
    /// Time from which it can be attached, in milliseconds since 1970; `None` until it is complete.
    ready: Option<i64>,
    alt_text: Option<String>,
}

impl Upload {
    /// The media type, and the number that its media keys start with.
    fn kind(&self) -> (&'static str, u8) {
        match (self.category.as_str(), self.media_type.as_str()) {
            ("tweet_gif" | "dm_gif", _) | ("", "image/gif") => ("animated_gif", 16),
            ("amplify_video", _) => ("video", 13),
            ("tweet_video" | "dm_video", _) => ("video", 7),
            (_, kind) if kind.starts_with("video/") => ("video", 7),
            _ => ("photo", 3),
        }
    }

    fn key(&self, id: u64) -> String {
        format!("{}_{id}", self.kind().1)
    }
}

/// Number of bytes of the media in a form, sent raw or in base64.
fn media_of(call: &Call) -> Result<usize, Answer> {
    let form = call.form();
    let decoded =
        |name| form.bytes(name).and_then(|data| STANDARD.decode(data.trim_ascii()).ok()).map(|media| media.len());
    let plain = || if call.is_json() { decoded("media") } else { form.bytes("media").map(<[u8]>::len) };
    let media = decoded("media_data").or_else(plain).filter(|bytes| *bytes > 0);
    media.ok_or_else(|| Answer::invalid_body("$.media: is missing but it is required"))
}

/// `POST /2/media/upload`: uploads a whole file in one request.
pub(super) fn upload(world: &mut World, request: &Request<'_>) -> Outcome {
    let form = request.call.form();
    let category = form.get("media_category").unwrap_or_default();
    if !CATEGORIES.contains(&category) {
        return Err(Answer::invalid_body(format!("$.media_category: is not one of [{}]", CATEGORIES.join(", "))));
    }
    let media = media_of(request.call)?;
    let id = world.begin_upload(
        request.me(),
        form.get("media_type").unwrap_or_default().to_owned(),
        category.to_owned(),
        None,
    )?;
    world.receive(request.me(), id, media)?;
    world.complete(request.me(), id)?;
    Ok(Answer::json(200, &json!({"data": world.uploaded(id)})))
}

/// `POST /2/media/upload/initialize`
pub(super) fn initialize(world: &mut World, request: &Request<'_>) -> Outcome {
    let body = request.body()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let id = world.begin_upload(
        request.me(),
        text("media_type"),
        text("media_category"),
        at(&body, "/total_bytes").as_u64(),
    )?;
    let key = world.uploads.get(&id).map(|upload| upload.key(id));
    Ok(Answer::json(200, &json!({"data": {"id": id.to_string(), "media_key": key, "expires_after_secs": LIFE / 1000}})))
}

/// `POST /2/media/upload/:id/append`
pub(super) fn append(world: &mut World, request: &Request<'_>) -> Outcome {
    let (id, form) = (request.path_id(0)?, request.call.form());
    if form.get("segment_index").and_then(|index| index.parse::<u16>().ok()).is_none_or(|index| index > 9_999) {
        return Err(Answer::invalid_body("$.segment_index: is missing but it is required"));
    }
    world.receive(request.me(), id, media_of(request.call)?)?;
    let expires = world.uploads.get(&id).map(|upload| upload.expires / 1000);
    Ok(Answer::json(200, &json!({"data": {"expires_at": expires}})))
}

/// `POST /2/media/upload/:id/finalize`
pub(super) fn finalize(world: &mut World, request: &Request<'_>) -> Outcome {
    let id = request.path_id(0)?;
    world.complete(request.me(), id)?;
    Ok(Answer::json(200, &json!({"data": world.uploaded(id)})))
}

/// `GET /2/media/upload`
pub(super) fn status(world: &mut World, request: &Request<'_>) -> Outcome {
    let mut query = request.query();
    query.words("command", &["STATUS"]);
    let id = query.id("media_id");
    if !query.sent("media_id") {
        query.fault("media_id", "", "is missing");
    }
    query.finish()?;
    let id = id.unwrap_or_default();
    world.own_upload(request.me(), id)?;
    Ok(Answer::json(200, &json!({"data": world.uploaded(id)})))
}

/// `POST /2/media/metadata`
pub(super) fn describe(world: &mut World, request: &Request<'_>) -> Outcome {
    let body = request.body()?;
    let id = body::id(at(&body, "/id")).unwrap_or_default();
    world.describe(request.me(), id, at(&body, "/metadata/alt_text/text").as_str())?;
    let data = json!({"id": id.to_string(), "associated_metadata": at(&body, "/metadata")});
    Ok(Answer::json(200, &json!({"data": data})))
}

/// `/1.1/media/upload.json` with all its commands; parameters are read from the query or the form.
pub(super) fn v1_upload(world: &mut World, request: &Request<'_>) -> Outcome {
    let (me, form) = (request.me(), request.call.form());
    let text = |name: &str| form.get(name).map(str::to_owned);
    let announced = || {
        text("media_id")
            .and_then(|id| parse_id(&id))
            .ok_or_else(|| Answer::invalid_body("media_id parameter is missing."))
    };
    let command = text("command").unwrap_or_default();
    let id = match (request.call.method.as_str(), command.as_str()) {
        ("GET", "STATUS") => {
            let id = announced()?;
            world.own_upload(me, id)?;
            id
        }
        ("POST", "INIT") => {
            let total = text("total_bytes").and_then(|bytes| bytes.parse().ok());
            world.begin_upload(
                me,
                text("media_type").unwrap_or_default(),
                text("media_category").unwrap_or_default(),
                total,
            )?
        }
        ("POST", "APPEND") => {
            world.receive(me, announced()?, media_of(request.call)?)?;
            return Ok(Answer::of(204, "text/plain", ""));
        }
        ("POST", "FINALIZE") => {
            let id = announced()?;
            world.complete(me, id)?;
            id
        }
        ("POST", "") => {
            let media = media_of(request.call)?;
            let id = world.begin_upload(me, String::new(), text("media_category").unwrap_or_default(), None)?;
            world.receive(me, id, media)?;
            world.complete(me, id)?;
            id
        }
        _ => return Err(Answer::invalid_body("command is INIT, APPEND, FINALIZE or STATUS.")),
    };
    let mut answer = world.uploaded(id);
    put(&mut answer, "media_id", id);
    put(&mut answer, "media_id_string", id.to_string());
    if let Value::Object(members) = &mut answer {
        members.remove("id");
    }
    Ok(Answer::json(if command == "INIT" { 202 } else { 200 }, &answer))
}

/// `POST /1.1/media/metadata/create.json`
pub(super) fn v1_describe(world: &mut World, request: &Request<'_>) -> Outcome {
    const BODY: Shape =
        Shape::Object(&[("media_id", true, TEXT), ("alt_text", false, Shape::Object(&[("text", true, TEXT)]))]);
    let body = body::read(&request.call.body, &BODY)?;
    world.describe(
        request.me(),
        body::id(at(&body, "/media_id")).unwrap_or_default(),
        at(&body, "/alt_text/text").as_str(),
    )?;
    Ok(Answer::of(200, "application/json; charset=utf-8", ""))
}

impl World {
    fn begin_upload(
        &mut self,
        owner: u64,
        media_type: String,
        category: String,
        announced: Option<u64>,
    ) -> Result<u64, Answer> {
        if self.uploads.len() >= MAX_EACH {
            return Err(Answer::full());
        }
        let (id, expires) = (self.other_id(), self.now() + LIFE);
        let upload =
            Upload { owner, media_type, category, announced, received: 0, expires, ready: None, alt_text: None };
        self.uploads.insert(id, upload);
        Ok(id)
    }

    fn own_upload(&mut self, owner: u64, id: u64) -> Result<&mut Upload, Answer> {
        let now = self.now();
        let upload = self.uploads.get_mut(&id).filter(|upload| upload.owner == owner && upload.expires > now);
        upload.ok_or_else(|| Answer::invalid(vec![wrong("media_id", &id.to_string(), "is not valid")]))
    }

    fn receive(&mut self, owner: u64, id: u64, bytes: usize) -> Result<(), Answer> {
        let upload = self.own_upload(owner, id)?;
        upload.received = upload.received.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        Ok(())
    }

    fn complete(&mut self, owner: u64, id: u64) -> Result<(), Answer> {
        let now = self.now();
        let upload = self.own_upload(owner, id)?;
        if upload.received == 0 || upload.announced.is_some_and(|announced| announced != upload.received) {
            let (received, announced) = (upload.received, upload.announced.unwrap_or_default());
            return Err(Answer::invalid_body(format!(
                "Segments do not add up to provided total file size: {received} of {announced}."
            )));
        }
        let processing = if upload.kind().0 == "photo" { 0 } else { PROCESSING_SECONDS * 1000 };
        upload.ready = Some(now + processing);
        Ok(())
    }

    fn describe(&mut self, owner: u64, id: u64, alt_text: Option<&str>) -> Result<(), Answer> {
        self.own_upload(owner, id)?.alt_text = alt_text.map(str::to_owned);
        Ok(())
    }

    /// The JSON object of an upload.
    fn uploaded(&self, id: u64) -> Value {
        let Some(upload) = self.uploads.get(&id) else { return missing("media", "media_id", &id.to_string()) };
        let now = self.now();
        let left = (upload.expires - now) / 1000;
        let mut data = json!({
            "id": id.to_string(), "media_key": upload.key(id), "size": upload.received, "expires_after_secs": left,
        });
        let (kind, _) = upload.kind();
        if kind == "photo" {
            put(&mut data, "image", json!({"image_type": upload.media_type, "w": 1200, "h": 675}));
        } else if let Some(ready) = upload.ready {
            let processing = if ready > now {
                json!({"state": "pending", "check_after_secs": PROCESSING_SECONDS})
            } else {
                json!({"state": "succeeded", "progress_percent": 100})
            };
            put(&mut data, "processing_info", processing);
        }
        data
    }

    /// Registers uploads of `owner` as media to attach, and returns their media keys.
    pub(super) fn attach(&mut self, owner: u64, ids: impl Iterator<Item = u64>) -> Result<Vec<String>, Answer> {
        let now = self.now();
        let mut keys = Vec::new();
        for id in ids {
            let upload = self.uploads.get(&id).filter(|upload| upload.owner == owner && upload.expires > now);
            let Some(upload) = upload.filter(|upload| upload.ready.is_some_and(|ready| ready <= now)) else {
                let error = json!({"parameters": {"media.media_ids": [id.to_string()]}, "message": "Your media IDs are invalid."});
                return Err(Answer::invalid(vec![error]));
            };
            let (key, (kind, _)) = (upload.key(id), upload.kind());
            let mut media = json!({"media_key": key, "type": kind, "width": 1200, "height": 675});
            let address = format!("https://pbs.twimg.com/media/{key}.jpg");
            put(&mut media, if kind == "photo" { "url" } else { "preview_image_url" }, address);
            if let Some(alt_text) = &upload.alt_text {
                put(&mut media, "alt_text", alt_text.as_str());
            }
            self.media.insert(key.clone(), media);
            keys.push(key);
        }
        Ok(keys)
    }
}
