// X's own twitter-api-sdk, unmodified: it uses the names `tweet.*`, and requests tokens with a query string.

const assert = require('node:assert/strict');
const { Client, auth } = require('twitter-api-sdk');
const { CLIENT_ID, CALLBACK, tell, sent, begin, approve, run } = require('./simulator.cjs');

run(async () => {
  await begin();
  const scopes = ['tweet.read', 'tweet.write', 'users.read', 'follows.read', 'follows.write', 'offline.access', 'space.read',
    'mute.read', 'mute.write', 'like.read', 'like.write', 'list.read', 'list.write', 'block.read', 'block.write',
    'bookmark.read', 'bookmark.write'];
  const user = new auth.OAuth2User({ client_id: CLIENT_ID, callback: CALLBACK, scopes });
  const back = await approve(user.generateAuthURL({ state: 'a state', code_challenge_method: 's256' }));
  await user.requestAccessToken(back.code);
  await user.refreshAccessToken();
  const x = new Client(user);
  const me = (await x.users.findMyUser({ 'user.fields': ['public_metrics', 'verified_type'] })).data;
  assert.equal(me.username, 'acme');
  const mira = (await x.users.findUserByUsername('mira')).data.id;
  assert.equal((await x.users.findUsersByUsername({ usernames: ['mira', 'acme'] })).data.length, 2);

  const posts = [];
  for (let n = 0; n < 7; n++) posts.push((await tell('post', { by: 'mira', text: `@acme number ${n}` })).id);
  const seen = [];
  const fields = { 'tweet.fields': ['author_id', 'created_at', 'conversation_id'], expansions: ['author_id'], max_results: 5 };
  for await (const page of x.tweets.usersIdMentions(me.id, fields)) seen.push(...page.data.map((post) => post.id));
  assert.deepEqual(seen, posts.slice().reverse());
  const found = await x.tweets.tweetsRecentSearch({ query: 'from:mira number', max_results: 10 });
  assert.equal(found.meta.result_count, 7);

  const made = (await x.tweets.createTweet({ text: 'On its way', reply: { in_reply_to_tweet_id: posts[0] } })).data;
  assert.equal((await x.tweets.findTweetById(made.id, { 'tweet.fields': ['conversation_id'] })).data.conversation_id, posts[0]);
  await x.tweets.usersIdLike(me.id, { tweet_id: posts[0] });
  assert.deepEqual((await x.users.tweetsIdLikingUsers(posts[0])).data.map((user) => user.id), [me.id]);
  await x.users.usersIdFollow(me.id, { target_user_id: mira });
  assert.deepEqual((await x.users.usersIdFollowers(mira)).data.map((user) => user.id), [me.id]);
  await assert.rejects(x.tweets.createTweet({ text: 'On its way', reply: { in_reply_to_tweet_id: posts[0] } }), (error) => error.status === 403);
  assert.equal((await sent()).length, 2);
  await user.revokeAccessToken();
  console.log(`twitter-api-sdk: signed in, read ${seen.length} mentions, searched, replied, liked, followed`);
});
