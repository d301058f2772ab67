import { createServer, request as httpRequest } from 'node:http';
import net, { type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { listen } from './listen.ts';

const USER = 'company';
const PASSWORD = 'p@ss/word';

export interface UpstreamProxyStandIn {
  port: number;
  /** With its user and password. */
  url: string;
  /** What must never be shown. */
  password: string;
  /** Targets of the CONNECTs that it let through, and URLs that it fetched. */
  asked: string[];
  /** Of those that it turned away, for want of a password. */
  refused: string[];
}

/** A company's proxy: it wants a user and a password, and knows every name as this machine. */
export async function startUpstreamProxy(): Promise<UpstreamProxyStandIn> {
  const asked: string[] = [];
  const refused: string[] = [];
  const sockets = new Set<Socket>();
  const wanted = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
  const server = createServer((request, response) => {
    const url = URL.parse(request.url ?? '');
    if (url === null || request.headers['proxy-authorization'] !== wanted) {
      refused.push(request.url ?? '');
      response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end();
      return;
    }
    asked.push(url.href);
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const options = { host: '127.0.0.1', port: url.port, path: url.pathname, method: request.method ?? 'GET', headers };
    const onward = httpRequest(options, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.on('connect', (request, client: Socket, head: Buffer) => {
    const target = request.url ?? '';
    client.on('error', () => client.destroy());
    if (request.headers['proxy-authorization'] !== wanted) {
      refused.push(target);
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n');
      return;
    }
    asked.push(target);
    const upstream = net.connect(Number(target.slice(target.lastIndexOf(':') + 1)), '127.0.0.1');
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
    upstream.once('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
  });
  server.on('connection', (socket) => sockets.add(socket));
  const port = await listen(server, '127.0.0.1');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const url = `http://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`;
  return { port, url, password: PASSWORD, asked, refused };
}
