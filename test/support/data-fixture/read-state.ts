import { createHash } from 'node:crypto';
import type { Client } from '../e2e/client.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- whatever came is kept, or compared with what was kept
type Json = any;

/** What an owner sees of a session. */
interface SessionState {
  view: Json;
  /** `seq time type data`, the data in short (`inShort`). */
  events: string[];
  messages: Json[];
  interactions: Json[];
  artifacts: Json[];
  snapshots: Json[];
  children: string[];
  tree: Json;
  files: Json;
  diff: Json;
}

/** What an owner sees of everything. */
export interface OwnerState {
  /** As listed. */
  sessions: Json[];
  session: Record<string, SessionState>;
  workspaces: Json[];
  storage: Json;
  discordUsers: Json;
}

/**
 * All that the API says to an owner. Left out, because it is not of the state:
 * `websocket_url` (where the service listens) and the words of a refusal (its code is kept).
 */
export async function readState(client: Client): Promise<OwnerState> {
  const sessions = await list(client, '/sessions');
  const session: Record<string, SessionState> = {};
  for (const { session_id } of sessions) session[session_id] = await readSession(client, session_id);
  const workspaces: Json[] = [];
  for (const workspace of await list(client, '/workspaces')) {
    const snapshots = await list(client, `/workspaces/${workspace.workspace_id ?? workspace.id}/snapshots`);
    workspaces.push({ ...workspace, snapshots });
  }
  const storage = await get(client, '/storage');
  return { sessions, session, workspaces, storage, discordUsers: await get(client, '/discord/link') };
}

async function readSession(client: Client, id: string): Promise<SessionState> {
  const at = `/sessions/${id}`;
  const events = await client.events(id);
  const messages: Json[] = [];
  for (const { type, data } of events) {
    if (type === 'message.queued') messages.push(await get(client, `${at}/messages/${data.message_id}`));
  }
  const interactions = await list(client, `${at}/interactions`);
  for (const one of interactions) {
    const shown = inShort(await get(client, `${at}/interactions/${one.interaction_id}`));
    if (shown !== inShort(one)) throw new Error(`it is listed as ${inShort(one)} and shown as ${shown}`);
  }
  const artifacts: Json[] = [];
  for (const artifact of await list(client, `${at}/artifacts`)) {
    const content = await client.raw('GET', `${at}/artifacts/${artifact.artifact_id}/content`);
    artifacts.push({ ...artifact, content: await digest(content) });
  }
  return {
    view: await get(client, at),
    events: events.map(({ seq, time, type, data }) => `${seq} ${time} ${type} ${inShort(data)}`),
    messages,
    interactions,
    artifacts,
    snapshots: await list(client, `${at}/snapshots`),
    children: (await list(client, `${at}/children`)).map(({ session_id }) => session_id),
    tree: await get(client, `${at}/tree`),
    files: await readFiles(client, at),
    diff: await get(client, `${at}/diff`),
  };
}

async function readFiles(client: Client, at: string): Promise<Json> {
  const files = await get(client, `${at}/files?recursive=true`);
  if (files.data === undefined) return files;
  const read = async (entry: Json) => {
    if (entry.type !== 'file') return entry;
    const name = entry.path.split('/').map(encodeURIComponent).join('/');
    return { ...entry, content: await digest(await client.raw('GET', `${at}/files/${name}`)) };
  };
  const data: Json[] = [];
  for (const entry of files.data) data.push(await read(entry));
  return { ...files, data };
}

async function get(client: Client, path: string): Promise<Json> {
  const { status, body } = await client.call('GET', path);
  return status < 400 ? withoutAddress(body) : { refused: status, code: body.code };
}

/** All pages of a list. */
async function list(client: Client, path: string): Promise<Json[]> {
  const all: Json[] = [];
  for (let query: string | null = '?limit=100'; query !== null;) {
    const page: Json = await get(client, path + query);
    if (page.data === undefined) throw new Error(`${path}: ${inShort(page)}`);
    all.push(...page.data);
    query = page.next_cursor === null ? null : `?limit=100&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
  return all;
}

function withoutAddress(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutAddress);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => name !== 'websocket_url');
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutAddress(inner)]));
}

/** JSON, whatever the order of its fields was; of what is long its digest and its length. */
function inShort(value: Json): string {
  const text = JSON.stringify(ordered(value));
  return text.length <= 100 ? text : `${sha256(text)} (${text.length} characters)`;
}

function ordered(value: Json): Json {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const names = Object.keys(value).toSorted();
  return Object.fromEntries(names.map((name) => [name, ordered(value[name])]));
}

async function digest(response: Response): Promise<string> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  return response.ok ? sha256(bytes) : `refused: ${response.status}`;
}

/** Its beginning: enough to tell what is the same from what is not. */
const sha256 = (of: string | Uint8Array) => `sha256:${createHash('sha256').update(of).digest('hex').slice(0, 12)}…`;
