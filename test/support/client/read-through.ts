import { CcDocker, type SessionEvent } from '../../../client/main.ts';

/** The last message of a log that is read in tests. */
export const THE_END = 'the end';

export interface ReadThrough {
  readonly url: string;
  readonly token: string;
  readonly sessionId: string;
  readonly transport: 'websocket' | 'sse';
}

/** Reads a session's log from its first event to the message `THE_END`, over whatever the network does. Runs in every runtime. */
export async function readThrough({ url, token, sessionId, transport }: ReadThrough): Promise<SessionEvent[]> {
  // Tests that break the network a thousand times need not wait between.
  const cc = new CcDocker({ url, token, backoff: { minMs: 1, maxMs: 4 } });
  const events: SessionEvent[] = [];
  for await (const event of cc.session(sessionId).events({ transport })) {
    events.push(event);
    if (event.type === 'message.queued' && event.data.prompt === THE_END) break;
  }
  return events;
}
