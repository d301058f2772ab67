import { z } from 'zod';
import { carriesBlocks } from '../../protocol/content/blocks.ts';
import { MAX_BODY_BYTES, MAX_CONTENT_BYTES } from '../../protocol/settings/limits.ts';
import { parseJson, readBody } from '../body.ts';

/** A call of a tool, as far as its size depends on it. */
const call = z.object({ params: z.object({ arguments: z.unknown() }) });

/**
 * The body of a POST. A call whose prompt carries blocks may be as large as a message of blocks, and
 * everything else as large as any body.
 */
export async function readMcpBody(request: Request, timeoutSeconds: number): ReturnType<typeof readBody> {
  const raw = await readBody(request, timeoutSeconds, MAX_CONTENT_BYTES);
  if (typeof raw === 'string' || raw.byteLength <= MAX_BODY_BYTES) return raw;
  const sent = parseJson(raw);
  const messages: unknown[] = Array.isArray(sent) ? sent : [sent];
  return messages.some((message) => carriesBlocks(call.safeParse(message).data?.params.arguments)) ? raw : 'too large';
}

/** Refuses a body as MCP's SDK does. */
export function bodyRefused(why: 'too large' | 'too slow'): Response {
  const messages = {
    'too large': `A body holds at most ${MAX_BODY_BYTES} bytes, and a prompt with images or documents ${MAX_CONTENT_BYTES}.`,
    'too slow': 'The body did not arrive in time (BODY_TIMEOUT). Send the whole of it at once.',
  };
  const error = { code: -32000, message: messages[why] };
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status: why === 'too large' ? 413 : 408 });
}
