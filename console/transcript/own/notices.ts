import type { OwnEvent } from '../../../client/main.ts';
import { line, type Notice } from './notice.ts';
import { preparingNotice } from './preparing-notices.ts';

/** @returns its line; `silent`: it is not worth one; null: this version does not know the type */
export function noticeOf(event: OwnEvent): Notice | 'silent' | null {
  return preparingNotice(event) ?? sessionNotice(event) ?? portNotice(event) ?? otherNotice(event);
}

function sessionNotice(event: OwnEvent): Notice | 'silent' | null {
  switch (event.type) {
    case 'session.status': {
      const { status, reason } = event.data;
      const why = reason === null ? '' : `: ${reason.detail}`;
      if (status === 'starting') return line('quiet', 'The session starts');
      if (status === 'queued') return line('info', `The session waits${why}`);
      if (status === 'stopped') return line('info', `The session is stopped${why}`);
      if (status === 'failed') return line('bad', `The session has failed${why}`);
      return 'silent';
    }
    case 'session.settings': {
      const { model, permission_mode: mode, title, refused } = event.data;
      if (refused !== undefined) return line('warn', `A setting was refused: ${refused}`);
      const named = title === null ? '' : `, title “${title}”`;
      return line('quiet', `Settings: model ${model ?? 'default'}, permissions ${mode}${named}`);
    }
    case 'session.ready':
      return line('quiet', `Claude Code ${event.data.claude_version} is ready`);
    case 'session.sealed':
      return line('quiet', 'The container is sealed', event.data.probes.join('\n'));
    case 'session.claude_exited': {
      const { code, signal, stderr } = event.data;
      const how = signal === null ? `with code ${code}` : `by ${signal}`;
      // 143: it was told to end (SIGTERM), as at every stop.
      return line(
        code === 0 || code === 143 ? 'quiet' : 'warn',
        `Claude Code has ended ${how}`,
        stderr === '' ? null : stderr,
      );
    }
    case 'session.conversation_reset':
      return line('info', 'A new conversation begins. The agent has forgotten what is above; the files stay.');
    case 'session.budget': {
      const { state, budget_usd: budget, spent_usd: spent } = event.data;
      const of = budget === null ? '' : ` of $${budget.toFixed(2)}`;
      if (state === 'reached') return line('warn', `The budget is spent: $${spent.toFixed(2)}${of}`);
      return line('good', `There is budget again: $${spent.toFixed(2)}${of} spent`);
    }
    case 'session.notification': {
      const { message, summary, priority } = event.data;
      const tone = priority === 'high' || priority === 'urgent' ? 'warn' : 'info';
      return line(tone, summary ?? message, summary === null ? null : message);
    }
    case 'session.artifact':
      return line('good', `The agent gives you a file: ${event.data.name}`, event.data.description ?? null);
    case 'session.oversized':
      return line('warn', `A message of ${event.data.bytes} bytes was too long to be shown`, event.data.head);
    case 'session.garbled':
      return line('warn', 'Claude Code wrote a line that cannot be read', event.data.line);
    case 'session.notice_refused':
      return line('warn', `The container said what cannot be: ${event.data.notice}`, event.data.detail);
    default:
      return null;
  }
}

function portNotice(event: OwnEvent): Notice | 'silent' | null {
  switch (event.type) {
    case 'session.port': {
      const { port, state, process } = event.data;
      if (state === 'closed') return line('quiet', `Nothing listens on port ${port} any more`);
      return line('info', `${process ?? 'Something'} listens on port ${port}`);
    }
    case 'session.port_shared': {
      const { port, by } = event.data;
      return line('info', `Port ${port} has an address now${by === 'agent' ? ', as the agent has asked' : ''}`);
    }
    case 'session.port_unshared': {
      const { port, cause } = event.data;
      return line('quiet', `The address of port ${port} has ${cause === 'expired' ? 'expired' : 'been taken back'}`);
    }
    case 'session.terminal': {
      const { state, by, command, code } = event.data;
      const what = command ? 'command' : 'terminal';
      if (state === 'opened') return line('quiet', `${by} has opened a ${what} in the container`);
      return line('quiet', `A ${what} has ended${typeof code === 'number' ? ` with code ${code}` : ''}`);
    }
    case 'session.egress': {
      const { host, port, verdict, rule } = event.data;
      if (verdict === 'allowed') return 'silent';
      return line('warn', `The network refused ${host}:${port}`, `Rule: ${rule}`);
    }
    case 'session.mcp_server': {
      const { name, state, detail } = event.data;
      if (state === 'connected') return line('quiet', `The MCP server ${name} is there`);
      if (state === 'connecting') return line('quiet', `The MCP server ${name} is slow to start`);
      return line('warn', `The MCP server ${name} ${state === 'failed' ? 'has failed' : 'needs a sign-in'}`, detail);
    }
    default:
      return null;
  }
}

function otherNotice(event: OwnEvent): Notice | 'silent' | null {
  switch (event.type) {
    case 'child.spawned': {
      const { child_session_id: sessionId, title } = event.data;
      return { ...line('info', `A child session begins${title === null ? '' : `: ${title}`}`), sessionId };
    }
    case 'child.status': {
      const { child_session_id: sessionId, status, reason } = event.data;
      if (status !== 'failed') return 'silent';
      return { ...line('bad', `A child session has failed${reason === null ? '' : `: ${reason.detail}`}`), sessionId };
    }
    case 'child.result': {
      const { child_session_id: sessionId, result, error } = event.data;
      if (error !== null) return { ...line('bad', `A child session's message has failed: ${error.detail}`), sessionId };
      return { ...line('good', 'A child session has an answer', result), sessionId };
    }
    case 'child.interaction': {
      const { child_session_id: sessionId, state } = event.data;
      if (state !== 'open') return 'silent';
      return { ...line('warn', 'A child session waits for an answer'), sessionId };
    }
    case 'child.callback_failed':
      return line('bad', `Word of a child could not be posted to ${event.data.url}`, event.data.detail);
    case 'child.deleted':
      return line('quiet', 'A child session is removed');
    case 'wakeup.scheduled':
      return line('info', `The agent will wake itself at ${event.data.at}`, event.data.prompt);
    case 'wakeup.canceled':
      return line('quiet', 'A wake-up is canceled');
    default:
      return null;
  }
}
