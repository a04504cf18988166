"""X's own Python client, unmodified, reads and answers through the simulator. It uses the names `post.*`."""

import os
from urllib.parse import parse_qs, urlparse

# Without this, the client's OAuth library refuses plain HTTP.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from xdk import Client

from simulator import CLIENT_ID, URL, begin, sent, tell

SCOPES = ["tweet.read", "tweet.write", "users.read", "dm.read", "dm.write", "like.read", "offline.access"]
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
    print(f"xdk: signed in, read {len(seen)} mentions and {len(with_mira)} messages, sent a reply and a message")


main()
