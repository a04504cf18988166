// Shared by the scripts: control of the running simulator. Requests of clients with hard-coded hosts are redirected to
// it.

const http = require('node:http');
const https = require('node:https');

const { url: URL_, client_id: CLIENT_ID } = JSON.parse(process.env.TWITE_SIM);
const HOSTS = /^(api|upload)\.(x|twitter)\.com$/;

const request = https.request;
https.request = (options, ...rest) => {
  const host = options.hostname || options.host || '';
  if (!HOSTS.test(host)) return request(options, ...rest);
  const { hostname, port } = new URL(URL_);
  return http.request({ ...options, protocol: 'http:', hostname, host: hostname, port, agent: undefined }, ...rest);
};

async function ask(path, body) {
  const answer = await fetch(`${URL_}/sim/${path}`, body && { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return answer.json();
}

const tell = (command, body = {}) => ask(command, body);
const sent = async () => (await ask('sent')).sent;

// Resets the simulator, creates an account and a customer, and returns the account's tokens.
async function begin() {
  await tell('reset');
  await tell('user', { username: 'acme', followers: 10 });
  await tell('user', { username: 'mira', name: 'Mira', followers: 12_000, posts: 345, verified_type: 'blue' });
  return tell('connect', { account: 'acme' });
}

// Approves on the authorisation page, and returns the parameters of the redirect.
async function approve(page) {
  const form = new URL(page).searchParams;
  form.set('account', 'acme');
  form.set('decision', 'approve');
  const answer = await fetch(`${URL_}/i/oauth2/authorize`, { method: 'POST', body: form, redirect: 'manual' });
  if (answer.status !== 303) throw new Error(await answer.text());
  return Object.fromEntries(new URL(answer.headers.get('location')).searchParams);
}

function run(main) {
  main().catch((error) => {
    console.error(error, error.data ?? error.error ?? '');
    process.exit(1);
  });
}

module.exports = { URL: URL_, CLIENT_ID, CALLBACK: 'http://127.0.0.1:8918/callback', tell, sent, begin, approve, run };
