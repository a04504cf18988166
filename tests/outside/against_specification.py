"""Checks the simulator's answers against X's own specification: `against_specification.py openapi.json [conversations…]`.

Calls every endpoint over a spread of parameters, in the words `post.*`, and validates each answer, refusals too. Objects
the specification describes are taken as closed: a field it does not name is a violation, except those in `KNOWN`.
The same for what is loaded from files of conversations: for the accounts most spoken to in each, all their timelines.
Exits with 1 where anything is violated.
"""

import json
import sys
from collections import Counter

import requests
from openapi_schema_validator import OAS30Validator

from simulator import URL, begin, tell

# The real interface differs from its specification here: it answers in the older word.
KNOWN = {("POST", "/2/tweets"): {"edit_history_tweet_ids"}}
# Problems that are seen in the field and that the specification does not list.
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
# Objects in which any field may appear.
OPEN = {"Problem", "Error"}


class Specification:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.document = json.load(file)
        self.close(self.document["components"]["schemas"])

    def close(self, schemas):
        """Makes every described object refuse fields that are not described."""
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
        """Query parameters by name, as their schemas."""
        found = {}
        for parameter in self.operation(method, path).get("parameters", []):
            if "$ref" in parameter:
                parameter = self.document["components"]["parameters"][parameter["$ref"].rsplit("/", 1)[1]]
            if parameter["in"] == "query":
                found[parameter["name"]] = parameter["schema"]
        return found

    def schema(self, method, path, answer):
        """The schema an answer has to fit."""
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
        known = KNOWN.get((method, path), set())
        if isinstance(value.get("data"), dict):
            value["data"] = {key: inner for key, inner in value["data"].items() if key not in known}
        for violation in self.specification.violations(self.specification.schema(method, path, answer), value):
            self.failures.append(f"{where}: {violation.json_path}: {violation.message[:300]}")
        return value

    def spread(self, method, path, ids=None, query=None):
        """Every value of every list parameter alone, all together, the ends of every range, and one beyond."""
        base = {"post.fields": "id", **(query or {})}
        parameters = self.specification.parameters(method, path)
        lists = {name: schema["items"]["enum"] for name, schema in parameters.items() if "enum" in schema.get("items", {})}
        for name, values in lists.items():
            for value in dict.fromkeys(values):
                self.call(method, path, 200, ids, {**base, name: value})
            self.call(method, path, 400, ids, {**base, name: "no_such_word"})
        everything = {name: ",".join(dict.fromkeys(values)) for name, values in lists.items() if name != "exclude"}
        self.call(method, path, 200, ids, {**base, **everything})
        for name, schema in parameters.items():
            if "maximum" in schema:
                for value in (schema["minimum"], (schema["minimum"] + schema["maximum"]) // 2, schema["maximum"]):
                    self.call(method, path, 200, ids, {**base, **everything, name: value})
                for value in (schema["minimum"] - 1, schema["maximum"] + 1, "many"):
                    self.call(method, path, 400, ids, {**base, name: value})
        if "pagination_token" in parameters:
            self.walk(method, path, ids, {**base, **everything, "max_results": parameters["max_results"]["minimum"]})
            self.call(method, path, 400, ids, {**base, "pagination_token": "no-token-of-anybody"})
        if "start_time" in parameters:
            for query in ({"start_time": "2020-01-01T00:00:00Z"}, {"end_time": "2020-01-01T00:00:00Z"}):
                self.call(method, path, 200, ids, {**base, **query})
            self.call(method, path, 400, ids, {**base, "start_time": "yesterday"})
            for query in ({"since_id": "1"}, {"until_id": "1"}):
                self.call(method, path, 200, ids, {**base, **query})
            self.call(method, path, 400, ids, {**base, "since_id": "x"})
        self.call(method, path, 400, ids, {**base, "no_such_parameter": "1"})

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


def fill(tokens):
    """Posts and messages of every kind."""
    acme = tokens["user_id"]
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
    dm = [tell("dm", **{"from": "mira", "to": "acme", "text": f"hello {n} https://example.com"})["id"] for n in range(5)]
    mira = requests.get(f"{URL}/2/dm_events/{dm[0]}?dm_event.fields=sender_id",
                        headers={"authorization": f"Bearer {tokens['access_token']}"}, timeout=10).json()["data"]["sender_id"]
    return acme, mira, root, first, edited, gone, dm


def spoken_to(path):
    """The handles most often mentioned in a file of conversations."""
    handles = Counter()
    with open(path, encoding="utf-8") as file:
        for line in file:
            mentions = json.loads(line).get("data", {}).get("entities", {}).get("mentions", [])
            handles.update(mention["username"] for mention in mentions)
    return [handle for handle, _ in handles.most_common(3)]


def loaded(check, path):
    """Reads a file into the simulator and walks along everything in it, with every field."""
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
    check.spread("GET", "/2/dm_events")
    check.spread("GET", "/2/dm_events/{event_id}", {"event_id": dm[0]})
    check.spread("GET", "/2/dm_conversations/with/{participant_id}/dm_events", {"participant_id": mira})
    check.spread("GET", "/2/dm_conversations/{id}/dm_events", {"id": both})
    check.spread("GET", "/2/tweets", query={"ids": f"{root},{first},{edited},{gone},1"})
    check.spread("GET", "/2/tweets/{id}", {"id": edited})

    # What is not there.
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

    # What changes something, and what X refuses.
    reply = {"text": "On its way & soon there", "reply": {"in_reply_to_tweet_id": first}}
    made = check.call("POST", "/2/tweets", 201, body=reply)["data"]["id"]
    check.call("POST", "/2/tweets", 403, body=reply)
    check.call("POST", "/2/tweets", 403, body={"text": "x" * 281})
    check.call("POST", "/2/tweets", 403, body={"text": "late", "reply": {"in_reply_to_tweet_id": gone}})
    check.call("POST", "/2/tweets", 201, body={"text": "with a picture", "media": {"media_ids": ["12"]}})
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
    check.call("POST", send, 201, {"participant_id": mira}, body={"attachments": [{"media_id": "12"}]})
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

    # Who may not.
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
