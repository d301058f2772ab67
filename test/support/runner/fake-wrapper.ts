/**
 * Stands in for the wrapper in tests of the runner: speaks the link protocol, and does what prompts say. Only Node's
 * own modules, so that it runs as one file in a bare container too.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';

const launch = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const kept: unknown[] = [];
let acknowledged = 0;
let taken = 0;
/** It was told to go on after its clone. */
let went = false;
let link: net.Socket | undefined;

const send = (frame: unknown) => link?.write(`${JSON.stringify(frame)}\n`);

function say(...items: unknown[]): void {
  kept.push(...items);
  send({ kind: 'items', first: acknowledged + kept.length - items.length + 1, items });
}

function forget(stored: number): void {
  kept.splice(0, stored - acknowledged);
  acknowledged = stored;
}

function attempt(act: () => void): string {
  try {
    act();
    return 'done';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'failed';
  }
}

const ownStatus = (name: string): string | undefined =>
  new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1];

/** What a process in here can see and do. */
function probe() {
  const files = [
    '/x',
    '/etc/x',
    '/usr/local/bin/x',
    '/run/cc-docker/x',
    '/tmp/x',
    '/home/agent/x',
    '/workspace/x',
    '/claude/x',
  ];
  return {
    interfaces: readFileSync('/proc/net/dev', 'utf8')
      .match(/^\s*\w+(?=:)/gm)
      ?.map((name) => name.trim()),
    uid: process.getuid?.(),
    gid: process.getgid?.(),
    capabilities: ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) =>
      Number.parseInt(ownStatus(name) ?? '1', 16),
    ),
    noNewPrivileges: ownStatus('NoNewPrivs'),
    seccomp: ownStatus('Seccomp'),
    writes: Object.fromEntries(files.map((file) => [file, attempt(() => writeFileSync(file, ''))])),
    sessionFolder: readdirSync('/run/cc-docker').sort(),
    environment: Object.keys(process.env).sort(),
  };
}

/** Whether a connection of this process's own gets there. */
function reach(host: string, port: number): void {
  const socket = net.connect({ host, port, timeout: 2_000 });
  const answer = (how: string): void => {
    socket.destroy();
    say(`reach ${host}:${port}: ${how}`);
  };
  socket.once('connect', () => answer('yes'));
  socket.once('timeout', () => answer('no'));
  socket.once('error', () => answer('no'));
}

/** What the egress proxy answers to who wants to get to `target`. */
function tunnel(target: string): void {
  const socketPath = path.join(path.dirname(launch.link_socket), 'proxy.sock');
  const request = http.request({ socketPath, method: 'CONNECT', path: target });
  request.once('connect', (response, socket) => {
    socket.destroy();
    say(`tunnel ${target}: ${response.statusCode}`);
  });
  request.once('error', () => say(`tunnel ${target}: no proxy`));
  request.end();
}

/** What the model gateway answers. */
function askModel(): void {
  const request = http.request({
    socketPath: launch.env.ANTHROPIC_UNIX_SOCKET,
    method: 'POST',
    path: '/v1/messages?beta=true',
  });
  request.once('response', (response) => say(`model: ${response.resume().statusCode}`));
  request.once('error', () => say('model: no gateway'));
  request.end(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] }));
}

function obey(prompt: string): void {
  const [word, ...rest] = prompt.split(' ');
  if (word === 'write') {
    writeFileSync(path.join(launch.cwd, rest[0] ?? ''), rest.slice(1).join(' '));
    say(`wrote ${rest[0]}`);
  } else if (word === 'converse') {
    const project = path.join(launch.env.CLAUDE_CONFIG_DIR, 'projects', '-workspace');
    mkdirSync(project, { recursive: true });
    writeFileSync(path.join(project, `${launch.session_id}.jsonl`), rest.join(' '));
    say('conversed');
  } else if (word === 'probe') say(JSON.stringify(probe()));
  else if (word === 'exit') process.exit(Number(rest[0]));
  else if (word === 'freeze') process.kill(process.pid, 'SIGSTOP');
  else if (word === 'complain') process.stderr.write(`${rest.join(' ')}\n`, () => process.exit(9));
  else if (word === 'reach') reach(rest[0] ?? '', Number(rest[1]));
  else if (word === 'tunnel') tunnel(rest[0] ?? '');
  else if (word === 'model') askModel();
  else if (word === 'spawn') {
    const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore', env: launch.env });
    say(`spawned ${child.pid}`);
  } else if (word === 'sh') {
    // As the agent's tools run: with the environment of the launch.
    execFile('bash', ['-c', rest.join(' ')], { env: launch.env }, (_, stdout, stderr) => say(`sh: ${stdout}${stderr}`));
  } else if (word === 'stubborn') {
    process.on('SIGTERM', () => {});
    say('stubborn');
  } else if (word === 'bequeath') {
    // Writes a last file once it is asked to end, and takes its time.
    process.on('SIGTERM', () => {
      setTimeout(() => {
        writeFileSync(path.join(launch.cwd, rest[0] ?? ''), rest.slice(1).join(' '));
        process.exit(0);
      }, 300);
    });
    say('will do');
  } else if (word === 'eat') {
    const eaten: Buffer[] = [];
    for (;;) eaten.push(Buffer.alloc(16 * 1024 * 1024, 1));
  } else say(`echo ${prompt}`);
}

function dial(): void {
  let pending = '';
  const socket = net.connect(launch.link_socket, () => {
    link = socket;
    send({ kind: 'hello', epoch: launch.epoch, taken });
  });
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    pending += chunk;
    const lines = pending.split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) receive(JSON.parse(line));
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    link = undefined;
    setTimeout(dial, 20);
  });
}

function receive(frame: {
  kind: string;
  stored: number;
  from: number;
  number: number;
  command: { prompt?: string };
}): void {
  if (frame.kind === 'ping') send({ kind: 'pong', number: frame.number });
  if (frame.kind === 'ack') forget(frame.stored);
  if (frame.kind === 'welcome') {
    forget(frame.stored);
    if (kept.length > 0) send({ kind: 'items', first: acknowledged + 1, items: kept });
  }
  if (frame.kind === 'go' && !went && launch.git !== undefined) {
    went = true;
    say(...ready());
  }
  if (frame.kind === 'resend')
    send({ kind: 'items', first: frame.from, items: kept.slice(frame.from - acknowledged - 1) });
  if (frame.kind === 'command' && frame.number === taken + 1) {
    taken += 1;
    send({ kind: 'taken', command: taken });
    obey(frame.command.prompt ?? '');
  }
}

process.on('SIGTERM', () => {
  if (process.listenerCount('SIGTERM') === 1) process.exit(0);
});
const ready = () => [
  { notice: 'ready', claude_version: 'fake' },
  JSON.stringify({ resume: launch.resume, forkOf: launch.fork_of, env: launch.env }),
];
if (launch.git === undefined) kept.push(...ready());
else {
  const { repo } = launch.git;
  writeFileSync(path.join(launch.cwd, 'README'), 'cloned');
  kept.push({ notice: 'cloning', repo }, { notice: 'cloned', repo, commit: 'c0ffee', ms: 1 });
}
dial();
