// The steps by a client of Node: client.mjs http|fetch|axios URL. NODE_EXTRA_CA_CERTS names the root.
import http from 'node:http';
import https from 'node:https';

const [, , library, url] = process.argv;
const piece = Buffer.alloc(100000);
const range = { Range: 'bytes=65-69' };

async function* pieces() {
  for (let i = 0; i < 3; i++) yield piece;
}

async function withHttp() {
  const scheme = url.startsWith('https') ? https : http;
  const agent = new scheme.Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (path, options = {}, send = (request) => request.end()) =>
    new Promise((resolve, reject) => {
      const request = scheme.request(url + path, { agent, ...options }, (response) => {
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.on('end', () => resolve({ response, content: Buffer.concat(parts) }));
      });
      request.on('error', reject);
      send(request);
    });
  for (let i = 0; i < 2; i++) console.log('hello', (await ask('/')).content.length);
  console.log('head', (await ask('/', { method: 'HEAD' })).response.headers['content-length']);
  console.log('stream', (await ask('/stream')).content.length);
  const upload = await ask('/upload', { method: 'POST' }, async (request) => {
    for await (const part of pieces()) request.write(part);
    request.end();
  });
  console.log('upload', upload.content.toString());
  const expecting = { method: 'POST', headers: { Expect: '100-continue', 'Content-Length': 300000 } };
  const late = await ask('/continue', expecting, (request) => {
    request.on('continue', () => request.end(Buffer.alloc(300000)));
    request.flushHeaders();
  });
  console.log('continue', late.content.toString());
  console.log('range', (await ask('/file', { headers: range })).content.toString());
  agent.destroy();
}

async function withFetch() {
  for (let i = 0; i < 2; i++) console.log('hello', (await (await fetch(url + '/')).arrayBuffer()).byteLength);
  const head = await fetch(url + '/', { method: 'HEAD' });
  console.log('head', head.headers.get('content-length'));
  console.log('stream', (await (await fetch(url + '/stream')).arrayBuffer()).byteLength);
  const body = ReadableStream.from(pieces());
  console.log('upload', await (await fetch(url + '/upload', { method: 'POST', body, duplex: 'half' })).text());
  console.log('range', await (await fetch(url + '/file', { headers: range })).text());
}

async function withAxios() {
  const { default: axios } = await import(process.env.AXIOS);
  const { Readable } = await import('node:stream');
  const client = axios.create({
    baseURL: url, responseType: 'arraybuffer', proxy: false, maxRedirects: 0,
    httpAgent: new http.Agent({ keepAlive: true, maxSockets: 1 }),
    httpsAgent: new https.Agent({ keepAlive: true, maxSockets: 1 }),
  });
  for (let i = 0; i < 2; i++) console.log('hello', (await client.get('/')).data.length);
  console.log('head', (await client.head('/')).headers['content-length']);
  console.log('stream', (await client.get('/stream')).data.length);
  console.log('upload', (await client.post('/upload', Readable.from(pieces()))).data.toString());
  console.log('range', (await client.get('/file', { headers: range })).data.toString());
  process.exit(0);
}

await { http: withHttp, fetch: withFetch, axios: withAxios }[library]();
