import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';

/** One block of an answer: words as they come, or a tool's use. */
export type Block = { words: Iterable<string> | AsyncIterable<string> } | { tool: string; input: object };

/** What is answered to what was said since the model's last answer (`latest`), or ever and as its system prompt (`all`): JSON; the tools that it may call, and what it is told of each. */
export type Script = (
  latest: string,
  all: string,
  tools: string[],
  descriptions: Readonly<Record<string, string>>,
) => Block[];

/** A Messages API that answers by a script. */
export interface ScriptedModel extends AsyncDisposable {
  /** Where it is, if it is on loopback. */
  readonly url: string;
}

/** @param at a unix socket; absent: a port on loopback */
export async function scriptedModel(at: string | undefined, script: Script): Promise<ScriptedModel> {
  let answers = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body: { messages: { role: string }[]; system: unknown; tools?: { name: string; description?: string }[] } =
        JSON.parse(Buffer.concat(chunks).toString());
      const since = body.messages.findLastIndex((message) => message.role === 'assistant') + 1;
      const blocks = script(
        JSON.stringify(body.messages.slice(since)),
        JSON.stringify([body.system, body.messages]),
        (body.tools ?? []).map(({ name }) => name),
        Object.fromEntries((body.tools ?? []).map(({ name, description = '' }) => [name, description])),
      );
      answers += 1;
      void answer(response, `msg_${answers}`, blocks);
    });
  });
  if (at === undefined) server.listen(0, '127.0.0.1');
  else server.listen(at);
  await once(server, 'listening');
  const address = server.address();
  return {
    url: address !== null && typeof address === 'object' ? `http://127.0.0.1:${address.port}` : '',
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answer(response: ServerResponse, id: string, blocks: Block[]): Promise<void> {
  const send = (type: string, data: object): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const usage = { input_tokens: 10, output_tokens: 1 };
  const message = { id, type: 'message', role: 'assistant', model: 'scripted', content: [], stop_reason: null };
  send('message_start', { message: { ...message, stop_sequence: null, usage } });
  for (const [index, block] of blocks.entries()) {
    if ('tool' in block) {
      const content_block = { type: 'tool_use', id: `toolu_${id}_${index}`, name: block.tool, input: {} };
      send('content_block_start', { index, content_block });
      const partial_json = JSON.stringify(block.input);
      send('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json } });
    } else {
      send('content_block_start', { index, content_block: { type: 'text', text: '' } });
      for await (const text of block.words) {
        if (response.destroyed) return;
        send('content_block_delta', { index, delta: { type: 'text_delta', text } });
      }
    }
    send('content_block_stop', { index });
  }
  const stop_reason = blocks.some((block) => 'tool' in block) ? 'tool_use' : 'end_turn';
  send('message_delta', { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 5 } });
  send('message_stop', {});
  response.end();
}
