// X's own client for TypeScript, unmodified: it uses the names `post.*`.

const assert = require('node:assert/strict');
const { Client } = require('@xdevplatform/xdk');
const { URL, tell, begin, run } = require('./simulator.cjs');

run(async () => {
  const tokens = await begin();
  const x = new Client({ accessToken: tokens.access_token, baseUrl: URL });
  const me = (await x.users.getMe({ userFields: ['public_metrics', 'active_follower_count'], postFields: ['id'] })).data;
  assert.equal(me.username, 'acme');
  const mira = (await x.users.getByUsernames(['mira'], { userFields: ['id'] })).data[0].id;
  assert.deepEqual((await x.users.getByIds([mira])).data.map((user) => user.username), ['mira']);

  const post = (await tell('post', { by: 'mira', text: '@acme hello' })).id;
  const mentions = await x.users.getMentions(me.id, { postFields: ['created_at', 'note_post'], expansions: ['author_id', 'referenced_posts'] });
  assert.deepEqual(mentions.data.map((mention) => mention.id), [post]);
  const found = await x.posts.searchRecent('from:mira hello', { maxResults: 10, postFields: ['conversation_id'] });
  assert.equal((found.data[0].conversationId ?? found.data[0].conversation_id), post);
  await x.posts.getCountsRecent('hello');

  const begun = (await x.media.initializeUpload({ mediaType: 'image/png', mediaCategory: 'tweet_image', totalBytes: 3 })).data;
  await x.media.appendUpload(begun.id, { segmentIndex: 0, media: 'AQID' });
  assert.equal((await x.media.finalizeUpload(begun.id)).data.size, 3);
  await x.media.getUploadStatus(begun.id, { command: 'STATUS' });
  const made = (await x.posts.create({ text: 'look', reply: { inReplyToTweetId: post }, media: { mediaIds: [begun.id] } })).data;
  await x.users.likePost(me.id, { tweetId: post });
  assert.equal((await x.posts.getLikingUsers(post)).data[0].id, me.id);
  await x.users.followUser(me.id, { targetUserId: mira });
  assert.equal((await x.users.getFollowers(mira, { maxResults: 10 })).data[0].id, me.id);

  await tell('dm', { from: 'mira', to: 'acme', text: 'between us' });
  const event = (await x.directMessages.getEvents({ dmEventFields: ['dm_conversation_id', 'text'] })).data[0];
  const conversation = event.dmConversationId ?? event.dm_conversation_id;
  await x.directMessages.createByConversationId(conversation, { text: 'Thank you' });
  await x.directMessages.createByParticipantId(mira, { text: 'Anything else?' });
  console.log(`xdk for TypeScript: read and searched, replied with a picture (${made.id}), wrote into ${conversation}`);
});
