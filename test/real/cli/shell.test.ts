import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CcDocker, unwrap, type Session, type SessionTerminal } from '../../../client/main.ts';
import { CliUser } from '../../support/terminal/cli-user.ts';
import { FaultProxy } from '../../support/client/fault-proxy.ts';
import { Service } from '../../support/e2e/service.ts';
import { until } from '../../support/until.ts';

/** Terminals end to end: the client and the command, the edge, the tunnel, the runner, the wrapper, and a real shell. */

let service: Service;
let user: CliUser;
let cc: CcDocker;
let session: Session;
let token: string;
beforeAll(async () => {
  service = await Service.start({ backend: 'process', vars: { TERMINAL: '1' } });
  token = await service.token('alice');
  user = await CliUser.create({ CC_DOCKER_URL: service.url, CC_DOCKER_TOKEN: token });
  cc = new CcDocker({ url: service.url, token, backoff: { minMs: 5, maxMs: 100 } });
  session = await cc.sessions.create({ config: { idle_timeout_seconds: 600 } });
});
afterAll(async () => {
  await service?.stop();
  await user?.remove();
});

async function read(terminal: SessionTerminal): Promise<{ output: Buffer; error: Buffer }> {
  const all = { output: [] as Uint8Array[], error: [] as Uint8Array[] };
  for await (const piece of terminal.output) {
    if (piece.stream === 'gap') throw new Error(`${piece.bytes} bytes are gone`);
    all[piece.stream].push(piece.bytes);
  }
  return { output: Buffer.concat(all.output), error: Buffer.concat(all.error) };
}
const hashOf = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const LINES = Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`).join('');

describe('the client', () => {
  test('runs a command: both streams, its input, its exit code; the log says who, and not what', async () => {
    const terminal = session.terminal({ command: ['sh', '-c', 'cat; echo secret-word >&2; exit 3'] });
    await terminal.write('typed-word\n');
    terminal.end();
    const { output, error } = await read(terminal);
    expect([output.toString(), error.toString()]).toEqual(['typed-word\n', 'secret-word\n']);
    expect(await terminal.exited).toEqual({ code: 3, signal: null });
    const events = await until(async () => {
      const found = await logOf(session);
      expect(found.filter(({ type }) => type === 'session.terminal')).toHaveLength(2);
      return found;
    });
    const about = { terminal_id: terminal.id, by: 'alice', command: true, tty: false };
    expect(events.filter(({ type }) => type === 'session.terminal').map(({ data }) => data)).toEqual([
      { ...about, state: 'opened' },
      { ...about, state: 'ended', code: 3, signal: null },
    ]);
    expect(JSON.stringify(events)).not.toMatch(/typed-word|secret-word/);
    expect(service.log).not.toMatch(/typed-word|secret-word/);
  });

  test.each([true, false])('loses no byte of a command whose connections are cut (tty: %s)', async (tty) => {
    const proxy = await FaultProxy.start(service.url, 7);
    proxy.cut({ times: 20, onIdle: () => undefined, onEnd: () => undefined });
    const cut = new CcDocker({ url: proxy.url, token, backoff: { minMs: 5, maxMs: 50 } });
    let reconnects = 0;
    const terminal = cut
      .session(session.id)
      .terminal({ command: ['seq', '1', '200000'], tty, onReconnect: () => (reconnects += 1) });
    const { output } = await read(terminal);
    await proxy.stop();
    expect(proxy.cuts).toBeGreaterThanOrEqual(20);
    expect(reconnects).toBeGreaterThan(5);
    expect(hashOf(output)).toBe(hashOf(tty ? LINES.replaceAll('\n', '\r\n') : LINES));
    expect(await terminal.exited).toEqual({ code: 0, signal: null });
  });
});

/** A shell in a terminal. At the end it says whether the terminal takes lines again, as a shell needs it. */
async function shellIn(words: string, options: { columns?: number } = {}) {
  const terminal = await user.terminal(
    `shell ${words}; code=$?; stty -a | grep -q '[^-]icanon' && echo "[takes lines]"; (exit $code)`,
    options,
  );
  return terminal;
}

describe('cc-docker shell', () => {
  test('a shell in the session’s folder: its size follows the window, keys come as they are pressed, and its exit code is ours', async () => {
    const terminal = await shellIn(session.id, { columns: 91 });
    await terminal.shows(/[#$]$/);
    await terminal.type('stty size; pwd; echo $CLAUDE_CODE_SESSION_ID"-"$TERM');
    await terminal.shows(/40 91/);
    await terminal.shows(`${session.id}/workspace`);
    await terminal.shows('-tmux-256color');
    await terminal.resize(60, 20);
    await terminal.type('stty size; tput cols');
    await terminal.shows(/20 60\s+60/);
    // Ctrl-C is for what runs there.
    await terminal.type('sleep 1000');
    await until(async () => expect(await terminal.screen()).toMatch(/sleep 1000$/));
    await terminal.press('C-c');
    await terminal.type('echo still "he"re; exit 3');
    await terminal.shows('still here');
    expect(await terminal.exitCode()).toBe(3);
    expect(await terminal.screen()).toContain('[takes lines]');
  });

  test('~. leaves, and the shell goes on; --terminal comes back to it; another viewer takes it over', async () => {
    const terminal = await shellIn(session.id);
    await terminal.shows(/[#$]$/);
    await terminal.type('MARK=kept; printf "%s\\n" "~. is no"" escape in a line"');
    await terminal.shows('~. is no escape in a line');
    await terminal.press('~');
    await terminal.press('?');
    await terminal.shows('~. leaves');
    await terminal.press('Enter');
    await terminal.press('~');
    await terminal.press('.');
    expect(await terminal.exitCode()).toBe(0);
    expect(await terminal.screen()).toContain('[takes lines]');
    const id = /--terminal ([0-9a-f-]{36})/.exec((await terminal.screen()).replaceAll('\n', ''))?.[1] ?? '';
    const back = await shellIn(`${session.id} --terminal ${id}`);
    // The last that it showed is shown again.
    await back.shows('is no escape in a line');
    await back.type('echo "[$MARK]"');
    await back.shows('[kept]');
    const other = await shellIn(`${session.id} --terminal ${id}`);
    await other.shows('[kept]');
    expect(await back.exitCode()).toBe(255);
    expect(await back.screen()).toContain('Another viewer has this terminal now');
    expect(await back.screen()).toContain('[takes lines]');
    await other.type('exit');
    expect(await other.exitCode()).toBe(0);
  });

  test('a turn runs beside it', async () => {
    const terminal = await shellIn(session.id);
    await terminal.shows(/[#$]$/);
    const prompt = `Please.\n\`\`\`demo\n${JSON.stringify([{ tool: 'Bash', input: { command: 'cat from-shell' } }, { text: 'It says {{last_tool_result}}.' }])}\n\`\`\``;
    await terminal.type('echo written by hand > from-shell');
    const { text } = await session.ask(prompt);
    expect(text).toContain('It says written by hand');
    await terminal.type('echo "al"ive; exit');
    await terminal.shows('alive');
    expect(await terminal.exitCode()).toBe(0);
  });

  test('a service that goes away and comes back: the same shell goes on; ended by a signal, it gives the terminal back', async () => {
    const terminal = await shellIn(session.id);
    await terminal.shows(/[#$]$/);
    await terminal.type('MARK=kept');
    await service.stopEdge();
    await terminal.shows('the connection broke');
    await service.startEdge();
    await terminal.type('echo "[$MARK]"');
    await terminal.shows('[kept]');
    await terminal.signal('SIGTERM');
    expect(await terminal.exitCode()).toBe(143);
    expect(await terminal.screen()).toContain('[takes lines]');
  });

  test('it says what is wrong: no terminal of its own, a session that is none, a service that is dead', async () => {
    const piped = await user.run(['shell', session.id]);
    expect(piped).toMatchObject({ code: 255, stdout: '' });
    expect(piped.stderr).toContain('cc-docker exec');
    expect((await user.run(['exec', 'nobody', 'true'])).code).toBe(255);
    const dead = await user.run(['exec', session.id, 'true'], { env: { CC_DOCKER_URL: 'http://127.0.0.1:9' } });
    expect(dead.code).toBe(255);
    expect((await user.run(['exec', session.id])).code).toBe(2);
  });
});

describe('cc-docker exec', () => {
  test('a command in a pipe: stdin, both outputs, its exit code, options of its own', async () => {
    const run = await user.run(['exec', session.id, 'sh', '-c', 'cat; echo bad >&2; exit 7'], { input: 'from here\n' });
    expect(run).toEqual({ code: 7, stdout: 'from here\n', stderr: 'bad\n' });
    expect(await user.run(['exec', session.id, '--', 'echo', '-n', '--tty'])).toMatchObject({
      code: 0,
      stdout: '--tty',
    });
    expect(await user.run(['exec', '-n', session.id, 'cat'], { input: 'unread' })).toMatchObject({
      code: 0,
      stdout: '',
    });
    expect((await user.run(['exec', session.id, 'sh', '-c', 'kill -TERM $$'])).code).toBe(143);
    const missing = await user.run(['exec', session.id, 'no-such-command']);
    expect(missing.code).toBe(127);
    expect(missing.stderr).toContain('no-such-command');
    const large = await user.run(['exec', session.id, 'sha256sum'], { input: LINES });
    expect(large.stdout).toContain(hashOf(LINES));
    expect(hashOf((await user.run(['exec', session.id, 'seq', '1', '200000'])).stdout)).toBe(hashOf(LINES));
  });

  test('in a terminal: lines and Ctrl-C reach the command; with --tty it has one', async () => {
    const plain = await user.terminal(
      `exec ${session.id} sh -c 'trap "exit 5" INT; echo ready; while :; do sleep 0.1; done'`,
    );
    await plain.shows('ready');
    await plain.press('C-c');
    expect(await plain.exitCode()).toBe(5);
    const tty = await user.terminal(`exec -t ${session.id} sh -c 'tty; stty size; read answer; exit $answer'`, {
      columns: 70,
    });
    await tty.shows(/\/dev\/pts\/\d+\s+40 70/);
    await tty.type('9');
    expect(await tty.exitCode()).toBe(9);
  });
});

describe('whom it is for', () => {
  test('a parked session is woken by it, and is parked again by its owner alone', async () => {
    const parked = await cc.sessions.create({});
    await parked.stop();
    await until(async () => expect((await parked.show()).status).toBe('stopped'));
    expect(await user.run(['exec', parked.id, 'echo', 'awake'])).toMatchObject({ code: 0, stdout: 'awake\n' });
    expect((await parked.show()).status).toBe('idle');
    const running = parked.terminal({});
    // Its prompt is there.
    await running.output[Symbol.asyncIterator]().next();
    await parked.stop();
    // The shell is told; or its container was sooner gone than it could say so. Nobody begins another.
    const how = running.exited.then(
      ({ signal }) => signal,
      ({ code }: { code: string }) => code,
    );
    expect(['HUP', 'terminal_not_found']).toContain(await how);
    await parked.remove();
  });

  test('not for others, nor a token that reads, or is of another session; and not where it is off', async () => {
    const codeOf = async (client: CcDocker) =>
      await client
        .session(session.id)
        .terminal({ command: ['true'] })
        .exited.then(
          () => 'opened',
          (error: { code: string }) => error.code,
        );
    const other = await cc.sessions.create({});
    const having = async (sub: string, claims: object = {}) =>
      new CcDocker({ url: service.url, token: await service.token(sub, claims), retries: 0 });
    expect(await codeOf(await having('mallory'))).toBe('session_not_found');
    expect(await codeOf(await having('alice', { scope: 'sessions:read interactions:answer' }))).toBe('scope_missing');
    expect(await codeOf(await having('alice', { sid: other.id }))).toBe('session_not_found');
    expect(await codeOf(await having('alice', { sid: session.id }))).toBe('opened');
    await service.stopEdge();
    await service.startEdge({ TERMINAL: '0' });
    expect(await codeOf(await having('alice'))).toBe('terminal_off');
    await service.stopEdge();
    await service.startEdge();
    // Its container is connected again.
    await until(async () => expect(await codeOf(await having('alice'))).toBe('opened'));
  });

  test('a browser opens it with a ticket, once; a token that is revoked ends it; the audit log says who', async () => {
    const token = await service.token('alice', {}, 3000);
    const client = new CcDocker({ url: service.url, token });
    const { ticket } = await client.session(session.id).ticket();
    const url = `${service.url.replace('http', 'ws')}/api/v1/sessions/${session.id}/terminal?ticket=${ticket}`;
    const heard: { type: string; code?: string; terminal?: string }[] = [];
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }: { data: unknown }) => {
      if (typeof data === 'string') heard.push(JSON.parse(data) as (typeof heard)[number]);
    });
    await until(() => expect(heard).toContainEqual(expect.objectContaining({ type: 'ready' })));
    const refused = Promise.withResolvers<unknown>();
    new WebSocket(url).addEventListener('error', refused.resolve);
    await refused.promise;

    const admin = new CcDocker({ url: service.url, token: await service.token('root', { scope: 'admin' }) });
    await unwrap(admin.api.POST('/api/v1/revocations', { body: { sub: 'alice' } }));
    await until(() => expect(heard.at(-1)).toMatchObject({ type: 'error', code: 'token_revoked' }));
    const audit = await unwrap(
      admin.api.GET('/api/v1/audit', { params: { query: { actor: 'alice', action: 'terminal.opened', limit: 1 } } }),
    );
    expect(audit.data).toEqual([expect.objectContaining({ actor: 'alice', target: session.id })]);
    expect(JSON.stringify(audit.data)).not.toContain('exec');
  });
});

async function logOf(session: Session): Promise<{ type: string; data: unknown }[]> {
  const { last_seq } = await session.show();
  const found: { type: string; data: unknown }[] = [];
  for await (const event of session.events()) {
    found.push(event);
    if ((event.seq ?? 0) >= last_seq) return found;
  }
  return found;
}
