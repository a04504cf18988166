"""X's own Python client, unmodified, reads and answers through the simulator. It uses the names `post.*`."""

import base64
import hashlib
import hmac
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from urllib.parse import parse_qs, urlparse

# Without this, the client's OAuth library refuses plain HTTP.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from xdk import Client

from simulator import CLIENT_ID, URL, begin, sent, tell

SCOPES = ["tweet.read", "tweet.write", "users.read", "dm.read", "dm.write", "like.read", "offline.access"]
CONSUMER_SECRET = "twite-sim-consumer-secret"
CALLBACK = "http://127.0.0.1:8918/callback"


def sign_in():
    """Authorises the app as a person would in a browser, and returns a client with the tokens."""
    app = Client(
        base_url=URL,
        authorization_base_url=f"{URL}/i",
        client_id=CLIENT_ID,
        redirect_uri=CALLBACK,
        scope=SCOPES,
    )
    page = app.oauth2_auth.get_authorization_url(state="a state")
    assert "Authorise" in requests.get(page, timeout=10).text
    form = {name: values[0] for name, values in parse_qs(urlparse(page).query).items()}
    form |= {"account": "acme", "decision": "approve"}
    back = requests.post(f"{URL}/i/oauth2/authorize", data=form, allow_redirects=False, timeout=10).headers["location"]
    assert back.startswith(CALLBACK), back
    answer = parse_qs(urlparse(back).query)
    assert answer["state"] == ["a state"]
    tokens = app.oauth2_auth.exchange_code(answer["code"][0])
    assert tokens["refresh_token"] and tokens["expires_in"] == 7200, tokens
    return Client(base_url=URL, access_token=tokens["access_token"])


def signed(message):
    return "sha256=" + base64.b64encode(hmac.new(CONSUMER_SECRET.encode(), message, hashlib.sha256).digest()).decode()


def receiver():
    """A webhook that answers CRC checks: its URL, and a queue of what it receives with a valid signature."""
    received = Queue()

    class Webhook(BaseHTTPRequestHandler):
        def respond(self, body):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            token = parse_qs(urlparse(self.path).query)["crc_token"][0]
            self.respond(json.dumps({"response_token": signed(token.encode())}).encode())

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers["x-twitter-webhooks-signature"] == signed(body):
                received.put(json.loads(body))
            self.respond(b"")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Webhook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/hook", received


def receive_events(me):
    """Receives events by stream, by webhook, and by the older Account Activity API."""
    app = Client(base_url=URL, bearer_token=tell("app_token")["token"])
    url, received = receiver()
    webhook = app.webhooks.create({"url": url}).data
    assert webhook.valid
    assert app.webhooks.validate(webhook.id).data.valid
    for to in ({}, {"webhook_id": webhook.id}):
        body = {"event_type": "post.mention.create", "filter": {"user_id": me}, "tag": "desk", **to}
        assert app.activity.create_subscription(body).data
    # The client's own stream skips events with the older names, which X sends: its models require the newer ones.
    authorization = {"authorization": f"Bearer {app.bearer_token}"}
    stream = requests.get(f"{URL}/2/activity/stream", headers=authorization, stream=True, timeout=30)
    post = tell("post", by="mira", text="@acme an event")["id"]
    delivered = received.get(timeout=20)["data"]
    assert (delivered["payload"]["id"], delivered["tag"]) == (post, "desk"), delivered
    event = json.loads(next(stream.iter_lines()))["data"]
    assert event["event_type"] == "post.mention.create" and event["payload"]["id"] == post, event
    subscriptions = [s for page in app.activity.get_subscriptions() for s in page.data or []]
    assert len(subscriptions) == 2, subscriptions
    user = Client(base_url=URL, access_token=tell("connect", account="acme")["access_token"])
    assert user.account_activity.create_subscription(webhook.id, {}).data.subscribed
    tell("dm", **{"from": "mira", "to": "acme", "text": "psst"})
    message = received.get(timeout=20)
    assert message["for_user_id"] == me and message["direct_message_events"], message
    assert app.webhooks.delete(webhook.id).data.deleted


def main():
    begin()
    x = sign_in()
    # Without `post_fields`, the simulator answers with the old names, as X does, and this client cannot read them.
    me = x.users.get_me(user_fields=["public_metrics", "verified_type"], post_fields=["id"]).data
    assert me.username == "acme", me
    assert me.public_metrics.followers_count == 10, me

    posts = [tell("post", by="mira", text=f"@acme my parcel number {n} <late> & lost 📦")["id"] for n in range(12)]
    long = tell("post", by="mira", text="@acme " + "every word of this counts. " * 20)["id"]

    seen = []
    for page in x.users.get_mentions(
        me.id,
        max_results=5,
        post_fields=["created_at", "entities", "note_post", "public_metrics"],
        expansions=["author_id", "referenced_posts"],
        user_fields=["public_metrics", "verified_type"],
    ):
        seen += page.data
        assert page.includes.users[0].username == "mira"
        assert page.includes.users[0].public_metrics.post_count == 345
        assert page.includes.users[0].verified_type == "blue"
    assert [post.id for post in seen] == [long, *reversed(posts)], "every mention once, newest first"
    assert seen[0].note_post.text.endswith("this counts. ") and len(seen[0].text) < 300
    assert seen[1].text == "@acme my parcel number 11 &lt;late&gt; &amp; lost 📦"
    assert seen[1].entities.mentions[0].username == "acme"
    assert seen[1].public_metrics.repost_count == 0

    newer = list(x.users.get_mentions(me.id, since_id=posts[-1]))
    assert [post.id for page in newer for post in page.data or []] == [long]

    made = x.posts.create({"text": "On its way! *now*", "reply": {"in_reply_to_tweet_id": posts[3]}}).data
    assert made.text == "@mira On its way! *now*", "a reply names whom it answers"
    own = [post for page in x.users.get_posts(me.id, expansions=["referenced_posts"]) for post in page.data]
    assert own[0].id == made.id and own[0].referenced_posts[0].id == posts[3]
    found = x.posts.get_by_ids(ids=[made.id, posts[0]], post_fields=["conversation_id"]).data
    assert found[0].conversation_id == posts[3], found

    dm = tell("dm", **{"from": "mira", "to": "acme", "text": "My number is 070-12 & that's private"})["id"]
    events = [event for page in x.direct_messages.get_events(
        dm_event_fields=["created_at", "dm_conversation_id"], expansions=["sender_id"]) for event in page.data]
    assert [event.id for event in events] == [dm]
    assert events[0].text == "My number is 070-12 &amp; that's private"
    mira = events[0].sender_id
    answer = x.direct_messages.create_by_participant_id(mira, {"text": "Thank you"}).data
    assert answer.dm_conversation_id == events[0].dm_conversation_id
    with_mira = [event for page in x.direct_messages.get_events_by_participant_id(mira) for event in page.data]
    assert [event.id for event in with_mira] == [answer.dm_event_id, dm]

    done = [(act["kind"], act["text"], act["in_reply_to"], act["to"]) for act in sent()]
    assert done == [("post", "On its way! *now*", posts[3], None), ("dm", "Thank you", None, mira)], done
    receive_events(me.id)
    print(f"xdk: signed in, read {len(seen)} mentions and {len(with_mira)} messages, sent a reply and a message, received events")


main()
