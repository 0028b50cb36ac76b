// As much of a browser as signing in needs: a cookie jar that knows SameSite,
// and one address of this machine's own.
import https from 'node:https';

export class Browser {
  // `ca`: PEM of the authority to trust. `address`: where it comes from.
  constructor(ca, address = '127.0.0.1') {
    this.ca = ca;
    this.address = address;
    this.jar = new Map(); // Origin to Map of name to {value, sameSite}.
  }

  cookiesOf(origin) {
    if (!this.jar.has(origin)) this.jar.set(origin, new Map());
    return this.jar.get(origin);
  }

  #store(origin, headers) {
    for (const line of headers['set-cookie'] ?? []) {
      const [pair, ...attributes] = line.split(';').map((part) => part.trim());
      const name = pair.slice(0, pair.indexOf('='));
      const value = pair.slice(pair.indexOf('=') + 1);
      const find = (key) =>
        attributes
          .find((attribute) => attribute.toLowerCase().startsWith(`${key}=`))
          ?.slice(key.length + 1);
      const expired = find('max-age') === '0' || new Date(find('expires')) < new Date();
      if (expired) this.cookiesOf(origin).delete(name);
      else this.cookiesOf(origin).set(name, { value, sameSite: find('samesite')?.toLowerCase() });
    }
  }

  // `crossSite`: another site sent it here, so that Strict cookies stay home.
  ask(url, { method = 'GET', headers = {}, body = '', crossSite = false } = {}) {
    const { origin } = new URL(url);
    const cookies = [...this.cookiesOf(origin)]
      .filter(([, cookie]) => !crossSite || cookie.sameSite !== 'strict')
      .map(([name, cookie]) => `${name}=${cookie.value}`)
      .join('; ');
    return new Promise((resolve, reject) => {
      const request = https.request(
        url,
        {
          method,
          ca: this.ca,
          agent: false,
          family: 4,
          localAddress: this.address,
          headers: { ...(cookies ? { cookie: cookies } : {}), 'content-length': Buffer.byteLength(body), ...headers },
        },
        (response) => {
          const pieces = [];
          response.on('data', (piece) => pieces.push(piece));
          response.on('error', reject);
          response.on('end', () => {
            this.#store(origin, response.headers);
            resolve({
              status: response.statusCode,
              headers: response.headers,
              location: response.headers.location && new URL(response.headers.location, url).href,
              text: Buffer.concat(pieces).toString(),
            });
          });
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }

  json(url, method, value, headers = {}) {
    return this.ask(url, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: value === undefined ? '' : JSON.stringify(value),
    });
  }

  form(url, fields) {
    return this.ask(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    });
  }
}
