// Signing in at the real gateway, by account and by a real OpenID Connect
// provider, and attacks on it.
//
// Bug                                                 Caught by
// a demo's sign-ins do not work                       every sign-in of the demo works
// a planted cookie goes on after signing in           session fixation fails
// a page of another site can do things                cross-site requests are refused
// whether there is an account shows                   accounts cannot be enumerated
// guessing goes on for ever                           guessing locks the account, whether there is one or not
// a leaver stays signed in                            a changed account is signed out at once
// a draft is lost                                     drafts outlive session and gateway
// a role is given to whom the directory gives none    no role is no entry
// another browser finishes somebody's sign-in         a sign-in belongs to one browser
// a code is taken twice                               a code is good for once
// a token is believed because it is there             a lying provider signs in nobody
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { Browser } from './browser.mjs';
import { Hub } from './hub.mjs';
import { clientId, clientSecret, signToken, startProvider } from './provider.mjs';

const callback = '/sign-in/oidc/callback';
let hub;
let provider;
let passwords;
let addresses = 1;

// Each from an address of its own: attempts are limited by address.
const newBrowser = () => new Browser(hub.ca, `127.0.0.${++addresses}`);
const session = (browser) => browser.ask(`${hub.url}/session`);
const signIn = (browser, account, password) => browser.json(`${hub.url}/session`, 'POST', { account, password });

async function signedIn(account) {
  const browser = newBrowser();
  const answer = await signIn(browser, account, passwords.get(account));
  assert.equal(answer.status, 200, answer.text);
  browser.csrf = JSON.parse(answer.text).csrf;
  return browser;
}

function oidcSettings() {
  return `oidc {
  name: "Dundee City Council"
  issuer: "${provider.issuer}"
  client_id: "${clientId}"
  client_secret_file: "keys/oidc-client"
  external_url: "${hub.url}"
  ca_file: "${hub.path('keys/ca.crt.pem')}"
  scopes: "profile"
  role_claim: "groups"
  staff_claim: "employee_number"
  roles { value: "mappa-co-ordinators" principal: "coordinator" }
}
`;
}

// Goes to the provider, signs in there as `who`, and returns the address that it
// sends the browser back to.
async function throughProvider(browser, who, path = '/sign-in/oidc') {
  const begun = await browser.ask(`${hub.url}${path}`);
  assert.equal(begun.status, 303, begun.text);
  browser.nonce = new URL(begun.location).searchParams.get('nonce');
  let answer = await browser.ask(begun.location);
  for (let step = 0; step < 12; ++step) {
    if (answer.location?.startsWith(`${hub.url}${callback}`)) return answer.location;
    if (answer.location) {
      answer = await browser.ask(answer.location);
      continue;
    }
    const action = new URL(/<form[^>]* action="([^"]+)"/.exec(answer.text)[1], provider.issuer).href;
    const prompt = /name="prompt" value="(\w+)"/.exec(answer.text)[1];
    answer = await browser.form(action, { prompt, login: who, password: 'any' });
  }
  throw new Error('the provider does not come to an end');
}

const comeBack = (browser, url) => browser.ask(url, { crossSite: true });

before(async () => {
  hub = await Hub.make();
  provider = await startProvider({
    key: hub.read('keys/player.key.pem'),
    cert: hub.read('keys/player.crt.pem'),
    redirectUri: `${hub.url}${callback}`,
    algorithm: process.env.CONCORDAT_ID_TOKEN_ALG ?? 'RS256',
  });
  fs.writeFileSync(hub.path('keys/oidc-client'), `${clientSecret}\n`, { mode: 0o600 });
  fs.writeFileSync(hub.path('doors/sign-in.textproto'), oidcSettings());
  await hub.start();
  passwords = hub.passwords();
});

after(async () => {
  try {
    await hub.stop();
  } finally {
    await provider.close();
    hub.remove();
  }
});

test('the page is told how one may sign in', async () => {
  const answer = await newBrowser().ask(`${hub.url}/sign-in/options`);
  assert.deepEqual(JSON.parse(answer.text), {
    local: true,
    oidc: { name: 'Dundee City Council' },
    environment: 'demo',
  });
});

test('every sign-in of the demo works', async () => {
  assert.deepEqual([...passwords.keys()].sort(), [
    'admin', 'coordinator', 'duty-senior', 'guardian-council', 'guardian-nhs', 'guardian-police', 'nhs', 'police',
    'second-operator', 'service-manager', 'socialwork', 'upw-manager',
  ]);
  assert.equal(fs.statSync(hub.path('gateway/demo-sign-ins')).mode & 0o777, 0o600);
  for (const account of passwords.keys()) {
    const browser = await signedIn(account);
    const told = JSON.parse((await session(browser)).text);
    assert.equal(told.principal, account);
    assert.equal(told.environment, 'demo');
    assert.equal(told.csrf, browser.csrf);
  }
});

test('the cookie is for this host, for TLS, and for no script', async () => {
  const browser = newBrowser();
  const answer = await signIn(browser, 'coordinator', passwords.get('coordinator'));
  assert.match(
    answer.headers['set-cookie'][0],
    /^__Host-concordat=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
  );
  assert.equal(answer.headers['cache-control'], 'no-store');
});

test('session fixation fails', async () => {
  const attacker = await signedIn('police');
  const planted = attacker.cookiesOf(hub.url).get('__Host-concordat');
  const victim = newBrowser();
  victim.cookiesOf(hub.url).set('__Host-concordat', { ...planted });
  const answer = await signIn(victim, 'coordinator', passwords.get('coordinator'));
  assert.equal(answer.status, 200);
  assert.notEqual(victim.cookiesOf(hub.url).get('__Host-concordat').value, planted.value);
  assert.equal((await session(attacker)).status, 401);
  assert.equal(JSON.parse((await session(victim)).text).account, 'coordinator');
});

test('cross-site requests are refused', async () => {
  const browser = await signedIn('coordinator');
  const csrf = { 'concordat-csrf': browser.csrf };
  const stay = (headers) => browser.json(`${hub.url}/session/stay`, 'POST', {}, headers);
  assert.equal((await stay(csrf)).status, 200);
  assert.equal((await stay({})).status, 403);
  assert.equal((await stay({ 'concordat-csrf': 'x' })).status, 403);
  assert.equal((await stay({ ...csrf, origin: hub.url })).status, 200);
  assert.equal((await stay({ ...csrf, origin: 'https://evil.example' })).status, 403);
  assert.equal((await stay({ ...csrf, origin: 'null' })).status, 403);
  for (const site of ['cross-site', 'same-site']) {
    assert.equal((await stay({ ...csrf, 'sec-fetch-site': site })).status, 403);
  }
  // Nor can another site sign somebody in.
  const answer = await browser.json(
    `${hub.url}/session`, 'POST',
    { account: 'police', password: passwords.get('police') },
    { origin: 'https://evil.example' },
  );
  assert.equal(answer.status, 403);
  const form = await browser.form(`${hub.url}/session`, { account: 'police', password: passwords.get('police') });
  assert.equal(form.status, 400);
});

test('accounts cannot be enumerated', async () => {
  const times = { known: [], unknown: [] };
  const words = new Set();
  for (const account of passwords.keys()) {
    for (const [kind, name] of [['known', account], ['unknown', `${account}-x`]]) {
      const browser = newBrowser();
      const start = process.hrtime.bigint();
      const answer = await signIn(browser, name, 'not the password');
      times[kind].push(Number(process.hrtime.bigint() - start) / 1e6);
      assert.equal(answer.status, 401);
      words.add(answer.text);
    }
  }
  assert.equal(words.size, 1);
  const median = (list) => list.sort((a, b) => a - b)[list.length / 2];
  const [known, unknown] = [median(times.known), median(times.unknown)];
  console.log(`# a wrong password ${known.toFixed(0)} ms, no account ${unknown.toFixed(0)} ms`);
  assert.ok(unknown > known / 2 && known > unknown / 2);
});

test('guessing locks the account, whether there is one or not', async () => {
  for (const account of ['upw-manager', 'nobody']) {
    // The first waits are seconds, which a busy machine takes for a hash.
    let guesses = 0;
    let answer;
    do {
      answer = await signIn(newBrowser(), account, `guess number ${guesses}`);
    } while (answer.status === 401 && ++guesses < 10);
    assert.equal(answer.status, 429);
    assert.ok(guesses >= 5);
    assert.match(answer.headers['retry-after'], /^\d+$/);
    assert.match(JSON.parse(answer.text).message, /^There were too many attempts\. Try again in \d+ second/);
  }
});

test('guessing many accounts from one address is slowed down', async () => {
  const browser = newBrowser();
  const answers = [];
  for (let i = 0; i < 30; ++i) {
    answers.push((await signIn(browser, `nobody-${i}`, 'not the password')).status);
  }
  // Twenty, and one more for each half minute that it took.
  const looked = answers.filter((status) => status === 401).length;
  assert.ok(looked >= 20 && looked < 25, `${looked}`);
  assert.equal((await signIn(newBrowser(), 'nobody-0', 'not the password')).status, 401);
});

test('a changed account is signed out at once', async () => {
  const add = ['account', 'add', 'j.lamb', '--principal', 'police', '--name', 'J. Lamb', '--staff', 'P-77'];
  hub.run(add, 'correct horse battery\n');
  passwords.set('j.lamb', 'correct horse battery');
  const browser = await signedIn('j.lamb');
  assert.equal(JSON.parse((await session(browser)).text).displayName, 'J. Lamb');
  assert.throws(() => hub.run(add, 'correct horse battery\n'), /there is an account/);
  hub.run(['account', 'password', 'j.lamb'], 'another horse battery\n');
  assert.equal((await session(browser)).status, 401);
  assert.equal((await signIn(newBrowser(), 'j.lamb', 'correct horse battery')).status, 401);
  passwords.set('j.lamb', 'another horse battery');
  const again = await signedIn('j.lamb');
  hub.run(['account', 'disable', 'j.lamb']);
  assert.equal((await session(again)).status, 401);
  assert.equal((await signIn(newBrowser(), 'j.lamb', 'another horse battery')).status, 401);
  hub.run(['account', 'enable', 'j.lamb']);
  await signedIn('j.lamb');
  assert.throws(() => hub.run(['account', 'password', 'j.lamb'], 'short\n'), /12 characters/);
  assert.throws(() => hub.run(['account', 'add', 'x', '--principal', 'nobody', '--name', 'X'], ''), /no nobody/);
  const list = hub.run(['account', 'list', '--json']);
  assert.match(list, /"name":"j.lamb"/);
  assert.doesNotMatch(list, /argon2/);
});

test('signing out and proving it again give up the old cookie', async () => {
  const browser = await signedIn('coordinator');
  const old = { ...browser.cookiesOf(hub.url).get('__Host-concordat') };
  const again = await browser.json(`${hub.url}/session/again`, 'POST',
    { password: passwords.get('coordinator') }, { 'concordat-csrf': browser.csrf });
  assert.equal(again.status, 200, again.text);
  const thief = newBrowser();
  thief.cookiesOf(hub.url).set('__Host-concordat', old);
  assert.equal((await session(thief)).status, 401);
  const { csrf } = JSON.parse(again.text);
  const out = await browser.ask(`${hub.url}/session`, { method: 'DELETE', headers: { 'concordat-csrf': csrf } });
  assert.equal(out.status, 204);
  assert.equal(browser.cookiesOf(hub.url).size, 0);
});

test('somebody from the directory comes in with the role it gives', async () => {
  const browser = newBrowser();
  const done = await comeBack(browser, await throughProvider(browser, 'anna'));
  assert.equal(done.status, 303, done.text);
  assert.equal(done.location, `${hub.url}/`);
  const told = JSON.parse((await session(browser)).text);
  assert.equal(told.account, 'oidc:anna');
  assert.equal(told.displayName, 'Anna Baird');
  assert.equal(told.principal, 'coordinator');
  assert.deepEqual([...browser.cookiesOf(hub.url).keys()], ['__Host-concordat']);
  assert.match(hub.run(['access', 'records', 'gateway/access']), /principal=coordinator agency=mappa-tayside .*staff=D-1001 what=sign-in\/oidc .*outcome=OK/);
});

test('somebody from the directory proves it again there', async () => {
  const browser = newBrowser();
  await comeBack(browser, await throughProvider(browser, 'anna'));
  const before = browser.cookiesOf(hub.url).get('__Host-concordat').value;
  const { csrf } = JSON.parse((await session(browser)).text);
  const password = await browser.json(`${hub.url}/session/again`, 'POST', { password: 'any' }, { 'concordat-csrf': csrf });
  assert.equal(password.status, 400);
  const done = await comeBack(browser, await throughProvider(browser, 'anna', '/sign-in/oidc?again=1'));
  assert.equal(done.status, 303, done.text);
  assert.notEqual(browser.cookiesOf(hub.url).get('__Host-concordat').value, before);
  browser.cookiesOf(provider.issuer).clear();
  const other = await comeBack(browser, await throughProvider(browser, 'bill', '/sign-in/oidc?again=1'));
  assert.equal(other.status, 403);
});

test('no role is no entry', async () => {
  const browser = newBrowser();
  const done = await comeBack(browser, await throughProvider(browser, 'bill'));
  assert.equal(done.status, 403);
  assert.match(done.text, /has given you no role in Concordat/);
  assert.equal((await session(browser)).status, 401);
});

test('a sign-in belongs to one browser', async () => {
  const attacker = newBrowser();
  const url = await throughProvider(attacker, 'anna');
  const victim = newBrowser();
  assert.equal((await comeBack(victim, url)).status, 400);
  assert.equal((await session(victim)).status, 401);
  await throughProvider(victim, 'anna');
  assert.equal((await comeBack(victim, url)).status, 400);
  const changed = new URL(await throughProvider(victim, 'anna'));
  changed.searchParams.set('iss', 'https://evil.example');
  assert.equal((await comeBack(victim, changed.href)).status, 400);
  assert.equal((await session(victim)).status, 401);
});

test('a code is good for once', async () => {
  const browser = newBrowser();
  const url = await throughProvider(browser, 'anna');
  const attempt = { ...browser.cookiesOf(hub.url).get('__Host-concordat-oidc') };
  assert.equal((await comeBack(browser, url)).status, 303);
  const thief = newBrowser();
  thief.cookiesOf(hub.url).set('__Host-concordat-oidc', attempt);
  assert.equal((await comeBack(thief, url)).status, 401);
  assert.equal((await session(thief)).status, 401);
});

test('a lying provider signs in nobody', async () => {
  const secret = new TextEncoder().encode(clientSecret);
  const { generateKeyPair } = await import('jose');
  const stranger = (await generateKeyPair('RS256')).privateKey;
  const now = Math.floor(Date.now() / 1000);
  const lies = {
    'no signature': [{}, { alg: 'none' }],
    'a shared secret': [{}, { alg: 'HS256', key: secret }],
    "a stranger's key": [{}, { key: stranger }],
    'a key that there is not': [{}, { kid: 'x', key: stranger }],
    'another algorithm': [{}, { alg: 'PS256' }],
    'another issuer': [{ iss: 'https://evil.example' }, {}],
    'another audience': [{ aud: 'other' }, {}],
    'two audiences': [{ aud: [clientId, 'other'] }, {}],
    'another nonce': [{ nonce: 'x' }, {}],
    'an end in the past': [{ iat: now - 400, exp: now - 100 }, {}],
    'an old token': [{ iat: now - 3600 }, {}],
    'a token of tomorrow': [{ iat: now + 86400, exp: now + 90000 }, {}],
    'a staff reference with a line break': [{ employee_number: 'D\n1' }, {}],
  };
  try {
    for (const [name, [claims, options]] of Object.entries(lies)) {
      const browser = newBrowser();
      const url = await throughProvider(browser, 'anna');
      provider.lie = async () => signToken(provider, { nonce: browser.nonce, ...claims }, options);
      const done = await comeBack(browser, url);
      provider.lie = undefined;
      assert.equal(done.status, 401, name);
      assert.equal((await session(browser)).status, 401, name);
    }
    // The same by the provider's own key, with nothing wrong, is believed.
    const browser = newBrowser();
    const url = await throughProvider(browser, 'anna');
    provider.lie = async () => signToken(provider, { nonce: browser.nonce });
    assert.equal((await comeBack(browser, url)).status, 303);
  } finally {
    provider.lie = undefined;
  }
});

test('drafts outlive session and gateway', async () => {
  const browser = await signedIn('socialwork');
  const put = await browser.json(`${hub.url}/session/drafts/note%201`, 'PUT', { text: 'half a sentence' },
    { 'concordat-csrf': browser.csrf });
  assert.equal(put.status, 204, put.text);
  await hub.stop();
  await hub.start();
  assert.equal((await session(browser)).status, 401);
  const later = await signedIn('socialwork');
  const draft = await later.ask(`${hub.url}/session/drafts/note%201`);
  assert.deepEqual(JSON.parse(draft.text), { text: 'half a sentence' });
  assert.equal(fs.readFileSync(hub.path('gateway/sign-in.db')).includes('half a sentence'), false);
  const other = await signedIn('police');
  assert.equal((await other.ask(`${hub.url}/session/drafts/note%201`)).status, 404);
});

test('nothing that was typed is in a log', async () => {
  const typed = 'a secret typed in the wrong field';
  await signIn(newBrowser(), typed, 'not the password');
  const inFolder = (folder, wanted) => fs.readdirSync(hub.path(folder)).filter(wanted)
    .map((name) => hub.read(`${folder}/${name}`)).join('');
  const logs = hub.log + inFolder('gateway', (name) => name.endsWith('.log')) +
    inFolder('gateway/access', () => true);
  assert.ok(logs.includes('sign-in/password'));
  for (const secret of [typed, 'not the password', ...passwords.values()]) assert.ok(!logs.includes(secret));
});
