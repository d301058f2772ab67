import { z } from 'zod';
import { VERSION } from '../../protocol/version.ts';
import { doorHello, type DoorHello } from '../door/hello.ts';
import { EdgeUnreachable, type DoorClient } from './door-client.ts';

/** Between two tries to reach the edge, milliseconds. */
const RETRY_MS = 1000;

/** Asks the edge that has the objects what it is, once it can be reached; or why it lets nobody in. */
export async function begin(door: DoorClient): Promise<DoorHello | { readonly refused: string }> {
  for (;;) {
    try {
      return await greet(door);
    } catch (error) {
      if (!(error instanceof EdgeUnreachable)) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function greet(door: DoorClient): Promise<DoorHello | { readonly refused: string }> {
  const answer = await door.fetch('');
  const json: unknown = await answer.json().catch(() => null);
  if (answer.status !== 200) {
    const { detail } = z.object({ detail: z.string() }).safeParse(json).data ?? { detail: 'it is no edge' };
    return { refused: `the edge at EDGE_OBJECTS_URL lets nobody in (${answer.status}): ${detail}` };
  }
  const hello = doorHello.safeParse(json);
  if (!hello.success) return { refused: 'what is at EDGE_OBJECTS_URL is no edge of CC-Docker' };
  if (hello.data.version !== VERSION) {
    console.warn(`edge: this is version ${VERSION}, and the edge that has the objects ${hello.data.version}`);
  }
  return hello.data;
}
