"""Checks the simulator against X's own specification: `against_specification.py openapi.json [conversations…]`.

Calls every endpoint with many combinations of parameters, with and without the names `post.*`, and validates each answer,
errors included. Fields that the specification does not name are violations. Input is checked in both directions: parameters,
values, members of bodies and scopes of X must be accepted, and others refused, except those in `LEGACY`.
Also validates the timelines of the accounts mentioned most in each file of conversations.
Exits with 1 if there is a violation.
"""

import json
import sys
from collections import Counter
from datetime import datetime, timedelta, timezone

import requests
from openapi_schema_validator import OAS30Validator

from simulator import CLIENT_ID, URL, begin, tell

# Fields with a newer name in the specification. X answers with the old names unless the request uses new ones.
RENAMED = {
    "referenced_tweets": "referenced_posts",
    "edit_history_tweet_ids": "edit_history_post_ids",
    "note_tweet": "note_post",
    "pinned_tweet_id": "pinned_post_id",
    "most_recent_tweet_id": "most_recent_post_id",
    "retweet_count": "repost_count",
    "tweet_count": "post_count",
    "total_tweet_count": "total_post_count",
    "tweets": "posts",
}
# Names that X accepted before and clients still send, but the specification no longer has.
LEGACY = {
    "expansions": {
        "edit_history_tweet_ids", "entities.note.mentions.username", "most_recent_tweet_id", "pinned_tweet_id",
        "referenced_tweets.id", "referenced_tweets.id.author_id",
    },
    "user.fields": {"affiliation", "most_recent_tweet_id", "pinned_tweet_id"},
    "dm_event.fields": {"participant_ids", "referenced_tweets", "sender_id"},
    "a parameter": {"tweet.fields"},
}
# Problem types that X returns and the specification does not list.
UNLISTED = {"about:blank", "https://api.x.com/2/problems/unsupported-authentication"}
UNLISTED_SHAPE = {
    "type": "object",
    "required": ["title", "type", "status", "detail"],
    "properties": {
        "title": {"type": "string"},
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
# Schemas that allow any field.
OPEN = {"Problem", "Error"}


class Specification:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.document = json.load(file)
        self.close(self.document["components"]["schemas"])

    def close(self, schemas):
        """Forbids unknown fields in every object schema with properties."""
        def walk(node):
            if isinstance(node, dict):
                if node.get("properties") and "additionalProperties" not in node and "allOf" not in node:
                    node["additionalProperties"] = False
                for child in node.values():
                    walk(child)
            elif isinstance(node, list):
                for child in node:
                    walk(child)

        for name, schema in schemas.items():
            if name not in OPEN and not name.endswith("Problem"):
                walk(schema)

    def operation(self, method, path):
        return self.document["paths"][path][method.lower()]

    def parameters(self, method, path):
        """Query parameters: schemas by name."""
        found = {}
        for parameter in self.operation(method, path).get("parameters", []):
            if "$ref" in parameter:
                parameter = self.document["components"]["parameters"][parameter["$ref"].rsplit("/", 1)[1]]
            if parameter["in"] == "query":
                found[parameter["name"]] = parameter["schema"]
        return found

    def body(self, method, path):
        """Schema of a JSON body."""
        schema = self.operation(method, path)["requestBody"]["content"]["application/json"]["schema"]
        return self.resolved(schema)

    def resolved(self, schema):
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def sample(self, schema):
        """A value that matches the schema."""
        schema = self.resolved(schema)
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type", "object")
        if kind == "object":
            return {name: self.sample(schema["properties"][name]) for name in schema.get("required", [])}
        if kind == "array":
            return [self.sample(schema["items"])] * schema.get("minItems", 1)
        if kind == "string":
            return "1" if "pattern" in schema else "text"
        return {"integer": schema.get("minimum", 1), "boolean": True, "number": 1}[kind]

    def schema(self, method, path, answer):
        """Schema that the answer must match."""
        responses = self.operation(method, path)["responses"]
        if str(answer.status_code) in responses:
            return responses[str(answer.status_code)]["content"]["application/json"]["schema"]
        kind = answer.headers["content-type"].split(";")[0]
        if answer.json().get("type") in UNLISTED:
            return UNLISTED_SHAPE
        return responses["default"]["content"][kind]["schema"]

    def violations(self, schema, value):
        root = {**schema, "components": self.document["components"]}
        return list(OAS30Validator(root, format_checker=OAS30Validator.FORMAT_CHECKER).iter_errors(value))


class Check:
    def __init__(self, specification, token):
        self.specification = specification
        self.token = token
        self.answers = Counter()
        self.failures = []

    def call(self, method, path, expected, ids=None, query=None, body=None, token=None):
        address = path
        for name, value in (ids or {}).items():
            address = address.replace("{" + name + "}", value)
        headers = {"authorization": f"Bearer {token or self.token}"}
        answer = requests.request(method, URL + address, params=query, json=body, headers=headers, timeout=10)
        self.answers[(f"{method} {path}", answer.status_code)] += 1
        where = f"{method} {address} {query or ''} {body or ''}"
        if answer.status_code != expected:
            self.failures.append(f"{where}: {answer.status_code} instead of {expected}: {answer.text[:300]}")
        for header in ("limit", "remaining", "reset"):
            if not answer.headers.get(f"x-rate-limit-{header}", "").isdigit():
                self.failures.append(f"{where}: no x-rate-limit-{header}")
        value = answer.json()
        if not in_newer_words(query or {}):
            value = renamed(value)
        for violation in self.specification.violations(self.specification.schema(method, path, answer), value):
            self.failures.append(f"{where}: {violation.json_path}: {violation.message[:300]}")
        return value

    def spread(self, method, path, ids=None, query=None):
        """Tests all parameters, with new and with old names."""
        self.both_sides(method, path, ids, query or {})
        for base in ({}, {"post.fields": "id"}):
            if not base or "post.fields" in self.specification.parameters(method, path):
                self.spread_from({**base, **(query or {})}, method, path, ids)

    def both_sides(self, method, path, ids, query):
        """Compares the parameters and values that the simulator accepts with the specification."""
        parameters = self.specification.parameters(method, path)
        self.compare(f"{method} {path}", "a parameter", set(parameters), self.known(method, path, ids, {**query, "no_such": "1"}))
        for name, schema in parameters.items():
            if "enum" not in schema.get("items", {}):
                continue
            known = set()
            for words in ({}, {"post.fields": "id"} if "post.fields" in parameters else {}):
                known |= self.known(method, path, ids, {**query, **words, name: "no_such"})
            self.compare(f"{method} {path}", name, set(schema["items"]["enum"]), known)

    def known(self, method, path, ids, query):
        """The valid values, from the error about the unknown value `no_such`."""
        answer = self.call(method, path, 400, ids, query)
        lists = [error["message"] for error in answer.get("errors", []) if "no_such" in error["message"]]
        return set(lists[0].rsplit("[", 1)[1].rstrip("]").split(",")) if lists else set()

    def compare(self, where, name, specified, known):
        for missing in sorted(specified - known):
            self.failures.append(f"{where}: {name} `{missing}` is not known")
        for added in sorted(known - specified - LEGACY.get(name, set())):
            self.failures.append(f"{where}: {name} `{added}` is known, and X has none such")

    def bodies(self, method, path, ids):
        """Checks that every member of the body is accepted, and no other."""
        schema = self.specification.body(method, path)
        for name, member in schema["properties"].items():
            body = {**self.specification.sample(schema), name: self.specification.sample(member)}
            if f"{name}: " in self.refusal(method, path, ids, body):
                self.failures.append(f"{method} {path}: {body} is refused for `{name}`")
        if schema.get("additionalProperties") is False:
            if "$.no_such: is not defined" not in self.refusal(method, path, ids, {"no_such": 1}):
                self.failures.append(f"{method} {path}: a body may have any member")

    def refusal(self, method, path, ids, body):
        for name, value in ids.items():
            path = path.replace("{" + name + "}", value)
        headers = {"authorization": f"Bearer {self.token}"}
        answer = requests.request(method, URL + path, json=body, headers=headers, timeout=10)
        return answer.text if answer.status_code == 400 else ""

    def spread_from(self, base, method, path, ids):
        """Each value of every list parameter alone, all together, both ends of every range, and one beyond each."""
        parameters = self.specification.parameters(method, path)
        lists = {name: schema["items"]["enum"] for name, schema in parameters.items() if "enum" in schema.get("items", {})}
        for name, values in lists.items():
            for value in dict.fromkeys(values):
                self.call(method, path, 200, ids, {**base, name: value})
        everything = {name: ",".join(dict.fromkeys(values)) for name, values in lists.items() if name != "exclude"}
        self.call(method, path, 200, ids, {**base, **everything})
        for name, schema in parameters.items():
            if "maximum" in schema:
                for value in (schema["minimum"], (schema["minimum"] + schema["maximum"]) // 2, schema["maximum"]):
                    self.call(method, path, 200, ids, {**base, **everything, name: value})
                for value in (schema["minimum"] - 1, schema["maximum"] + 1, "many"):
                    self.call(method, path, 400, ids, {**base, name: value})
            if "enum" in schema:
                for value in schema["enum"]:
                    self.call(method, path, 200, ids, {**base, name: value})
                self.call(method, path, 400, ids, {**base, name: "no_such_word"})
        if "pagination_token" in parameters:
            if "max_results" in parameters:
                self.walk(method, path, ids, {**base, **everything, "max_results": parameters["max_results"]["minimum"]})
                self.call(method, path, 400, ids, {**base, "pagination_token": "no-token-of-anybody"})
        if "start_time" in parameters:
            for query in ({"start_time": long_ago(1)}, {"end_time": long_ago(1)}, {"since_id": "1"}, {"until_id": "1"}):
                self.call(method, path, 200, ids, {**base, **query})
            self.call(method, path, 400, ids, {**base, "start_time": "yesterday"})
            self.call(method, path, 400, ids, {**base, "since_id": "x"})

    def walk(self, method, path, ids, query):
        seen, token = [], None
        while True:
            page = self.call(method, path, 200, ids, {**query, **({"pagination_token": token} if token else {})})
            seen += [item["id"] for item in page.get("data", [])]
            if "previous_token" in page["meta"]:
                self.call(method, path, 200, ids, {**query, "pagination_token": page["meta"]["previous_token"]})
            token = page["meta"].get("next_token")
            if token is None:
                break
        if len(seen) != len(set(seen)):
            self.failures.append(f"{method} {path}: the pages repeat something")


def long_ago(days):
    return (datetime.now(timezone.utc) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_newer_words(query):
    expansions = str(query.get("expansions", "")).split(",")
    newer = set(RENAMED.values())
    return "post.fields" in query or "search_count.fields" in query or bool(newer & set(expansions))


def renamed(value):
    """Replaces old names in an answer by new ones."""
    if isinstance(value, dict):
        return {RENAMED.get(key, key): renamed(inner) for key, inner in value.items()}
    return [renamed(inner) for inner in value] if isinstance(value, list) else value


def fill(tokens):
    """Creates posts and messages of every kind."""
    acme = tokens["user_id"]
    tell("user", username="troll")
    root = tell("post", by="acme", text="Our autumn sale has begun https://example.com/sale?a=1&b=2 #sale $ACME")["id"]
    first = tell("post", by="mira", text="@acme is it <really>? & why 📦", in_reply_to=root)["id"]
    tell("post", by="mira", text="@acme look", media=True)
    tell("post", by="mira", text="@acme quoting", quotes=root)
    tell("post", by="mira", text="@acme " + "a long story https://example.com/x " * 20)
    edited = tell("edit", post=tell("post", by="mira", text="@acme teh parcel")["id"], text="@acme the parcel")["id"]
    tell("repost", by="mira", post=root)
    tell("repost", by="acme", post=first)
    gone = tell("post", by="mira", text="@acme soon gone")["id"]
    tell("post", by="acme", text="Answering what goes", in_reply_to=gone)
    tell("delete", post=gone)
    for n in range(8):
        post = tell("post", by="mira", text=f"@acme number {n}")["id"]
        tell("post", by="acme", text=f"Answer {n}", in_reply_to=post)
        tell("like", by="acme", post=post)
    for user in ("acme", "mira"):
        tell("follow", by=user, user="mira" if user == "acme" else "acme")
    tell("like", by="mira", post=root)
    tell("block", by="acme", user="troll")
    dm = [tell("dm", **{"from": "mira", "to": "acme", "text": f"hello {n} https://example.com"})["id"] for n in range(5)]
    mira = requests.get(f"{URL}/2/dm_events/{dm[0]}?dm_event.fields=sender_id",
                        headers={"authorization": f"Bearer {tokens['access_token']}"}, timeout=10).json()["data"]["sender_id"]
    return acme, mira, root, first, edited, gone, dm


def changes(check, acme, mira, root, first, both):
    """Performs every action that can be undone, and undoes it."""
    for path, body, undo in (
        ("retweets", {"tweet_id": first}, "/2/users/{id}/retweets/{source_tweet_id}"),
        ("likes", {"tweet_id": first}, "/2/users/{id}/likes/{tweet_id}"),
        ("bookmarks", {"tweet_id": first}, "/2/users/{id}/bookmarks/{tweet_id}"),
        ("following", {"target_user_id": mira}, "/2/users/{source_user_id}/following/{target_user_id}"),
        ("blocking", {"target_user_id": mira}, "/2/users/{source_user_id}/blocking/{target_user_id}"),
        ("muting", {"target_user_id": mira}, "/2/users/{source_user_id}/muting/{target_user_id}"),
    ):
        check.call("POST", f"/2/users/{{id}}/{path}", 200, {"id": acme}, body=body)
        check.call("POST", f"/2/users/{{id}}/{path}", 400, {"id": mira}, body=body)
        names = [part.strip("{}") for part in undo.split("/") if part.startswith("{")]
        check.call("DELETE", undo, 200, dict(zip(names, (acme, *body.values()))))
    check.call("PUT", "/2/tweets/{tweet_id}/hidden", 200, {"tweet_id": first}, body={"hidden": True})
    check.call("PUT", "/2/tweets/{tweet_id}/hidden", 403, {"tweet_id": root}, body={"hidden": True})
    conversation = {"dm_conversation_id": both}
    sent = check.call("POST", "/2/dm_conversations/{dm_conversation_id}/messages", 201, conversation, body={"text": "there"})
    check.call("DELETE", "/2/dm_events/{event_id}", 200, {"event_id": sent["data"]["dm_event_id"]})
    troll = tell("connect", account="troll")["user_id"]
    group = {"conversation_type": "Group", "participant_ids": [mira, troll], "message": {"text": "all of you"}}
    check.call("POST", "/2/dm_conversations", 201, body=group)
    video = {"media_type": "video/mp4", "media_category": "tweet_video", "total_bytes": 3}
    video = {"id": check.call("POST", "/2/media/upload/initialize", 200, body=video)["data"]["id"]}
    check.call("POST", "/2/media/upload/{id}/finalize", 400, video)
    check.call("POST", "/2/media/upload/{id}/append", 200, video, body={"segment_index": 0, "media": "AQID"})
    check.call("POST", "/2/media/upload/{id}/finalize", 200, video)
    check.call("GET", "/2/media/upload", 200, query={"media_id": video["id"], "command": "STATUS"})
    check.call("GET", "/2/media/upload", 400, query={"command": "STATUS"})
    check.call("POST", "/2/media/metadata", 200, body={**video, "metadata": {"alt_text": {"text": "a parcel"}}})


def activity(check, acme, mira):
    """Subscriptions to events, and webhooks that do not answer."""
    app = {"token": tell("app_token")["token"]}
    several, one = "/2/activity/subscriptions", "/2/activity/subscriptions/{subscription_id}"
    types = check.specification.body("POST", several)["properties"]["event_type"]["enum"]
    for event_type in types:
        public = event_type.split(".")[0] not in ("dm", "chat", "like", "mute", "block")
        body = {"event_type": event_type, "filter": {"user_id": acme, "keyword": "a"}, "tag": "t"}
        check.call("POST", several, 200 if public else 403, body=body, **app)
        made = check.call("POST", several, 200, body={**body, "expires_at": "2099-01-01T00:00:00Z"})
    for wrong in ({"filter": {}}, {"filter": {"user_id": acme}, "no_such": 1}, {"filter": {"no_such": "1"}}):
        check.call("POST", several, 400, body={"event_type": "post.create", **wrong}, **app)
    check.call("POST", several, 403, body={"event_type": "dm.received", "filter": {"user_id": mira}})
    for query in ({}, {"max_results": 1}, {"max_results": 1_000}, {"user_id": acme}):
        check.call("GET", several, 200, query=query, **app)
    for query in ({"max_results": 0}, {"max_results": 1_001}, {"user_id": "x"}, {"pagination_token": "of-no-other-page"}):
        check.call("GET", several, 400, query=query, **app)
    named = {"subscription_id": made["data"]["subscription"]["subscription_id"]}
    check.call("PUT", one, 200, named, body={"tag": "other"}, **app)
    check.call("DELETE", one, 200, named, **app)
    check.call("DELETE", one, 200, named, **app)
    check.call("DELETE", several, 200, query={"ids": named["subscription_id"]}, **app)
    check.call("GET", "/2/activity/stream", 403)
    check.call("GET", "/2/activity/stream", 400, query={"backfill_minutes": 6}, **app)
    for url in ("http://127.0.0.1:1/hook", "http://desk.example/hook", "https://desk.example:1/hook", "a" * 201):
        check.call("POST", "/2/webhooks", 400, body={"url": url}, **app)
    check.call("GET", "/2/webhooks", 200, query={"webhook_config.fields": "created_at,id,url,valid"}, **app)
    for method in ("PUT", "DELETE"):
        check.call(method, "/2/webhooks/{webhook_id}", 200, {"webhook_id": "1"}, **app)
    job = {"webhook_id": "1", "from_date": "202001010000", "to_date": "202001010001"}
    check.call("POST", "/2/webhooks/replay", 400, body=job, **app)
    check.call("GET", "/2/account_activity/subscriptions/count", 200, **app)
    check.call("POST", "/2/account_activity/webhooks/{webhook_id}/subscriptions/all", 200, {"webhook_id": "1"}, body={})


def scopes(check):
    """Checks that every scope of X can be requested, and no other."""
    flow = check.specification.document["components"]["securitySchemes"]["OAuth2UserToken"]["flows"]["authorizationCode"]
    wish = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": "http://127.0.0.1:8918/callback", "state": "s",
            "code_challenge": "c", "code_challenge_method": "plain"}
    for scope, expected in ((" ".join(flow["scopes"]), 200), ("no.such", 400)):
        page = requests.get(f"{URL}/i/oauth2/authorize", params={**wish, "scope": scope}, timeout=10)
        if page.status_code != expected:
            check.failures.append(f"scopes `{scope}`: {page.status_code} instead of {expected}: {page.text[-300:]}")


def spoken_to(path):
    """The handles mentioned most often in a file of conversations."""
    handles = Counter()
    with open(path, encoding="utf-8") as file:
        for line in file:
            mentions = json.loads(line).get("data", {}).get("entities", {}).get("mentions", [])
            handles.update(mention["username"] for mention in mentions)
    return [handle for handle, _ in handles.most_common(3)]


def loaded(check, path):
    """Loads a file into the simulator and requests everything in it, with all fields."""
    tell("reset")
    with open(path, "rb") as file:
        report = requests.post(f"{URL}/sim/load", data=file, timeout=60).json()
    assert report["posts"] and not report["unreadable"], report
    tell("release", keep_clock=True)
    for handle in spoken_to(path):
        tokens = tell("connect", account=handle)
        check.token = tokens["access_token"]
        ids = {"id": tokens["user_id"]}
        for way, where in (("/2/users/{id}/mentions", ids), ("/2/users/{id}/tweets", ids),
                           ("/2/users/{id}/liked_tweets", ids), ("/2/dm_events", {})):
            lists = check.specification.parameters("GET", way)
            query = {name: ",".join(dict.fromkeys(schema["items"]["enum"]))
                     for name, schema in lists.items() if "enum" in schema.get("items", {}) and name != "exclude"}
            check.walk("GET", way, where, {**query, "max_results": 20})


def main():
    tokens = begin()
    acme, mira, root, first, edited, gone, dm = fill(tokens)
    check = Check(Specification(sys.argv[1]), tokens["access_token"])
    both = "-".join(sorted((acme, mira), key=int))

    check.spread("GET", "/2/users/me")
    check.spread("GET", "/2/users/{id}", {"id": mira})
    check.spread("GET", "/2/users/by/username/{username}", {"username": "mira"})
    for path in ("/2/users/{id}/tweets", "/2/users/{id}/mentions", "/2/users/{id}/liked_tweets"):
        check.spread("GET", path, {"id": acme})
    check.spread("GET", "/2/users/{id}/tweets", {"id": mira})
    check.spread("GET", "/2/users/{id}/mentions", {"id": mira})
    for path in ("followers", "following", "blocking", "muting", "bookmarks", "timelines/reverse_chronological"):
        check.spread("GET", f"/2/users/{{id}}/{path}", {"id": acme})
    check.spread("GET", "/2/users", query={"ids": f"{acme},{mira},1"})
    check.spread("GET", "/2/users/by", query={"usernames": "acme,mira,nobody"})
    for path in ("liking_users", "retweeted_by", "retweets", "quote_tweets"):
        check.spread("GET", f"/2/tweets/{{id}}/{path}", {"id": root})
    check.spread("GET", "/2/tweets/search/recent", query={"query": "@acme OR from:acme"})
    check.spread("GET", "/2/tweets/counts/recent", query={"query": "@acme"})
    check.spread("GET", "/2/dm_events")
    check.spread("GET", "/2/dm_events/{event_id}", {"event_id": dm[0]})
    check.spread("GET", "/2/dm_conversations/with/{participant_id}/dm_events", {"participant_id": mira})
    check.spread("GET", "/2/dm_conversations/{id}/dm_events", {"id": both})
    check.spread("GET", "/2/tweets", query={"ids": f"{root},{first},{edited},{gone},1"})
    check.spread("GET", "/2/tweets/{id}", {"id": edited})

    # Missing objects.
    words = {"post.fields": "id"}
    check.call("GET", "/2/tweets/{id}", 200, {"id": gone}, words)
    check.call("GET", "/2/tweets", 200, query={"ids": gone, **words})
    check.call("GET", "/2/tweets", 400, query=words)
    check.call("GET", "/2/tweets", 400, query={"ids": "x", **words})
    check.call("GET", "/2/users/{id}", 200, {"id": "1"}, words)
    check.call("GET", "/2/users/{id}", 400, {"id": "x"}, words)
    check.call("GET", "/2/users/{id}/mentions", 200, {"id": "1"}, words)
    check.call("GET", "/2/users/by/username/{username}", 200, {"username": "nobody"}, words)
    check.call("GET", "/2/dm_events/{event_id}", 200, {"event_id": "1"}, words)

    # Writes, and their errors.
    for method, path, ids in (
        ("POST", "/2/tweets", {}),
        ("POST", "/2/users/{id}/retweets", {"id": acme}),
        ("POST", "/2/users/{id}/likes", {"id": acme}),
        ("POST", "/2/users/{id}/following", {"id": acme}),
        ("POST", "/2/users/{id}/blocking", {"id": acme}),
        ("POST", "/2/users/{id}/muting", {"id": acme}),
        ("PUT", "/2/tweets/{tweet_id}/hidden", {"tweet_id": first}),
        ("POST", "/2/dm_conversations", {}),
        ("POST", "/2/dm_conversations/{dm_conversation_id}/messages", {"dm_conversation_id": both}),
        ("POST", "/2/dm_conversations/with/{participant_id}/messages", {"participant_id": mira}),
        ("POST", "/2/media/upload/initialize", {}),
    ):
        check.bodies(method, path, ids)
    changes(check, acme, mira, root, first, both)
    picture = check.call("POST", "/2/media/upload", 200, body={"media": "AQID", "media_category": "tweet_image"})["data"]["id"]
    reply = {"text": "On its way & soon there", "reply": {"in_reply_to_tweet_id": first}}
    made = check.call("POST", "/2/tweets", 201, body=reply)["data"]["id"]
    check.call("POST", "/2/tweets", 403, body=reply)
    check.call("POST", "/2/tweets", 403, body={"text": "x" * 281})
    check.call("POST", "/2/tweets", 403, body={"text": "late", "reply": {"in_reply_to_tweet_id": gone}})
    check.call("POST", "/2/tweets", 201, body={"text": "with a picture", "media": {"media_ids": [picture]}})
    check.call("POST", "/2/tweets", 400, body={"text": "no picture", "media": {"media_ids": ["12"]}})
    check.call("POST", "/2/tweets", 201, body={"text": "quoting", "quote_tweet_id": first})
    for body in ({}, {"text": ""}, {"text": "a", "no_such_field": 1}, {"text": "a", "reply": {"in_reply_to_tweet_id": "x"}}):
        check.call("POST", "/2/tweets", 400, body=body)
    unasked = tell("post", by="mira", text="nobody asked you")["id"]
    check.call("POST", "/2/tweets", 403, body={"text": "still", "reply": {"in_reply_to_tweet_id": unasked}})
    check.call("DELETE", "/2/tweets/{id}", 200, {"id": made})
    check.call("DELETE", "/2/tweets/{id}", 200, {"id": made})
    check.call("DELETE", "/2/tweets/{id}", 403, {"id": first})
    send = "/2/dm_conversations/with/{participant_id}/messages"
    check.call("POST", send, 201, {"participant_id": mira}, body={"text": "Thanks <3"})
    check.call("POST", send, 201, {"participant_id": mira}, body={"attachments": [{"media_id": picture}]})
    check.call("POST", send, 400, {"participant_id": mira}, body={"text": ""})
    check.call("POST", send, 403, {"participant_id": mira}, body={"text": "x" * 10_001})
    check.call("POST", send, 400, {"participant_id": mira}, body={"text": "a", "no_such_field": 1})
    tell("allow", account="mira", dms=False)
    check.call("POST", send, 403, {"participant_id": mira}, body={"text": "Hello?"})
    check.call("POST", "/2/users/{id}/likes", 200, {"id": acme}, body={"tweet_id": first})
    check.call("POST", "/2/users/{id}/likes", 400, {"id": mira}, body={"tweet_id": first})
    check.call("POST", "/2/users/{id}/likes", 400, {"id": acme}, body={"tweet_id": "x"})
    check.call("DELETE", "/2/users/{id}/likes/{tweet_id}", 200, {"id": acme, "tweet_id": first})
    check.call("GET", "/2/dm_events", 200)

    activity(check, acme, mira)

    # Missing rights and rate limits.
    scopes(check)
    check.call("GET", "/2/users/me", 401, token="of nobody")
    app = tell("app_token")["token"]
    check.call("GET", "/2/users/{id}/mentions", 200, {"id": acme}, words, token=app)
    check.call("GET", "/2/dm_events", 403, token=app)
    narrow = tell("connect", account="acme", scopes=["tweet.read", "users.read"])["access_token"]
    check.call("GET", "/2/users/me", 200, query=words, token=narrow)
    check.call("GET", "/2/dm_events", 403, token=narrow)
    check.call("POST", "/2/tweets", 403, body={"text": "no right to"}, token=narrow)
    tell("limit", endpoint="GET /2/users/me", requests=1)
    check.call("GET", "/2/users/me", 200, query=words)
    check.call("GET", "/2/users/me", 429, query=words)

    for path in sys.argv[2:]:
        loaded(check, path)

    for (endpoint, status), count in sorted(check.answers.items()):
        print(f"{count:5}  {status}  {endpoint}")
    for failure in check.failures[:50]:
        print("VIOLATION", failure)
    total = sum(check.answers.values())
    print(f"specification {check.specification.document['info']['version']}: "
          f"{total} answers, {len(check.failures)} violations")
    sys.exit(1 if check.failures else 0)


main()
