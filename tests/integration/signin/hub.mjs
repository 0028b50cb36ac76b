// A demo data directory with one program of the hub on it, else nothing.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const bin = process.env.CONCORDAT_BIN;

// Below those that the system gives to whoever connects: a free one stays free
// until the gateway takes it.
async function freePort() {
  for (;;) {
    const port = 10000 + Math.floor(Math.random() * 20000);
    const server = net.createServer().listen(port, '127.0.0.1');
    const free = await once(server, 'listening').then(() => true, () => false);
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

export class Hub {
  // A port of its own, which is known before the gateway starts.
  static async make() {
    const hub = new Hub();
    hub.data = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'concordat-')), 'data');
    hub.run(['keys', 'demo', '--share', `${process.env.CONCORDAT_SOURCE}/deploy`, '--any-port',
      '--types', `${process.env.CONCORDAT_BUILD}/concordat.binpb`]);
    hub.port = await freePort();
    hub.url = `https://localhost:${hub.port}`;
    fs.appendFileSync(hub.path('ports'), `concordat-gateway.https=${hub.port}\n`);
    hub.ca = hub.read('keys/ca.crt.pem');
    return hub;
  }

  path(name) {
    return path.join(this.data, name);
  }

  read(name) {
    return fs.readFileSync(this.path(name), 'utf8');
  }

  // `concordat WORDS…` on this directory.
  run(words, input = '') {
    return execFileSync(`${bin}/concordat`, [...words, '--data', this.data], { input, encoding: 'utf8' });
  }

  async start(program = 'concordat-gateway') {
    const watcher = fs.watch(this.path('run'));
    this.log = '';
    this.process = spawn(`${bin}/${program}`, ['--data', this.data], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.process.stderr.on('data', (text) => (this.log += text));
    this.ended = once(this.process, 'exit').then(() => {
      if (!this.stopping) throw new Error(`${program} ended: ${this.log}`);
    });
    this.ended.catch(() => {});
    try {
      while (!fs.existsSync(this.path(`run/${program}.addr`))) {
        await Promise.race([once(watcher, 'change'), this.ended]);
      }
    } finally {
      watcher.close();
    }
  }

  async stop() {
    this.stopping = true;
    this.process.kill();
    await this.ended;
    this.stopping = false;
  }

  remove() {
    fs.rmSync(path.dirname(this.data), { recursive: true, force: true });
  }

  // Account to password, of the demo.
  passwords() {
    const lines = this.read('gateway/demo-sign-ins').trim().split('\n');
    return new Map(lines.map((line) => line.split('\t').slice(0, 2)));
  }
}
