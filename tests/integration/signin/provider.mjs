// A real OpenID Connect provider, and one that lies when it is told to.
import { generateKeyPairSync } from 'node:crypto';
import https from 'node:https';
import * as jose from 'jose';
import Provider from 'oidc-provider';

export const clientId = 'concordat';
export const clientSecret = 'a secret: of the client';

// Who there is in the directory.
const people = {
  anna: { name: 'Anna Baird', groups: ['staff', 'mappa-co-ordinators'], employee_number: 'D-1001' },
  bill: { name: 'Bill Cowie', groups: ['gardeners'], employee_number: 'D-1002' },
};

function makeKey(kid, alg, type, options) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
}

// Listens on a free port. `algorithm`: of the ID tokens.
export async function startProvider({ key, cert, redirectUri, algorithm }) {
  const keys = [
    makeKey('r', 'RS256', 'rsa', { modulusLength: 2048 }),
    makeKey('e', 'ES256', 'ec', { namedCurve: 'P-256' }),
    makeKey('d', 'EdDSA', 'ed25519', {}),
  ];
  let handler;
  const server = https.createServer({ key, cert }, (request, response) => handler(request, response));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `https://localhost:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        id_token_signed_response_alg: algorithm,
      },
    ],
    jwks: { keys },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
    pkce: { required: () => true },
    claims: { profile: ['name', 'groups', 'employee_number'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['of this test'] },
    findAccount: (context, sub) => people[sub] && { accountId: sub, claims: () => ({ sub, ...people[sub] }) },
  });
  const honest = provider.callback();
  const state = { issuer, keys, lie: undefined, close: () => new Promise((done) => server.close(done)) };
  handler = (request, response) => {
    if (!state.lie || request.url !== '/token') return honest(request, response);
    request.resume();
    return request.on('end', async () => {
      const token = await state.lie();
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ access_token: 'x', token_type: 'Bearer', id_token: token }));
    });
  };
  return state;
}

// A token with the provider's own key, or as `options` say.
export function signToken(provider, claims, { alg = 'RS256', kid = 'r', key } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    iss: provider.issuer,
    aud: clientId,
    sub: 'anna',
    employee_number: 'D-1001',
    groups: ['mappa-co-ordinators'],
    iat: now,
    exp: now + 300,
    ...claims,
  };
  if (alg === 'none') return new jose.UnsecuredJWT(payload).encode();
  return (async () => {
    const own = key ?? (await jose.importJWK(provider.keys.find((jwk) => jwk.kid === kid), alg));
    return new jose.SignJWT(payload).setProtectedHeader({ alg, kid }).sign(own);
  })();
}
