import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROTOCOL } from '../protocol/link/protocol-version.ts';
import { WrapperExit } from '../protocol/link/wrapper/wrapper-exit.ts';
import type { SessionFrame } from '../protocol/link/wrapper/wrapper-link.ts';
import type { WrapperFrame } from '../protocol/link/wrapper/wrapper-notice.ts';
import { Conversation } from './conversation/conversation.ts';
import { readLaunchFile } from './shapes/read-launch.ts';

/** What `claude` writes at its start, and in a turn of a few words. */
const READY = {
  type: 'control_response',
  response: { subtype: 'success', request_id: 'cc-docker-initialise', response: { claude_code_version: '0' } },
};
const TURN = [
  { type: 'system', subtype: 'init' },
  { type: 'user', isReplay: true, message: { content: [{ type: 'text', text: 'hello' }] } },
  { type: 'stream_event', event: { type: 'content_block_delta' } },
  { type: 'assistant', message: { content: [] } },
  { type: 'result', subtype: 'success', total_cost_usd: 0 },
];

/** A program that says so: it reads `initialize`, then a prompt. */
const line = (value: object): string => `echo '${JSON.stringify(value)}'`;
const SCRIPT = ['#!/bin/sh', 'read initialise', line(READY), 'read prompt', ...TURN.map(line), 'cat > /dev/null', ''];

/**
 * Plays the start of a session and its first turn, between a script in the place of `claude` and a socket in the place of the runner. V8
 * then has compiled what each start needs, and the bundle's cache gets it (scripts/bundle/with-code-cache.ts). Nothing of it is
 * ever part of a session.
 */
export async function rehearse(): Promise<WrapperExit> {
  const folder = mkdtempSync(join(tmpdir(), 'cc-docker-rehearsal-'));
  const session_id = randomUUID();
  const launch = {
    session_id,
    epoch: 1,
    resume: false,
    claude: join(folder, 'claude'),
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '' },
    link_socket: join(folder, 'link.sock'),
    scratch: folder,
    seal: false,
    config: { agent_tools: ['ask_user'] },
  };
  writeFileSync(launch.claude, SCRIPT.join('\n'), { mode: 0o700 });
  writeFileSync(join(folder, 'launch.json'), JSON.stringify(launch));
  const server = createServer();
  try {
    await new Promise<void>((resolve) => server.listen(launch.link_socket, resolve));
    const conversation = new Conversation(readLaunchFile(join(folder, 'launch.json')), null);
    process.once('exit', () => conversation.kill());
    playRunner(server, () => conversation.stop());
    const { unacknowledged } = await conversation.ended;
    return unacknowledged === 0 ? WrapperExit.done : WrapperExit.failed;
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

/** @param over is called when the turn has ended */
function playRunner(server: Server, over: () => void): void {
  server.on('connection', (socket) => {
    const send = (frame: SessionFrame): void => void socket.write(`${JSON.stringify(frame)}\n`);
    let rest = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) answer(JSON.parse(text), send, over);
    });
  });
}

function answer(frame: WrapperFrame, send: (frame: SessionFrame) => void, over: () => void): void {
  if (frame.kind === 'hello') {
    send({ kind: 'welcome', stored: 0, protocol: PROTOCOL });
    send({ kind: 'command', number: 1, command: { command: 'prompt', message_id: randomUUID(), prompt: 'hello' } });
  }
  if (frame.kind !== 'items') return;
  send({ kind: 'ack', stored: frame.first + frame.items.length - 1 });
  if (frame.items.some((item) => typeof item === 'string' && item.includes('"type":"result"'))) over();
}
