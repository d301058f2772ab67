// What an agent tries from within a task beside a porter: `node hostile-task.mjs`, with `plan.json` beside it.
// It prints one line of JSON: what it reached, and what it found. Plain JavaScript, because it runs in the session's image.
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';

const RUN = '/run/cc-docker';
const plan = JSON.parse(readFileSync(path.join(RUN, 'plan.json'), 'utf8'));
const reached = [];
const waitMs = 1500;

/** Whoever answers, even with a refusal, was reached. */
const connects = (host, port) =>
  new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const end = (how) => (socket.destroy(), clearTimeout(late), resolve(how));
    const late = setTimeout(() => end(false), waitMs);
    socket.once('connect', () => end(true)).once('error', ({ code }) => end(code === 'ECONNREFUSED'));
  });

const datagramAnswered = (host, port, message) =>
  new Promise((resolve) => {
    const socket = createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
    const end = (how) => (clearTimeout(late), socket.close(), resolve(how));
    const late = setTimeout(() => end(false), waitMs);
    socket.once('message', () => end(true)).once('error', () => end(false));
    socket.send(message, port, host);
  });

/** A request to the runner's door, by a connection of its own: its status, or `closed`. `body`: all of it; absent: it stays open. */
const asksDoor = (path, body) =>
  new Promise((resolve) => {
    const socket = tls.connect({
      ...plan.runner,
      servername: 'runner.cc-docker.internal',
      ALPNProtocols: ['h2'],
      rejectUnauthorized: false,
    });
    socket.on('error', () => {});
    const session = http2.connect('https://door', { createConnection: () => socket });
    session.on('error', () => {}).on('close', () => resolve('closed'));
    const request = session.request({ ':method': 'POST', ':path': path }, { endStream: false });
    request.on('error', () => {}).on('response', (headers) => (resolve(headers[':status']), session.destroy()));
    if (body !== undefined) request.end(body);
  });

/** What the door says to an arrival with this token: nothing, when it closes. */
const arrives = (token) => asksDoor('/arrive', JSON.stringify({ token, session_key: 'A'.repeat(43), version: '0' }));

/** True when this could be done. */
const can = (act) => {
  try {
    act();
    return true;
  } catch {
    return false;
  }
};

const python = (program) => can(() => execFileSync('python3', ['-c', program], { stdio: 'ignore', timeout: 10_000 }));

function filesBelow(folder, depth = 4) {
  if (depth === 0) return [];
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const file = path.join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(file, depth - 1) : entry.isFile() ? [file] : [];
    });
  } catch {
    return [];
  }
}

function findsSecret() {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const places = [
    ...processes.flatMap((id) => [`/proc/${id}/environ`, `/proc/${id}/cmdline`]),
    ...[RUN, '/tmp', '/workspace', '/claude', '/home/agent', '/var', '/root'].flatMap((folder) => filesBelow(folder)),
  ];
  return places.filter((file) => {
    try {
      if (file.endsWith('plan.json') || file.endsWith('hostile-task.mjs') || statSync(file).size > 5_000_000)
        return false;
      const text = readFileSync(file, 'latin1');
      // Of its own token it knows the beginning.
      return text.includes(`${plan.self}.`) || text.includes('CC_DOCKER_PORTER_TOKEN');
    } catch {
      return false;
    }
  });
}

async function attack() {
  const targets = [
    ...plan.closed,
    ...['1.1.1.1', '8.8.8.8', '169.254.169.254', '169.254.170.2', '169.254.169.253', '2606:4700:4700::1111'].flatMap(
      (host) => [53, 80, 443].map((port) => ({ host, port })),
    ),
    ...[22, 80, 443, 2375, 2376, 8000, 8787, 9000].map((port) => ({ host: plan.runner.host, port })),
  ];
  await Promise.all(
    targets.map(async ({ host, port }) => {
      if (await connects(host, port)) reached.push(`tcp ${host}:${port}`);
    }),
  );
  const question = Buffer.from('cc0101000001000000000000076578616d706c6503636f6d0000010001', 'hex');
  for (const host of ['1.1.1.1', '169.254.169.253', plan.runner.host])
    if (await datagramAnswered(host, 53, question)) reached.push(`dns ${host}`);
  if (await datagramAnswered(plan.runner.host, plan.udp, 'hello')) reached.push('udp of the runner');
  if (await datagramAnswered('ff02::1%eth0', plan.udp, 'hello')) reached.push('udp of all neighbours');
  const names = await Promise.race([
    lookup('example.com').then(
      () => true,
      () => false,
    ),
    new Promise((resolve) => setTimeout(() => resolve(false), 5000).unref()),
  ]);
  return {
    control: await connects(plan.runner.host, plan.runner.port),
    reached,
    names,
    tokens: await Promise.all([plan.foreign, `${plan.foreign}x`, plan.forged, ''].map(arrives)),
    services: await Promise.all(
      ['/link', '/model', '/run', '/store', '/orders', '/..%2f'].map((path) => asksDoor(path)),
    ),
    secrets: findsSecret(),
    processes: readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length,
    did: {
      'write in the run folder': can(() => writeFileSync(path.join(RUN, 'mine'), '')),
      'replace a socket': can(() => renameSync(path.join(RUN, 'link.sock'), path.join(RUN, 'other.sock'))),
      'remove the porter’s word': can(() => rmSync(path.join(RUN, 'porter.ready'))),
      'open a raw socket': python('import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)'),
      'read packets': python('import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 768)'),
      'give the card another address': python(
        `import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8916, struct.pack('16sH2s4s8s', b'eth0', 2, b'', bytes([10, 9, 8, 7]), b''))`,
      ),
      'forward what others send': can(() => writeFileSync('/proc/sys/net/ipv4/ip_forward', '1')),
    },
    cards: Object.keys(os.networkInterfaces()),
  };
}

if (plan.waits) {
  // The other session: it has something to reach, and goes on saying that it is there.
  net.createServer((socket) => socket.end('reached')).listen(plan.waits, '0.0.0.0');
  setInterval(() => {
    const socket = net.connect(path.join(RUN, 'link.sock'));
    socket.on('error', () => {}).end('here\n');
  }, 200);
} else {
  console.log(`RESULT ${JSON.stringify(await attack())}`);
  setInterval(() => {}, 1000);
}
