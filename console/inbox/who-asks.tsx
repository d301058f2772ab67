import type { Interaction, WaitingInteraction } from '../../client/main.ts';
import { SafeText } from '../safe/safe-text.tsx';
import { sessions } from '../service/live.ts';
import { StatusDot } from '../ui/badge.tsx';

/** A session as a link by its title; without one, by the beginning of its id. */
export function SessionLink({ id, title }: { readonly id: string; readonly title: string | null }) {
  return (
    <a href={`/sessions/${id}`} class="ask-session">
      {title === null ? `Session ${id.slice(-6)}` : <SafeText text={title} line max={120} />}
    </a>
  );
}

/** Who asks: the session with its model, whose child it is, and which of its subagents it is. */
export function WhoAsks({ asked }: { readonly asked: Interaction & Pick<WaitingInteraction, 'session'> }) {
  const { session, session_id, subject } = asked;
  const model = sessions.value.get(session_id)?.model;
  const parent = session.parent_session_id;
  const agent = subject.kind === 'permission' ? subject.agent : null;
  return (
    <p class="ask-who">
      <StatusDot status={session.status} />
      <SessionLink id={session_id} title={session.title} />
      {model !== undefined && model !== null && (
        <span class="ask-who-more">
          <SafeText text={model} line max={60} />
        </span>
      )}
      {parent !== null && (
        <span class="ask-who-more">
          child of <SessionLink id={parent} title={sessions.value.get(parent)?.title ?? null} />
        </span>
      )}
      {agent !== null && agent !== undefined && (
        <span class="ask-who-more">
          its subagent <SafeText text={agent.description ?? agent.type ?? agent.id} line max={100} />
        </span>
      )}
    </p>
  );
}
