// A client of the bus in another language: from the protos, PROTOCOL.md and the
// words of services/common/event/commitments.h, and no code of ours.
import { createHash, randomBytes, sign } from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';
import grpc from '@grpc/grpc-js';
import protobuf from 'protobufjs';

const wellKnown = path.dirname(createRequire(import.meta.url).resolve('protobufjs/package.json'));
const protos = path.join(process.env.CONCORDAT_SOURCE, 'proto');
const root = new protobuf.Root();
root.resolvePath = (_, target) => path.join(target.startsWith('google/') ? wellKnown : protos, target);
root.loadSync(['concordat/bus/v1/service.proto', 'concordat/bus/v1/evidence.proto', 'concordat/police/v1/events.proto'], { keepCase: true });

export const Frame = root.lookupType('concordat.bus.v1.Frame');
export const Refusal = root.lookupEnum('concordat.bus.v1.Refusal').values;

const method = (name) => ({
  path: `/concordat.bus.v1.BusService/${name}`,
  requestStream: true,
  responseStream: true,
  requestSerialize: (frame) => Buffer.from(frame instanceof Uint8Array ? frame : Frame.encode(frame).finish()),
  responseDeserialize: (bytes) => Frame.decode(bytes),
});
const Bus = grpc.makeGenericClientConstructor({ Ingest: method('Ingest'), Delivery: method('Delivery') }, 'BusService');

export function connect(hub, principal) {
  const key = (name) => Buffer.from(hub.read(`keys/${principal}.${name}.pem`));
  const address = hub.read('run/concordat-bus.addr').match(/^grpc=(.*)$/m)[1];
  const uri = 'URI:spiffe://demo.concordat/concordat-operator/bus';
  return new Bus(address, grpc.credentials.createSsl(Buffer.from(hub.ca), key('key'), key('crt'), {
    checkServerIdentity: (_, certificate) =>
      certificate.subjectaltname.includes(uri) ? undefined : new Error('another server'),
  }));
}

// One question of a service, by its full name.
export function ask(client, name, request, RequestType, ResponseType) {
  const type = (of) => root.lookupType(`concordat.bus.v1.${of}`);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(`/concordat.bus.v1.${name}`,
      (what) => Buffer.from(type(RequestType).encode(what).finish()),
      (bytes) => type(ResponseType).decode(bytes),
      request, new grpc.Metadata(), { deadline: Date.now() + 20_000 },
      (error, response) => (error ? reject(error) : resolve(response)));
  });
}

// One call, its frames one by one.
export class Session {
  constructor(call) {
    this.call = call;
    this.frames = [];
    this.waiting = [];
    call.on('data', (frame) => this.put(frame));
    call.on('error', (error) => this.put(error));
    call.on('end', () => this.put(null));
  }

  put(what) {
    const waiter = this.waiting.shift();
    if (waiter) waiter(what);
    else this.frames.push(what);
  }

  say(frame) {
    this.call.write(frame);
  }

  // The next frame that is no heartbeat, each of which is answered; an error or null
  // at the end.
  async next() {
    for (;;) {
      const what = this.frames.length ? this.frames.shift() : await new Promise((go) => this.waiting.push(go));
      if (what?.body !== 'heartbeat') return what;
      this.say({ heartbeat: {} });
    }
  }

  async ask(frame, body) {
    this.say(frame);
    const answer = await this.next();
    if (answer?.body !== body) throw new Error(`${body} was due: ${JSON.stringify(answer)}`);
    return answer[body];
  }

  end() {
    this.say({ closed: {} });
    this.call.end();
  }
}

const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const u8 = (value) => Buffer.from([value]);
const u64 = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value ?? 0));
  return bytes;
};
const str = (value) => {
  const bytes = Buffer.from(value ?? '');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const HEADER_GROUP = 255;

const saltOf = (seed, group) => sha256('concordat/salt/1', seed, u8(group)).subarray(0, 16);
const commit = (salt, group, bytes) => sha256('concordat/group/1', salt, u8(group), bytes);
const headerGroup = (h) => Buffer.concat([str(h.on_behalf_of), str(h.correlation), str(h.causation)]);
const canonical = (h) =>
  Buffer.concat([
    str(h.source), str(h.type), str(h.controller), str(h.purpose), str(h.gateway), str(h.id),
    str(h.subject), str(h.stream), u8(h.expected_version === undefined ? 0 : 1), u64(h.expected_version),
    u64(h.time), u64(h.recorded_time), u64(h.effective_time),
    u8(h.time_precision ?? 0), u8(h.regime ?? 0), u8(h.basis ?? 0), u8(h.classification ?? 0),
    str(h.subject_role), str(h.corrects), str(h.retracts),
  ]);

// The message's fields by disclosure group, as policy/v1/options.proto tells them;
// those of tier S4 are not needed here.
const TIER_GROUP = { TIER_S0: 0, TIER_S1: 0, TIER_S2: 1, TIER_S3: 2 };
export function groupsOf(type, message) {
  const groups = new Map();
  for (const field of type.fieldsArray) {
    const group = TIER_GROUP[field.parsedOptions.find((o) => o['(policy.v1.field)']?.tier)['(policy.v1.field)'].tier];
    const one = groups.get(group) ?? {};
    if (message[field.name] !== undefined) one[field.name] = message[field.name];
    groups.set(group, one);
  }
  return [...groups].sort(([a], [b]) => a - b)
    .map(([number, fields]) => ({ number, data: Buffer.from(type.encode(fields).finish()) }));
}

const DICTIONARY = ['source', 'type', 'controller', 'purpose', 'gateway'];

// A batch of messages of one type: [{header, message}].
export function batchOf(typeName, events) {
  const type = root.lookupType(typeName);
  const dictionary = [];
  const indexOf = (text) => {
    if (!dictionary.includes(text)) dictionary.push(text);
    return dictionary.indexOf(text) + 1;
  };
  return {
    events: events.map(({ header, message }) => {
      const whole = { ...header, type: typeName };
      const seed = randomBytes(16);
      const groups = groupsOf(type, message);
      const commits = groups.map((g) => commit(saltOf(seed, g.number), g.number, g.data));
      const digest = sha256('concordat/event/1', canonical(whole),
        commit(saltOf(seed, HEADER_GROUP), HEADER_GROUP, headerGroup(whole)), ...commits);
      const wire = { ...whole, id: Buffer.from(whole.id), stream: Buffer.from(whole.stream) };
      for (const name of DICTIONARY) wire[name] = indexOf(whole[name]);
      return { header: wire, groups: groups.filter((g) => g.data.length > 0), seed, digest };
    }),
    dictionary,
  };
}

// The chain of what a producer has receipts for, as producer_chain.h tells it.
// `keys` are of Ed25519.
export class Chain {
  constructor(logId, keys) {
    this.logId = logId;
    this.keys = keys;
    this.chain = randomBytes(16);
    this.hash = sha256('concordat/chain/1', logId, this.chain);
    this.before = 0;
  }

  // The link of these: [{sequence, digest}], in the order of their receipts.
  sign(events) {
    const link = { chain: this.chain, before: this.before, hash_before: this.hash, runs: [] };
    for (const { sequence, digest } of events) {
      this.hash = sha256(this.hash, digest);
      const last = link.runs.at(-1);
      if (last && last.first + last.count === Number(sequence)) last.count += 1;
      else link.runs.push({ first: Number(sequence), count: 1 });
    }
    this.before += events.length;
    link.hash = this.hash;
    const u32 = (value) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(value);
      return bytes;
    };
    link.public_key = this.keys.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    link.signature = sign(null, Buffer.concat([
      Buffer.from('concordat/chain-signature/1'), this.logId, link.chain, u64(link.before), link.hash_before,
      ...link.runs.flatMap((run) => [u64(run.first), u32(run.count)]), link.hash,
    ]), this.keys.privateKey);
    return link;
  }
}

// A delivered view as its reader has it: header in texts, message, and the digest
// that follows from what was shown and what was committed to.
export function readView(deliver, view) {
  const h = { ...Frame.root.lookupType('concordat.bus.v1.Header').toObject(view.header, { longs: String }) };
  for (const name of DICTIONARY) h[name] = h[name] ? deliver.dictionary[h[name] - 1] : '';
  h.id = h.id.toString();
  const type = root.lookupType(h.type);
  const commits = new Map(view.commitments.map((c) => [c.number, c.hash]));
  for (const g of view.groups) commits.set(g.number, commit(g.salt, g.number, g.data));
  const last = view.header_salt.length
    ? commit(view.header_salt, HEADER_GROUP, headerGroup(h))
    : view.header_commitment;
  const numbers = [...commits.keys()].sort((a, b) => a - b);
  return {
    header: h,
    message: type.toObject(type.decode(Buffer.concat(view.groups.map((g) => g.data)))),
    digest: sha256('concordat/event/1', canonical(h), last, ...numbers.map((n) => commits.get(n))),
  };
}
