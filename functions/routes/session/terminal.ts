import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import { v7 as uuidV7 } from 'uuid';
import type { TerminalOpen } from '../../../protocol/link/terminal/terminal.ts';
import { terminalSide } from '../../../protocol/api/session/terminal.ts';
import { TERMINAL_OFF } from '../../../protocol/api/problem.ts';
import { uuid } from '../../../protocol/ids.ts';
import type { AppEnv } from '../../app-env.ts';
import { securedOrTicket } from '../../auth/authorise.ts';
import { objectRefusal } from '../../byte-answer.ts';
import { refusals, sessionParams, ticketParam } from '../../contract.ts';
import { audited } from '../../gate/audit.ts';
import { noteStream } from '../../gate/revocations.ts';
import { sessionOf } from '../../objects.ts';
import { refuse } from '../../refuse.ts';

const flag = z.enum(['true', 'false']);
const side = z.coerce.number().pipe(terminalSide);

const terminal = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/terminal',
  operationId: 'openTerminal',
  tags: ['Terminals'],
  summary: 'WebSocket: a shell or a command in the session’s container, beside the agent; wakes a parked session',
  description:
    'Off unless the operator sets `TERMINAL=1`. Binary frames are bytes both ways; with `tty=false`, the first byte of the server’s says of which stream they are (1: output, 2: errors). Text frames are JSON: the client’s are `TerminalFrame`s, the server’s `TerminalAnswer`s. The terminal outlives its connection: come back with its `terminal` and `after`, the position up to which you have its output. What is refused once it is open is said in an `error`, and by the code with which it closes.',
  ...audited('terminal.opened', securedOrTicket('goes on', 'sessions:write')),
  request: {
    params: sessionParams,
    query: z.strictObject({
      ticket: ticketParam,
      cols: side.default(80),
      rows: side.default(24),
      terminal: uuid.optional().meta({
        description:
          'Which one: a terminal’s id, of its `ready`; or one of the client’s own for a new one. Default: a new one',
      }),
      begin: flag.optional().meta({
        description:
          '`false`: only if it is there. Default: `false` with `after`, else `true`, which begins it if it is not there',
      }),
      after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional().meta({
        description: 'The output after this position. Default: all that is kept',
      }),
      exec: flag.default('false').meta({
        description:
          'The client’s first frame says what to run: `{"type":"command","command":["ls","-l"]}`. Default: a shell',
      }),
      tty: flag.default('true').meta({ description: '`false`: between pipes, with output and errors apart' }),
      term: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$/)
        .default('xterm-256color')
        .meta({ description: 'The variable `TERM`' }),
      acks: flag.default('false').meta({
        description:
          'The client sends `{"type":"ack","at":N}` for what it has read, and is sent no more than it keeps up with',
      }),
    }),
  },
  responses: {
    101: { description: 'The terminal' },
    ...refusals('terminal_off', 'upgrade_required'),
  },
});

/** Terminals in a session's container. */
export function addTerminal(app: OpenAPIHono<AppEnv>): void {
  app.openapi(terminal, async (c) => {
    const { TERMINAL, TERMINAL_DETACHED_TIMEOUT: detached_seconds } = c.get('settings');
    if (TERMINAL !== '1') return refuse(c, TERMINAL_OFF);
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { id, session } = found;
    if (c.req.header('upgrade')?.toLowerCase() !== 'websocket')
      return refuse(c, { refused: 'upgrade_required', detail: 'Open it with a WebSocket client.' });
    const { owner, jti, issued, of, expires } = c.get('caller');
    // Whose it is: the session itself does not ask again.
    const last = await session.lastSeq(owner);
    if (typeof last !== 'number') return refuse(c, last);
    const query = c.req.valid('query');
    const { after, cols, rows, tty, term } = query;
    const begins = query.begin === undefined ? after === undefined : query.begin === 'true';
    const open: TerminalOpen = {
      terminal: query.terminal ?? uuidV7(),
      cols,
      rows,
      ...(after !== undefined && { after }),
      ...(begins && {
        begin: { tty: tty === 'true', term, detached_seconds },
      }),
    };
    const refused = await noteStream(c, id);
    if (refused !== null) return refuse(c, refused);
    const request = {
      open,
      exec: query.exec === 'true',
      acknowledges: query.acks === 'true',
      by: owner,
      token: { jti, issued, of, expires },
    };
    const options = new URLSearchParams({ request: JSON.stringify(request) });
    const answer = await session.fetch(`https://session/terminal?${options.toString()}`, {
      headers: { upgrade: 'websocket' },
    });
    return answer.status < 400 ? answer : refuse(c, objectRefusal.parse(await answer.json()));
  });
}
