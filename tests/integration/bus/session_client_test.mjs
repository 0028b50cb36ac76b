// The bus's sessions over gRPC, by a client in another language.
//
// Bug                                            Caught by
// a batch of another's making is not taken       publishes and is answered
// a repeat is a second event                     publishes and is answered
// frames lose their order or their number        publishes and is answered
// an acknowledged place is lost                  goes on where it acknowledged
// a replay goes on for ever                      a replay ends where it was asked to
// a view that nobody else can check              reads what it was shown
// anybody may say who he is                      is told why it may not speak
// rubbish ends the process, or is passed over    is told why it may not speak
// who speaks gRPC cannot sign what it published  signs what it published
// a link of another's key is kept                signs what it published
// a call that says nothing stays for ever        (kFirstFrameWithin; by hand)
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { Hub } from '../signin/hub.mjs';
import { Chain, Session, Refusal, ask, batchOf, connect, readView } from './session_client.mjs';

const DEMO = 4;
const hello = { hello: { protocol: 1, agency: 'police-scotland', role: 'police', environment: DEMO } };
const TYPE = 'concordat.police.v1.ConcernShared';

const keys = generateKeyPairSync('ed25519');

let hub;
let bus;

const concern = (id) => ({
  header: {
    source: 'urn:concordat:police-scotland:rms', controller: 'police-scotland', purpose: 'MAPPA_RISK_MANAGEMENT',
    gateway: 'G1', id, stream: 'incident/1', subject: Buffer.alloc(16, 7), regime: 1,
    time: '1762135200000000', recorded_time: '1762135200000000', on_behalf_of: Buffer.from('s-12'),
  },
  message: { concern_type: 'SEEN_WITH_CHILD', incident_ref: `INC-${id}` },
});

before(async () => {
  hub = await Hub.make();
  const key = keys.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
  const registry = hub.path('registry.textproto');
  const text = fs.readFileSync(registry, 'utf8');
  assert.match(text, /name: "police"\n/);
  fs.writeFileSync(registry, text.replace('name: "police"\n', `name: "police"\n  signing_keys: "${key}"\n`));
  await hub.start('concordat-bus');
  bus = connect(hub, 'police');
});

after(async () => {
  bus.close();
  await hub.stop();
  hub.remove();
});

test('publishes and is answered', async () => {
  const session = new Session(bus.Ingest());
  const welcome = await session.ask(hello, 'welcome');
  assert.ok(welcome.credit_events > 0);
  const batch = batchOf(TYPE, [concern('n-1'), concern('n-2')]);
  const receipts = await session.ask({ publish: batch }, 'receipts');
  assert.equal(Number(receipts.publish_number), 2);
  assert.deepEqual(receipts.outcomes, []);
  assert.equal(receipts.accepted[0].count, 2);
  const again = await session.ask({ publish: batch }, 'receipts');
  assert.equal(Number(again.publish_number), 3);
  assert.ok(again.outcomes.every((o) => o.duplicate));
  assert.equal(String(again.outcomes[0].sequence), String(receipts.accepted[0].first_sequence));
  const spoilt = batchOf(TYPE, [concern('n-3')]);
  spoilt.events[0].groups[0].data = Buffer.concat([spoilt.events[0].groups[0].data, Buffer.from([0x1a, 0])]);
  const refused = await session.ask({ publish: spoilt }, 'receipts');
  assert.equal(refused.outcomes[0].refusal, Refusal.REFUSAL_DIGEST);
  const foreign = batchOf(TYPE, [{ ...concern('n-4'), header: { ...concern('n-4').header, source: 'urn:concordat:nhs-tayside:liaison' } }]);
  const not = await session.ask({ publish: foreign }, 'receipts');
  assert.equal(not.outcomes[0].refusal, Refusal.REFUSAL_SOURCE_NOT_ALLOWED);
  session.end();
});

// Once the tree has the event and its signature.
const signedBy = async (sequence) => {
  for (;;) {
    const proof = await ask(bus, 'EvidenceService/ProveInclusion', { sequence }, 'ProveInclusionRequest', 'ProveInclusionResponse')
      .catch((error) => {
        if (error.code !== 11) throw error; // OUT_OF_RANGE: not in the tree yet.
      });
    if (proof?.signed_by) return proof;
  }
};

test('signs what it published, in its session and by a call', async () => {
  const session = new Session(bus.Ingest());
  const welcome = await session.ask(hello, 'welcome');
  const publish = async (...ids) => {
    const batch = batchOf(TYPE, ids.map(concern));
    const { accepted } = await session.ask({ publish: batch }, 'receipts');
    const first = Number(accepted[0].first_sequence);
    return batch.events.map(({ digest }, i) => ({ sequence: first + i, digest }));
  };
  const chain = new Chain(welcome.log_id, keys);
  const one = await publish('s-1', 's-2');
  session.say({ chain_signed: chain.sign(one) });
  const proof = await signedBy(one[1].sequence);
  assert.equal(proof.signed_by, 'police');
  assert.deepEqual(proof.link_digests.map((d) => Buffer.from(d)), one.map((e) => e.digest));

  const two = await publish('s-3');
  const sign = (link) => ask(bus, 'EvidenceService/SignEvents', { link }, 'SignEventsRequest', 'SignEventsResponse');
  const strange = new Chain(welcome.log_id, generateKeyPairSync('ed25519'));
  await assert.rejects(sign(strange.sign(two)), { code: 7 });
  await assert.rejects(sign(new Chain(welcome.log_id, keys).sign([{ ...two[0], sequence: 1_000_000 }])), { code: 3 });
  await assert.rejects(sign({}), { code: 3 });
  await sign(chain.sign(two));
  assert.equal((await signedBy(two[0].sequence)).signed_by, 'police');
  session.end();
});

const subscribed = async () => {
  const session = new Session(bus.Delivery());
  await session.ask(hello, 'welcome');
  await session.ask({ subscribe: {
    name: 'node', filter: { types: [TYPE] }, credit_events: 100, credit_bytes: 1 << 20,
  } }, 'subscribed');
  return session;
};
const views = async (session, count) => {
  const all = [];
  while (all.length < count) {
    const frame = await session.next();
    if (frame.body !== 'deliver') continue;
    frame.deliver.views.forEach((view, i) =>
      all.push({ ...readView(frame.deliver, view), sequence: view.sequence, delivery: Number(frame.deliver.first_delivery) + i }));
  }
  return all;
};

test('reads what it was shown, and goes on where it acknowledged', async () => {
  const publisher = new Session(bus.Ingest());
  await publisher.ask(hello, 'welcome');
  const batch = batchOf(TYPE, [concern('r-1'), concern('r-2')]);
  await publisher.ask({ publish: batch }, 'receipts');

  const first = await subscribed();
  const shown = await views(first, 7);
  assert.deepEqual(shown.map((v) => v.header.id), ['n-1', 'n-2', 's-1', 's-2', 's-3', 'r-1', 'r-2']);
  assert.deepEqual(shown.map((v) => v.delivery), [1, 2, 3, 4, 5, 6, 7]);
  assert.equal(shown[5].message.incident_ref, 'INC-r-1');
  assert.deepEqual(shown[5].digest, batch.events[0].digest);
  first.say({ ack: { delivery: 6 } });
  for (let frame; (frame = await first.next()).body !== 'ack_stored';) assert.notEqual(frame, null);
  first.end();

  const second = await subscribed();
  assert.deepEqual((await views(second, 1)).map((v) => v.header.id), ['r-2']);
  second.end();
  publisher.end();
});

test('a replay ends where it was asked to', async () => {
  const session = new Session(bus.Delivery());
  await session.ask(hello, 'welcome');
  await session.ask({ subscribe: { filter: { types: [TYPE] }, credit_events: 2, credit_bytes: 1 << 20 } }, 'subscribed');
  const shown = await views(session, 2);
  session.end();
  const replay = new Session(bus.Delivery());
  await replay.ask(hello, 'welcome');
  const through = shown[1].sequence;
  await replay.ask({ subscribe: { filter: { types: [TYPE] }, through, credit_events: 100, credit_bytes: 1 << 20 } }, 'subscribed');
  const ids = [];
  let deliver;
  do {
    ({ deliver } = await replay.next());
    ids.push(...deliver.views.map((view) => readView(deliver, view).header.id));
  } while (!deliver.ended);
  assert.deepEqual(ids, ['n-1', 'n-2']);
  assert.equal(String(deliver.scanned_through), String(through));
  replay.end();
});

test('is told why it may not speak, and nobody else notices', async () => {
  const other = new Session(bus.Ingest());
  await other.ask(hello, 'welcome');
  const closed = async (frame) => {
    const session = new Session(bus.Ingest());
    const words = await session.ask(frame, 'closed');
    let last = words;
    while (last && !(last instanceof Error)) last = await session.next();
    return words;
  };
  assert.equal((await closed({ hello: { ...hello.hello, agency: 'nhs-tayside' } })).refusal, Refusal.REFUSAL_NOT_REGISTERED);
  assert.equal((await closed({ hello: { ...hello.hello, environment: 1 } })).refusal, Refusal.REFUSAL_WRONG_ENVIRONMENT);
  assert.equal((await closed({ publish: batchOf(TYPE, [concern('x-1')]) })).refusal, Refusal.REFUSAL_PROTOCOL);
  assert.equal((await closed(Buffer.from('rubbish'))).refusal, Refusal.REFUSAL_PROTOCOL);
  assert.equal((await closed(Buffer.alloc(0))).refusal, Refusal.REFUSAL_PROTOCOL);
  await other.ask({ publish: batchOf(TYPE, [concern('o-1')]) }, 'receipts');
  other.end();
});

test('is told that the bus stops', async () => {
  const session = new Session(bus.Ingest());
  await session.ask(hello, 'welcome');
  const stopped = hub.stop();
  const words = await session.next();
  assert.equal(words.closed?.refusal, Refusal.REFUSAL_SHUTTING_DOWN);
  await stopped;
  await hub.start('concordat-bus');
});
