// What an agent would run: a small dev server with hot reload, of Node alone. `node dev-server.mjs PORT`, in the folder that it serves.
import { createHash } from 'node:crypto';
import { readFileSync, watch } from 'node:fs';
import { createServer } from 'node:http';

const [, , port = '5173', host = '127.0.0.1'] = process.argv;
const sockets = new Set();
/** Every request that came to `/hit`. */
const hits = [];

/** Sends a text frame (RFC 6455) of less than 126 bytes. */
const say = (socket, text) => socket.write(Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]));

const RELOAD = `<script>
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/hot', 'hot');
  socket.onmessage = ({ data }) => { if (data === 'changed') location.reload(); else document.title = data; };
</script>`;

const server = createServer((request, response) => void answer(request, response));

async function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://app');
  if (pathname === '/hit') {
    hits.push(request.url);
    return response.end('hit');
  }
  if (pathname === '/hits') return response.end(JSON.stringify(hits));
  if (pathname === '/seen') {
    const { method, url, rawHeaders } = request;
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify({ method, url, rawHeaders, headers: request.headers }));
  }
  if (pathname === '/sse') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let n = 0;
    const timer = setInterval(() => response.write(`data: ${(n += 1)}\n\n`), 50);
    return request.once('close', () => clearInterval(timer));
  }
  if (pathname === '/big') {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    const mb = Number(searchParams.get('mb'));
    response.setHeader('content-length', String(mb * chunk.length));
    for (let sent = 0; sent < mb; sent += 1) {
      if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve));
    }
    return response.end();
  }
  if (pathname === '/upload') {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of request) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    return response.end(JSON.stringify({ bytes, sha256: hash.digest('hex') }));
  }
  if (pathname === '/cookies') {
    response.setHeader('set-cookie', [
      'own=1; Path=/',
      'wide=1; Path=/; Domain=localhost',
      'cc-docker-preview=taken; Path=/',
      '__Host-cc-docker-preview=taken; Path=/; Secure',
    ]);
    response.setHeader('clear-site-data', '"cookies"');
    response.setHeader('x-cc-docker-page', 'ended');
    return response.end('set');
  }
  try {
    const file = readFileSync(`.${pathname === '/' ? '/index.html' : pathname}`, 'utf8');
    response.setHeader('content-type', pathname.endsWith('.js') ? 'text/javascript' : 'text/html');
    return response.end(pathname === '/' ? file + RELOAD : file);
  } catch {
    response.statusCode = 404;
    return response.end('no such file');
  }
}

server.on('upgrade', (request, socket) => {
  if (request.url.startsWith('/hit')) hits.push(request.url);
  const key = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  const protocol = request.headers['sec-websocket-protocol'];
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key.digest('base64')}\r\n${
      protocol === undefined ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`
    }\r\n`,
  );
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  // The other end says nothing but that it closes.
  socket.once('data', () => socket.end(Buffer.from([0x88, 0])));
  say(socket, `hot ${protocol}`);
});
watch('index.html', () => {
  for (const socket of sockets) say(socket, 'changed');
});
server.listen(Number(port), host, () => console.log(`listens on ${port}`));
