import type { DirectoryRpc } from './directory/directory-rpc.ts';
import type { DiscordRpc } from './discord-rpc.ts';
import type { EdgeEnv } from './edge-env.ts';
import type { GateRpc } from './gate-rpc.ts';
import type { PoolRpc } from './pool-rpc.ts';
import type { SessionRpc } from './session/session-rpc.ts';

/** What each binding's objects can be asked. */
interface Interfaces {
  readonly SESSION: SessionRpc;
  readonly DIRECTORY: DirectoryRpc;
  readonly RUNNER_POOL: PoolRpc;
  readonly DISCORD: DiscordRpc;
  readonly GATE: GateRpc;
}
export type Binding = keyof Interfaces;

/**
 * What handlers may call, wherever they run: an edge elsewhere is let call this over the network, and nothing else. What objects
 * and runners tell each other is not in here. A handler that calls anything else does not compile (`HandlerEnv`).
 */
export const CALLABLE = {
  SESSION: [
    'show',
    'showText',
    'lastSeq',
    'delete',
    'stop',
    'chat',
    'chatAndWait',
    'message',
    'messages',
    'withdraw',
    'turns',
    'wakeups',
    'cancelWakeup',
    'interrupt',
    'ports',
    'sharePort',
    'unsharePort',
    'mintTicket',
    'takeTicket',
    'events',
    'eventsAt',
    'interactions',
    'interaction',
    'resolve',
    'linked',
    'deliveries',
    'redeliver',
    'requestSnapshot',
    'listSnapshots',
    'snapshot',
    'forkSource',
    'artifacts',
    'artifact',
    'removeArtifact',
    'spawn',
    'children',
    'change',
  ],
  DIRECTORY: [
    'create',
    'forked',
    'has',
    'listTexts',
    'summaries',
    'isBelow',
    'tree',
    'workspace',
    'workspaces',
    'workspaceSnapshots',
    'removeWorkspace',
    'storageUsage',
    'setWebhook',
    'webhooks',
    'webhook',
    'removeWebhook',
    'setPush',
    'pushes',
    'removePush',
    'testPush',
    'deliveries',
    'sessionOfDelivery',
    'setEnvironment',
    'environments',
    'environment',
    'removeEnvironment',
    'environmentBuilds',
    'environmentBuild',
    'inbox',
    'feedPage',
  ],
  RUNNER_POOL: ['knows', 'health', 'runnerMetrics', 'runners', 'changeRunner'],
  DISCORD: ['interact', 'notify', 'ask', 'asked', 'mintCode', 'linked', 'unlink'],
  GATE: [
    'take',
    'revoke',
    'isRevoked',
    'useCode',
    'opened',
    'endStreams',
    'record',
    'audit',
    'vapidKey',
    'report',
    'metrics',
    'probe',
  ],
} as const satisfies { readonly [B in Binding]: readonly (keyof Interfaces[B])[] };

/** The paths of a session that handlers may `fetch`; the runners' own (`/data`, `/transfer`) are not among them. */
export const FETCHABLE = ['viewer', 'events', 'files', 'artifact'] as const;

type Callable<B extends Binding> = Pick<Interfaces[B], (typeof CALLABLE)[B][number] & keyof Interfaces[B]> &
  Rpc.DurableObjectBranded;

/** The objects, as far as handlers may call them. */
export type HandlerObjects = { readonly [B in Binding]: DurableObjectNamespace<Callable<B>> };

/** What every handler can reach. Those of the sockets of runners, which are on the Worker alone, have all of `EdgeEnv`. */
export type HandlerEnv = HandlerObjects & Pick<EdgeEnv, 'ASSETS' | 'DISK' | 'RUNTIME'>;
