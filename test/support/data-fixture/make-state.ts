import { setTimeout as pause } from 'node:timers/promises';
import { script, type Client } from '../e2e/client.ts';
import type { Person } from '../discord/person.ts';
import type { DiscordStandIn } from '../discord/stand-in.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- whatever came is used, and fails when it is not there
type Json = any;

/** As far as questions may be put off: a week. */
const LONGEST_SECONDS = 604_800;

export interface SceneParts {
  readonly alice: Client;
  readonly bob: Client;
  /** The account that becomes alice's. */
  readonly person: Person;
  readonly discord: DiscordStandIn;
  readonly channel: string;
  /** Where nobody listens while the state is made. */
  readonly webhook: string;
}

/** What a later test needs to go on with, by its part in the scene. */
export interface Made {
  readonly sessions: Readonly<Record<string, string>>;
  readonly interactions: Readonly<Record<string, string>>;
  readonly messages: Readonly<Record<string, string>>;
  readonly asks: Readonly<Record<string, string>>;
  readonly thread: string;
  readonly webhookSecret: string;
}

const write = (name: string, content: string) => ({
  tool: 'Write',
  input: { file_path: `{{cwd}}/${name}`, content },
});
const shell = (command: string) => ({ tool: 'Bash', input: { command } });
const own = (name: string, input: object) => ({ tool: `mcp__cc-docker__${name}`, input });
const ask = (input: object) => own('ask_user', input);
const said = { text: 'It said: {{last_tool_result}}' };

/** Makes a small state with something of each kind in it. Nothing runs any more when it resolves. */
export async function makeState(parts: SceneParts): Promise<Made> {
  const { alice } = parts;
  const chat = await makeChat(parts);
  const garden = await makeGarden(parts);
  const fork = await makeFork(parts, chat.id);
  const family = await makeFamily(parts);
  const budget = await makeBudget(parts);
  const asks = await makeAsks(parts);
  const failed = await makeFailed(parts);
  const bobs = await makeBobs(parts);
  const discord = await makeDiscord(parts);
  const sessions = {
    chat: chat.id,
    ...garden,
    fork,
    parent: family.parent,
    toolChild: family.toolChild,
    webhookChild: family.webhookChild,
    budget: budget.id,
    asks: asks.id,
    permitted: asks.permitted,
    failed,
    discord: discord.id,
  };
  for (const id of Object.values(sessions)) {
    if (id !== failed && id !== budget.id) await alice.park(id);
  }
  await parts.bob.park(bobs);
  return {
    sessions: { ...sessions, bobs },
    interactions: { question: asks.question, permission: asks.permission, discord: discord.question },
    messages: { waiting: budget.waiting, keyed: chat.keyed },
    asks: { open: discord.openAsk, answered: discord.answeredAsk },
    thread: discord.thread,
    webhookSecret: family.secret,
  };
}

/** Turns of several kinds, a failed one and an interrupted one among them; and keys. */
async function makeChat({ alice }: SceneParts): Promise<{ id: string; keyed: string }> {
  const request = { config: { system_prompt: 'Be brief.', idle_timeout_seconds: 3600 } };
  const { session_id: id } = await keyed(alice, '/sessions', 'session-1', request);
  await alice.ask(id, 'Create hello.md with a haiku about "old data"');
  await alice.ask(id, script({ text: 'word ', repeat: 20 }, shell('echo from the shell'), said));
  await alice.ask(id, script({ error: { status: 401 } }));
  await alice.tell(id, script({ text: 'and so on ', repeat: 5 }, { hang: true }));
  await alice.until(id, ({ status }) => status === 'running');
  await until(async () => (await alice.call('POST', `/sessions/${id}/interrupt`)).body.interrupted);
  await alice.until(id, ({ status }) => status === 'idle');
  const { message_id } = await keyed(alice, `/sessions/${id}/chat`, 'message-1', { prompt: 'What did I say first?' });
  await finished(alice, id, message_id);
  return { id, keyed: message_id };
}

/** A persistent workspace with two sessions' work in it, a file that was shared, and one that came from outside. */
async function makeGarden({ alice }: SceneParts): Promise<{ garden: string; gardener: string }> {
  const workspace = { type: 'persistent', id: 'garden' };
  const garden = await alice.createSession({ agent_tools: ['share_artifact', 'notify_user'] }, workspace);
  await alice.ask(
    garden,
    script(
      write('beds/tulips.txt', 'red, yellow\n'),
      own('share_artifact', { path: 'beds/tulips.txt', name: 'Tulpen „rot“.txt', description: 'What grows there.' }),
      own('notify_user', { message: 'The tulips are in.', summary: 'Tulips' }),
      said,
    ),
  );
  await alice.raw('PUT', `/sessions/${garden}/files/from%20outside.txt`, { body: 'written over the API\n' });
  await alice.park(garden);
  const gardener = await alice.createSession({}, workspace);
  await alice.ask(gardener, script(shell('echo white >> beds/tulips.txt && ln -s beds/tulips.txt newest'), said));
  await alice.park(gardener);
  return { garden, gardener };
}

async function makeFork({ alice }: SceneParts, chat: string): Promise<string> {
  await alice.park(chat);
  const { session_id: id } = await keyed(alice, `/sessions/${chat}/fork`, 'fork-1', {});
  await alice.ask(id, script(shell('echo forked > forked.txt'), said));
  return id;
}

/** A parent with a budget, a child of its agent's, one whose news go to a webhook that is down, and one that was deleted. */
async function makeFamily({ alice, webhook }: SceneParts) {
  const parent = await alice.createSession({
    budget_usd: 5,
    agent_tools: ['spawn_session', 'get_child_result', 'list_children'],
  });
  await alice.ask(
    parent,
    script(
      own('spawn_session', { prompt: script(shell('echo 1 + 1 = 2'), said), title: 'arithmetic' }),
      own('get_child_result', { child_session_id: '{{result_0_child_session_id}}' }),
      { text: 'The child said: {{result_1_result}}' },
    ),
  );
  const [toolChild] = (await alice.show(parent)).child_session_ids;
  const spawned = await keyed(alice, `/sessions/${parent}/spawn`, 'child-1', {
    prompt: script({ text: 'For the webhook.' }),
    title: 'for the webhook',
    workspace: { type: 'clone' },
    config: { budget_usd: 2 },
    callback: { type: 'webhook', url: webhook },
  });
  const webhookChild = spawned.child_session_id;
  await finished(alice, webhookChild, spawned.message_id);
  const gone = await alice.call('POST', `/sessions/${parent}/spawn`, { prompt: script({ text: 'Soon gone.' }) });
  await finished(alice, gone.body.child_session_id, gone.body.message_id);
  await alice.call('DELETE', `/sessions/${gone.body.child_session_id}`);
  return { parent, toolChild, webhookChild, secret: spawned.callback_secret };
}

/** One that has spent its budget, with a message that waits for more. */
async function makeBudget({ alice }: SceneParts): Promise<{ id: string; waiting: string }> {
  const id = await alice.createSession({ budget_usd: 0.01 });
  await alice.ask(id, script({ text: 'What may be spent is spent.' }));
  await alice.park(id);
  const waiting = await alice.tell(id, script({ text: 'There was more to spend.' }));
  await alice.until(id, ({ reason }) => reason?.code === 'budget_reached');
  return { id, waiting };
}

/** A question and a permission that wait, each of a session that is parked by then; and all the ways that others ended. */
async function makeAsks({ alice, bob }: SceneParts) {
  const id = await alice.createSession({
    agent_tools: ['ask_user'],
    permission_mode: 'ask',
    allowed_tools: ['mcp__cc-docker__ask_user'],
    answerers: ['bob'],
    interaction_timeout_seconds: LONGEST_SECONDS,
  });
  const answered = await alice.tell(id, script(ask({ question: 'Which colour?', options: ['teal', 'rust'] }), said));
  await resolve(bob, id, await openOf(alice, id), { answer: 'rust' });
  await finished(alice, id, answered);
  await alice.ask(id, script(ask({ question: 'Which port?', timeout_seconds: 1, default: '8080' }), said));
  const denied = await alice.tell(id, script(write('denied.txt', 'no'), said));
  await resolve(alice, id, await openOf(alice, id), { decision: 'deny', message: 'Not before Friday.' });
  await finished(alice, id, denied);
  await alice.tell(id, script(ask({ question: 'Still there?' }), said));
  await openOf(alice, id);
  await alice.call('POST', `/sessions/${id}/interrupt`);
  await alice.until(id, ({ status, open_interactions }) => status === 'idle' && open_interactions === 0);

  await alice.tell(id, script(ask({ question: 'What is it called?' }), said));
  const question = await openOf(alice, id);
  await alice.call('POST', `/sessions/${id}/stop`);

  const permitted = await alice.createSession({
    permission_mode: 'ask',
    interaction_timeout_seconds: LONGEST_SECONDS,
  });
  await alice.tell(permitted, script(write('asked.txt', 'yes'), said));
  return { id, question, permitted, permission: await openOf(alice, permitted) };
}

async function makeFailed({ alice }: SceneParts): Promise<string> {
  const id = await alice.createSession({ secrets: ['nobody-has-it'] });
  await alice.tell(id, 'Never said to anybody.');
  await alice.until(id, ({ status }) => status === 'failed');
  return id;
}

async function makeBobs({ bob }: SceneParts): Promise<string> {
  const gone = await bob.createSession();
  await bob.ask(gone, script({ text: 'Deleted.' }));
  await bob.call('DELETE', `/sessions/${gone}`);
  const id = await bob.createSession({ model: 'haiku-4' });
  await bob.ask(id, script(write('notes/bob.md', '# Bob’s own\n'), said));
  return id;
}

/** An account that is linked, a session begun there with a question in its thread, questions of programs, and what could not be said yet. */
async function makeDiscord({ alice, person, discord, channel }: SceneParts) {
  const { code } = (await alice.call('POST', '/discord/link')).body;
  await person.command(channel, 'link', { code });
  const question = ask({
    question: 'Deploy on Friday?',
    options: ['Yes', 'No'],
    timeout_seconds: LONGEST_SECONDS,
  });
  await person.command(channel, 'start', { prompt: script(question, said) });
  const thread = await until(() => discord.world.threads()[0]?.id ?? null);
  await until(() => discord.messages(thread).find(({ rows }) => rows.length > 0) ?? null);
  const id: string = await until(async () => {
    const { body } = await alice.call('GET', '/sessions?limit=1');
    return body.data[0]?.open_interactions === 1 ? body.data[0].session_id : null;
  });
  const asked = await openOf(alice, id);

  const program = async (key: string, body: object): Promise<string> =>
    (await keyed(alice, '/discord/ask', key, { ...body, timeout_seconds: LONGEST_SECONDS })).interaction_id;
  const shown = async (text: string) =>
    await until(
      () => discord.messages(channel).find(({ content, rows }) => content.includes(text) && rows.length > 0) ?? null,
    );
  const answeredAsk = await program('ask-1', { question: 'Which branch?', options: ['main', 'next'] });
  await person.press(channel, (await shown('Which branch?')).id, 'next');
  const openAsk = await program('ask-2', { question: 'Which day?', options: ['Monday', 'Tuesday'] });
  await shown('Which day?');
  await keyed(alice, '/discord/notify', 'notify-1', { message: 'The build is red.', summary: 'CI' });
  await until(() => discord.messages(channel).find(({ content }) => content.includes('The build is red.')) ?? null);
  return { id, question: asked, thread, answeredAsk, openAsk };
}

async function keyed(client: Client, path: string, key: string, body: object): Promise<Json> {
  const response = await client.raw('POST', path, { body: JSON.stringify(body), headers: { 'idempotency-key': key } });
  const answer: Json = await response.json();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

async function openOf(client: Client, id: string): Promise<string> {
  return await until(async () => {
    const { body } = await client.call('GET', `/sessions/${id}/interactions?state=open`);
    return body.data[0]?.interaction_id ?? null;
  });
}

async function resolve(client: Client, id: string, interaction: string, body: object): Promise<void> {
  const answer = await client.call('POST', `/sessions/${id}/interactions/${interaction}/resolve`, body);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
}

async function finished(client: Client, id: string, message: string): Promise<void> {
  await until(async () => (await client.message(id, message)).finished_at);
}

/** Waits until `look` finds something. */
export async function until<T>(look: () => T | Promise<T>): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found) return found as NonNullable<Exclude<T, false>>;
    if (performance.now() > deadline) throw new Error(`it did not come to that: ${String(look)}`);
    await pause(50);
  }
}
