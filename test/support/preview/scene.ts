import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { script, type Client } from '../e2e/client.ts';
import { until } from '../until.ts';

const SERVER = path.join(import.meta.dirname, 'dev-server.mjs');

/** A session whose agent runs a dev server. */
export interface Served {
  readonly id: string;
  readonly port: number;
}

/** Writes a file into the workspace. */
export async function write(client: Client, id: string, name: string, text: string): Promise<void> {
  const { status } = await client.raw('PUT', `/sessions/${id}/files/${name}`, { body: text });
  expect(status).toBeLessThan(300);
}

/** Has the agent serve these files, and waits until the session knows that it does. */
export async function serve(
  client: Client,
  id: string,
  port: number,
  files: Readonly<Record<string, string>>,
): Promise<Served> {
  await write(client, id, 'dev-server.mjs', await readFile(SERVER, 'utf8'));
  for (const [name, text] of Object.entries(files)) await write(client, id, name, text);
  await run(client, id, port);
  return { id, port };
}

/** Has the agent start the dev server. */
export async function run(client: Client, id: string, port: number): Promise<void> {
  const input = { command: `node dev-server.mjs ${port}`, run_in_background: true };
  await client.ask(id, script({ tool: 'Bash', input }, { text: 'It runs.' }));
  await until(async () => {
    const { body } = await client.call('GET', `/sessions/${id}/ports`);
    expect(body.listening).toContainEqual({ port, process: expect.any(String) });
  });
}

/** Shares a port. @returns its URL */
export async function share(client: Client, { id, port }: Served, more: object = {}): Promise<string> {
  const { status, body } = await client.call('POST', `/sessions/${id}/ports`, { port, ...more });
  expect({ status, body }).toMatchObject({ status: 201, body: { listening: true } });
  return body.url;
}
