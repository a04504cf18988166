// twitter-api-v2, the most used client for Node, unmodified: it uses the names `tweet.*`, and requests tokens with a
// JSON body.

const assert = require('node:assert/strict');
const { TwitterApi, EUploadMimeType } = require('twitter-api-v2');
const { CLIENT_ID, CALLBACK, tell, sent, begin, approve, run } = require('./simulator.cjs');

const SCOPES = [
  'tweet.read', 'tweet.write', 'users.read', 'dm.read', 'dm.write', 'like.read', 'like.write', 'follows.read', 'follows.write',
  'bookmark.read', 'bookmark.write', 'block.read', 'block.write', 'mute.read', 'mute.write', 'list.read', 'space.read',
  'media.write', 'tweet.moderate.write', 'offline.access',
];
const PICTURE = Buffer.alloc(1_500_000, 7);

async function signIn() {
  const app = new TwitterApi({ clientId: CLIENT_ID });
  const link = app.generateOAuth2AuthLink(CALLBACK, { scope: SCOPES });
  const back = await approve(link.url);
  assert.equal(back.state, link.state);
  const login = { code: back.code, codeVerifier: link.codeVerifier, redirectUri: CALLBACK };
  const first = await app.loginWithOAuth2(login);
  assert.deepEqual(first.scope.sort(), SCOPES.slice().sort());
  const second = await app.refreshOAuth2Token(first.refreshToken);
  await assert.rejects(app.refreshOAuth2Token(first.refreshToken), (error) => error.code === 400);
  return second.client;
}

async function read(x, me, mira) {
  const posts = [];
  for (let n = 0; n < 12; n++) posts.push((await tell('post', { by: 'mira', text: `@acme number ${n} #parcel` })).id);
  const mentions = await x.v2.userMentionTimeline(me.id, {
    max_results: 5,
    expansions: ['author_id', 'referenced_tweets.id', 'in_reply_to_user_id', 'attachments.media_keys'],
    'tweet.fields': ['created_at', 'conversation_id', 'entities', 'note_tweet', 'public_metrics', 'referenced_tweets'],
    'user.fields': ['public_metrics', 'verified_type', 'profile_image_url'],
    'media.fields': ['url'],
  });
  const seen = [];
  for await (const post of mentions) seen.push(post.id);
  assert.deepEqual(seen, posts.slice().reverse());
  assert.equal(mentions.includes.users[0].public_metrics.tweet_count, 345);
  assert.ok(mentions.rateLimit.limit > 0);

  const found = [];
  for await (const post of await x.v2.search('#parcel -is:retweet from:mira', { max_results: 10, since_id: posts[0] })) found.push(post.id);
  assert.deepEqual(found, posts.slice(1).reverse());
  assert.equal((await x.v2.tweetCountRecent('#parcel')).meta.total_tweet_count, 12);
  await assert.rejects(x.v2.search('is:retweet'), (error) => error.code === 400);

  assert.equal((await x.v2.userByUsername('mira', { 'user.fields': 'created_at,connection_status' })).data.id, mira);
  assert.deepEqual((await x.v2.usersByUsernames(['mira', 'acme'])).data.map((user) => user.id), [mira, me.id]);
  assert.deepEqual((await x.v2.users([mira])).data.map((user) => user.username), ['mira']);
  assert.equal((await x.v2.usersByUsernames(['nobody'])).errors[0].value, 'nobody');
  return posts;
}

async function act(x, me, mira, posts) {
  const reply = await x.v2.reply('On its way', posts[0]);
  const conversation = await x.v2.search(`conversation_id:${posts[0]} is:reply`);
  assert.deepEqual(conversation.tweets.map((post) => post.id), [reply.data.id]);
  await assert.rejects(x.v2.reply('On its way', posts[0]), (error) => error.code === 403 && /duplicate/.test(error.data.detail));
  await assert.rejects(x.v2.tweet({ text: 'a', no_such: 1 }), (error) => /no_such: is not defined/.test(JSON.stringify(error.errors)));
  assert.equal((await x.v2.like(me.id, posts[1])).data.liked, true);
  assert.deepEqual((await x.v2.tweetLikedBy(posts[1])).data.map((user) => user.id), [me.id]);
  assert.equal((await x.v2.userLikedTweets(me.id)).tweets[0].id, posts[1]);
  assert.equal((await x.v2.retweet(me.id, posts[2])).data.retweeted, true);
  assert.deepEqual((await x.v2.tweetRetweetedBy(posts[2])).data.map((user) => user.id), [me.id]);
  assert.equal((await x.v2.unretweet(me.id, posts[2])).data.retweeted, false);
  assert.equal((await x.v2.quote('See', posts[3])).errors, undefined);
  assert.equal((await x.v2.quotes(posts[3])).tweets.length, 1);
  assert.equal((await x.v2.follow(me.id, mira)).data.following, true);
  assert.deepEqual((await x.v2.followers(mira, { asPaginator: true })).users.map((user) => user.id), [me.id]);
  assert.deepEqual((await x.v2.following(me.id)).data.map((user) => user.id), [mira]);
  const home = await x.v2.homeTimeline({ max_results: 100, exclude: 'retweets' });
  assert.ok(home.tweets.some((post) => post.id === posts[11]));
  await x.v2.bookmark(posts[4]);
  assert.deepEqual((await x.v2.bookmarks()).tweets.map((post) => post.id), [posts[4]]);
  await x.v2.block(me.id, mira);
  assert.deepEqual((await x.v2.userBlockingUsers(me.id)).users.map((user) => user.id), [mira]);
  await x.v2.unblock(me.id, mira);
  const own = (await x.v2.tweet('our sale', { reply_settings: 'following' })).data.id;
  const comment = (await tell('post', { by: 'mira', text: 'rubbish', in_reply_to: own })).id;
  assert.equal((await x.v2.hideReply(comment, true)).data.hidden, true);
  const poll = { options: ['this', 'that'], duration_minutes: 60 };
  assert.ok((await x.v2.tweet({ text: 'which?', poll })).data.id);
  assert.equal((await x.v2.deleteTweet(own)).data.deleted, true);
}

async function attach(x, mira) {
  const media = await x.v2.uploadMedia(PICTURE, { media_type: EUploadMimeType.Png, media_category: 'tweet_image' });
  const post = await x.v2.tweet('look', { media: { media_ids: [media] } });
  const shown = await x.v2.singleTweet(post.data.id, { expansions: 'attachments.media_keys', 'media.fields': 'url' });
  assert.equal(shown.includes.media[0].type, 'photo');
  const video = await x.v2.uploadMedia(PICTURE, { media_type: EUploadMimeType.Mp4, media_category: 'dm_video' });
  const sent = await x.v2.sendDmToParticipant(mira, { attachments: [{ media_id: video }] });
  const events = await x.v2.listDmEventsWithParticipant(mira, { expansions: 'attachments.media_keys', 'media.fields': 'type' });
  assert.equal(events.events[0].id, sent.data.dm_event_id);
  assert.equal(events.includes.media[0].type, 'video');
}

async function message(x, mira) {
  const dm = (await tell('dm', { from: 'mira', to: 'acme', text: 'just between us' })).id;
  const events = await x.v2.listDmEvents({ 'dm_event.fields': ['sender_id', 'dm_conversation_id', 'created_at', 'participant_ids'], expansions: ['sender_id'] });
  assert.equal(events.events[0].id, dm);
  const conversation = events.events[0].dm_conversation_id;
  const answer = await x.v2.sendDmInConversation(conversation, { text: 'Thank you' });
  const all = await x.v2.listDmEventsOfConversation(conversation);
  assert.deepEqual(all.events.slice(0, 2).map((event) => event.id), [answer.data.dm_event_id, dm]);
  const third = (await tell('user', { username: 'nils' })).id;
  const group = await x.v2.createDmConversation({ conversation_type: 'Group', participant_ids: [mira, third], message: { text: 'both' } });
  assert.equal((await x.v2.listDmEventsOfConversation(group.data.dm_conversation_id)).events.length, 1);
}

async function version1(tokens) {
  const x = new TwitterApi({
    appKey: 'any', appSecret: 'any', accessToken: tokens.oauth1_token, accessSecret: tokens.oauth1_token_secret,
  });
  assert.equal((await x.v1.verifyCredentials()).screen_name, 'acme');
  assert.equal((await x.currentUser()).screen_name, 'acme');
  const media = await x.v1.uploadMedia(PICTURE, { mimeType: EUploadMimeType.Png });
  await x.v1.createMediaMetadata(media, { alt_text: { text: 'a parcel' } });
  const video = await x.v1.uploadMedia(PICTURE, { mimeType: EUploadMimeType.Mp4 });
  for (const [text, id] of [['picture', media], ['film', video]]) assert.ok((await x.v2.tweet(text, { media: { media_ids: [id] } })).data.id);
  const app = await new TwitterApi({ appKey: CLIENT_ID, appSecret: 'any' }).appLogin();
  assert.equal((await app.v2.userByUsername('mira')).data.username, 'mira');
  await assert.rejects(app.v2.me(), (error) => error.code === 403);
}

run(async () => {
  const tokens = await begin();
  const x = await signIn();
  const me = (await x.v2.me({ 'user.fields': ['public_metrics', 'receives_your_dm'] })).data;
  assert.equal(me.username, 'acme');
  const mira = (await x.v2.userByUsername('mira')).data.id;
  const posts = await read(x, me, mira);
  await act(x, me, mira, posts);
  await attach(x, mira);
  await message(x, mira);
  await version1(tokens);
  const count = (await sent()).length;
  await tell('revoke', { account: 'acme' });
  await assert.rejects(x.v2.me(), (error) => error.code === 401);
  console.log(`twitter-api-v2: signed in, read ${posts.length} mentions, searched, followed, uploaded; did ${count} things`);
});
