import { createServer } from 'node:http';
import { jwtVerify } from 'jose';

/** `jose-server.ts PORT`: a session out of a Map, with a JWT that jose checks: no framework, no store, no log. `JWT_SECRET` is its key. */

const secret = new TextEncoder().encode(process.env['JWT_SECRET']);
const sessions = new Map([['s1', { id: 's1', status: 'idle', model: 'opus-4' }]]);

createServer((request, response) => {
  void (async () => {
    const token = request.headers.authorization?.slice('Bearer '.length) ?? '';
    const isValid = await jwtVerify(token, secret, { algorithms: ['HS256'] }).then(
      () => true,
      () => false,
    );
    const session = sessions.get(request.url?.split('/').at(-1) ?? '');
    const [status, body] = isValid ? [session === undefined ? 404 : 200, session ?? {}] : [401, {}];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  })();
}).listen(Number(process.argv[2]), '127.0.0.1');
