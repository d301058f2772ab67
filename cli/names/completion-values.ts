import { all, CcDocker, unwrap } from '../../client/main.ts';
import { chooseConnection } from '../context/connection.ts';
import { readContexts } from '../context/contexts.ts';
import type { Cli } from '../lib/cli.ts';
import type { Candidate, FindValues } from '../lib/complete.ts';
import { subjectLine } from '../output/summary.ts';
import { oneLine } from '../output/table.ts';
import { shortId } from './short-id.ts';

/** A person who has pressed Tab waits no longer than this, milliseconds. */
const WITHIN_MS = 2000;
const MOST = 50;

/** Words that only the service knows. There is nowhere to say that it cannot be asked: then there are none. */
export function completionValues(cli: Cli): FindValues {
  return async (argument) => {
    try {
      if (argument === 'context') return contextsOf(cli);
      if (!['session', 'id', 'environment'].includes(argument)) return [];
      const { url, token } = chooseConnection(cli.env);
      const cc = new CcDocker({ url, token, retries: 0, signal: AbortSignal.timeout(WITHIN_MS) });
      if (argument === 'environment') return await environmentsOf(cc);
      return argument === 'session' ? await sessionsOf(cc) : await interactionsOf(cc);
    } catch {
      return [];
    }
  };
}

function contextsOf({ env }: Cli): Candidate[] {
  return Object.entries(readContexts(env).contexts).map(([value, { url }]) => ({ value, description: url }));
}

async function sessionsOf(cc: CcDocker): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for await (const { session_id: id, status, title } of cc.sessions.list({ limit: MOST })) {
    found.push({ value: shortId(id), description: `${status}${title === null ? '' : ` ${oneLine(title)}`}` });
    if (found.length === MOST) break;
  }
  return found;
}

async function environmentsOf(cc: CcDocker): Promise<Candidate[]> {
  const { data } = await unwrap(cc.api.GET('/api/v1/environments'));
  return data.map(({ name, shared }) => ({ value: name, description: shared ? 'shared' : '' }));
}

async function interactionsOf(cc: CcDocker): Promise<Candidate[]> {
  const waiting = await all(cc.interactions());
  return waiting.map(({ interaction_id: id, subject }) => ({
    value: shortId(id),
    description: oneLine(subjectLine(subject)),
  }));
}
