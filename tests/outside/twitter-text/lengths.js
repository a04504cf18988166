// Prints texts that are hard to measure, with the weighted length by X's own library: one JSON array per line, length
// and text.
//
//   node lengths.js COUNT [SEED]
'use strict';
const { extractUrlsWithIndices, parseTweet } = require('twitter-text');

const pieces = [
  // Names with old, new and invalid top-level domains.
  'acme.com', 'ACME.COM', 'acme.ai', 'bit.ly/abc', 't.me/x', 'acme.support', 'acme.co.uk', 'co.uk', 'acme.xyz', 'foo.py',
  'virtual.host.conf', 'node.js', 'README.md', 'e.g.', 'v1.2.3', '1.2.3.4', 'acme.invalidtld', 'xn--fiqs8s.com', 'acme.한국',
  '日本語.com', 'exämple.com', 'ac_me.com', 'a-b.com', '-a.com', 'a-.com', 'acme..com', 'acme.c', 'acme.onion', 'a.b.c.d.info',
  // Schemes, ports, paths, queries.
  'http://', 'https://', 'HTTP://', 'ftp://', 'mailto:', '//', 'user:pw@', ':8080', ':', '/', '/a', '/a(b)c', '/(a(b))', '/a)b', '/ü',
  '/ж', '/a…', "/'x'", '/%20', '/@me/', '/a.b', '/~', '?', '?a=1', '?a=1&b', '?.', '#x', '#!/x', 'http://t.co/abc', 'https://t.co/',
  'http://t.co/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz',
  // Characters around them.
  ' ', ' ', ' ', '.', ',', '!', '"', "'", '(', ')', '[', ']', '<', '>', '&', '=', '*', '_', '-', '+', '@', '＠', '#', '＃', '$', '%', '~',
  '`', '|', '\\', '^', '{', '}', ';', '。', '「', '\n', '\t', '\u00a0', '\u3000', '\u200e', '\u202a', '\ufeff', '\u200b', '\u0085',
  // Words and characters of all weights.
  'a', 'Z', '0', 'word', 'é', 'e\u0301', '\u0301', '次', '荷物', 'ж', 'مرحبا', 'ẞ', 'ﬁ', '\u1100', '\u10ff', '\u2010', '\u2025', '\u2032', '€',
  // Emoji of the library's Unicode version.
  '🙂', '👍🏽', '👨‍👩‍👧‍👦', '🇸🇪', '🇸', '1️⃣', '#️⃣', '❤', '❤️', '☎\ufe0e', '©', '®', '™', '‼', '🏴‍☠️', '🏳️‍🌈', '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
];

let state = Number(process.argv[3] ?? 1) >>> 0 || 1;
// xorshift: the same seed gives the same texts.
const below = (n) => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % n;
};

for (let n = 0; n < Number(process.argv[2]); n++) {
  let text = '';
  for (let length = 1 + below(6); length > 0; length--) text += pieces[below(pieces.length)];
  // Skipped: the library splits a character above U+FFFF and finds a name that begins with its second half.
  if (/[\u{10000}-\u{10ffff}][-.]|[@＠#＃$\ufeff][\u{10000}-\u{10ffff}]/u.test(text)) continue;
  // Skipped: the library contradicts itself on the length of a link.
  const links = extractUrlsWithIndices(text.normalize());
  if (links.some(({ url, indices }) => url.length !== indices[1] - indices[0])) continue;
  console.log(JSON.stringify([parseTweet(text).weightedLength, text]));
}
