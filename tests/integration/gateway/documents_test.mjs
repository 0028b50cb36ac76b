// The documents that the real gateway serves, held to the schemas of OpenAPI 3.1 and
// AsyncAPI 3.0.
//
// Bug                                       Caught by
// a document that tools do not take         every test
// the gateway does not find its words       operations, messages and fields are described
import assert from 'node:assert/strict';
import https from 'node:https';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Hub } from '../signin/hub.mjs';

const require = createRequire(import.meta.url);
const Ajv = require('ajv');
const addFormats = require('ajv-formats');
const asyncApiSchema = require('@asyncapi/specs/schemas/3.0.0.json');

let hub;
let openApi;
let asyncApi;

const read = (path) =>
  new Promise((resolve, reject) => {
    https
      .get(`${hub.url}${path}`, { ca: hub.ca }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (part) => (text += part));
        answer.on('end', () => resolve(JSON.parse(text)));
      })
      .on('error', reject);
  });

before(async () => {
  hub = await Hub.make();
  await hub.start();
  openApi = await read('/openapi.json');
  asyncApi = await read('/asyncapi.json');
});

after(async () => {
  await hub.stop();
  hub.remove();
});

test('the methods are OpenAPI 3.1', async () => {
  const result = await new Validator().validate(openApi);
  assert.deepEqual(result.errors ?? [], []);
  assert.ok(result.valid);
});

test('the events are AsyncAPI 3.0', () => {
  const ajv = new Ajv({ strict: false, meta: false, validateSchema: false });
  addFormats(ajv);
  const valid = ajv.compile(asyncApiSchema);
  valid(asyncApi);
  assert.deepEqual(valid.errors ?? [], []);
});

test('operations, messages and fields are described', () => {
  for (const [path, item] of Object.entries(openApi.paths)) {
    for (const operation of Object.values(item)) assert.ok(operation.summary, path);
  }
  const alert = openApi.components.schemas['concordat.alerts.v1.Alert'];
  assert.ok(Object.values(alert.properties).some((field) => field.description));
  assert.ok(Object.values(asyncApi.components.messages).some((message) => message.description));
});
