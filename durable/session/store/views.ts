import type { AgentTool } from '../../../protocol/api/session/session-config.ts';
import type { SessionView } from '../../../protocol/api/session/session.ts';
import { CHILD_CALLBACK_EVENTS } from '../../../protocol/api/webhook.ts';
import { shownReceiver } from '../../shared/webhooks/receiver.ts';
import type { SessionIdentity } from '../core/identity.ts';
import { isSaved, newestTrees } from '../core/files.ts';
import { settingsOf } from '../core/settings/live-settings.ts';
import type { StoredSessionView, StoredSummary, VersionedInbox, VersionedSummary } from '../../rpc/session/views.ts';
import { interactionViewOf } from '../../shared/interactions/interaction-view.ts';
import { listedInteraction } from '../../shared/interactions/listed-interaction.ts';
import { tasksView } from './messages/message-view.ts';
import { totalCost, type SessionRecord } from './record.ts';
import type { SessionStore } from './store.ts';

/** The name that the runner gives the container of an epoch; null while there is none. */
function containerName({ identity, state }: SessionRecord): string | null {
  const running = state.container === 'launched' || state.container === 'ready';
  return running ? `cc-docker-${identity.session_id}-${state.epoch}` : null;
}

function summary(record: SessionRecord): StoredSummary {
  const { identity, state } = record;
  const { title, model } = settingsOf(identity, record.live);
  return {
    session_id: identity.session_id,
    status: state.status,
    reason: state.reason,
    container_id: containerName(record),
    created_at: new Date(identity.created).toISOString(),
    last_activity: new Date(record.last_activity).toISOString(),
    title,
    parent_session_id: identity.spawn?.parent ?? null,
    child_session_ids: [...record.children.ids],
    total_turns: record.usage.turns,
    total_cost_usd: totalCost(record),
    open_interactions: record.open_interactions,
    model,
    environment: identity.environment ?? null,
  };
}

export function summaryOf(record: SessionRecord): VersionedSummary {
  return { changes: record.list.changes, summary: summary(record) };
}

/** What waits for people, for the owner's inbox. */
export function inboxOf(store: Pick<SessionStore, 'interactions'>, { identity, list }: SessionRecord): VersionedInbox {
  const open = store.interactions.open().map((one) => listedInteraction(interactionViewOf(one, identity.session_id)));
  return { changes: list.inbox_changes ?? 0, open };
}

/** Where the files are kept, for people. A running container may be writing them at this moment. */
function filesView({ files }: SessionRecord): SessionView['files'] {
  const { launch, write } = files;
  const isKept = isSaved(files) && write === null && (launch === null || launch.runner === null);
  return { runner: launch?.runner ?? files.runner, saved: isKept, snapshot_id: newestTrees(files).workspace };
}

function callbackView({ callback, spawn }: SessionIdentity): SessionView['callback'] {
  if (callback !== undefined) return shownReceiver(callback);
  return spawn === null || spawn.webhook === null ? null : shownReceiver(spawn.webhook, CHILD_CALLBACK_EVENTS);
}

/** @param agent_tools the tools that the agent may call now */
export function viewOf(record: SessionRecord, lastSeq: number, agent_tools: AgentTool[]): StoredSessionView {
  const { state, identity } = record;
  return {
    ...summary(record),
    ...settingsOf(identity, record.live),
    epoch: state.epoch,
    last_seq: lastSeq,
    queued_messages: state.queue.length,
    background_tasks: tasksView(state.tasks),
    resources: record.container.resources,
    exposed_secrets: [...record.container.exposed_secrets],
    files: filesView(record),
    environment: identity.environment ?? null,
    forked_from: identity.forked_from,
    inherits_from: identity.spawn?.inherits ?? null,
    workspace: identity.request.workspace,
    config: { ...identity.request.config, agent_tools },
    callback: callbackView(identity),
  };
}
