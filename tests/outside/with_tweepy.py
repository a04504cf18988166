"""tweepy, unmodified, reads and answers through the simulator. It uses the names `tweet.*`.

Its host is hard-coded, so an adapter on its session redirects requests to the simulator.
"""

import requests
import tweepy

from simulator import URL, begin, sent, tell

TWEET_FIELDS = ["author_id", "created_at", "conversation_id", "entities", "note_tweet", "public_metrics", "referenced_tweets"]


class Detour(requests.adapters.HTTPAdapter):
    """Redirects requests for X to the simulator."""

    def send(self, request, *args, **kwargs):
        request.url = request.url.replace("https://api.twitter.com", URL, 1)
        return super().send(request, *args, **kwargs)


def client(**secrets):
    made = tweepy.Client(**secrets)
    made.session.mount("https://api.twitter.com", Detour())
    return made


def use(x, name, user_auth):
    """Reads and answers with one kind of authentication."""
    me = x.get_me(user_fields=["public_metrics"], user_auth=user_auth).data
    assert me.username == "acme" and me.public_metrics["tweet_count"] == 0, me.data

    posts = [tell("post", by="mira", text=f"@acme {name} {n}: a < b & c > d 📦")["id"] for n in range(12)]
    long = tell("post", by="mira", text=f"@acme {name} " + "every word of this counts. " * 20)["id"]

    pages = tweepy.Paginator(
        x.get_users_mentions,
        me.id,
        max_results=5,
        tweet_fields=TWEET_FIELDS,
        expansions=["author_id", "referenced_tweets.id"],
        user_fields=["public_metrics"],
        user_auth=user_auth,
    )
    seen = []
    for page in pages:
        seen += page.data
        assert page.includes["users"][0].public_metrics["tweet_count"] == 345
        assert page.includes["users"][0].public_metrics["followers_count"] == 12_000
    assert [str(post.id) for post in seen[:13]] == [long, *reversed(posts)], "every mention once, newest first"
    assert seen[0].note_tweet["text"].endswith("this counts. ")
    assert seen[1].text == f"@acme {name} 11: a &lt; b &amp; c &gt; d 📦"
    assert seen[1].edit_history_tweet_ids == [seen[1].id]
    assert seen[1].public_metrics["retweet_count"] == 0
    newer = x.get_users_mentions(me.id, since_id=posts[-1], user_auth=user_auth)
    assert [str(post.id) for post in newer.data] == [long]
    assert x.get_users_mentions(me.id, since_id=long, user_auth=user_auth).data is None

    made = x.create_tweet(text=f"{name}: on its way! (*now*)", in_reply_to_tweet_id=posts[3], user_auth=user_auth).data
    own = x.get_users_tweets(me.id, tweet_fields=TWEET_FIELDS, user_auth=user_auth).data
    assert str(own[0].id) == made["id"] and str(own[0].referenced_tweets[0].id) == posts[3]
    try:
        x.create_tweet(text=f"{name}: on its way! (*now*)", in_reply_to_tweet_id=posts[3], user_auth=user_auth)
        raise AssertionError("the same reply was taken twice")
    except tweepy.Forbidden as refusal:
        assert "duplicate content" in str(refusal), refusal

    dm = tell("dm", **{"from": "mira", "to": "acme", "text": f"{name}: just between us"})["id"]
    events = x.get_direct_message_events(
        dm_event_fields=["sender_id", "dm_conversation_id", "created_at"], expansions="sender_id", user_auth=user_auth
    )
    assert str(events.data[0].id) == dm and events.data[0].text == f"{name}: just between us"
    mira = events.data[0].sender_id
    answer = x.create_direct_message(participant_id=mira, text="Thank you", user_auth=user_auth).data
    assert answer["dm_conversation_id"] == events.data[0].dm_conversation_id
    with_mira = x.get_direct_message_events(participant_id=mira, user_auth=user_auth).data
    assert [str(event.id) for event in with_mira[:2]] == [answer["dm_event_id"], dm]

    done = [(act["kind"], act["text"], act["in_reply_to"], act["to"]) for act in sent()[-2:]]
    expected = [("post", f"{name}: on its way! (*now*)", posts[3], None), ("dm", "Thank you", None, str(mira))]
    assert done == expected, done
    print(f"tweepy, {name}: read {len(seen)} mentions and {len(with_mira)} messages, sent a reply and a message")


def main():
    tokens = begin()
    use(
        client(
            consumer_key="any",
            consumer_secret="any",
            access_token=tokens["oauth1_token"],
            access_token_secret=tokens["oauth1_token_secret"],
        ),
        "OAuth 1.0a",
        user_auth=True,
    )
    use(client(bearer_token=tokens["access_token"]), "OAuth 2", user_auth=False)
    tell("revoke", account="acme")
    try:
        client(bearer_token=tokens["access_token"]).get_me(user_auth=False)
        raise AssertionError("a revoked token was taken")
    except tweepy.Unauthorized:
        pass


main()
