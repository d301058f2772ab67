import { env, runInDurableObject } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { WorkspaceLease } from '../../../../durable/session/container/workspace-lease.ts';
import { Peers } from '../../../../durable/session/store/peers.ts';
import { SessionStore } from '../../../../durable/session/store/store.ts';
import type { EdgeEnv } from '../../../../durable/rpc/edge-env.ts';
import { createSessionRequest } from '../../../../protocol/api/session/session.ts';
import { edgeSettings } from '../../../../protocol/settings/edge-settings.ts';
import { sessionObject } from '../../support/scene.ts';

const BEGINNING = {
  workspace: null,
  conversation: null,
  storage: null,
  fork_of: null,
  conversation_id: null,
  pinned: false,
};

it('a session that has leased its workspace anew while a release was under way releases that lease too', () =>
  runInDurableObject(sessionObject(crypto.randomUUID()), async (_, ctx) => {
    const releases: { version: number; answer: PromiseWithResolvers<void> }[] = [];
    const directory = {
      leaseWorkspace: () => ({ leased: true, head: null }),
      releaseWorkspace({ version }: { version: number }) {
        const answer = Promise.withResolvers<void>();
        releases.push({ version, answer });
        return answer.promise;
      },
    };
    const DIRECTORY = { idFromName: (name: string) => name, get: () => directory };
    const others: EdgeEnv = Object.assign(Object.create(null), env, { DIRECTORY });
    const store = new SessionStore(ctx.storage, edgeSettings.parse(env), () => {});
    const request = createSessionRequest.parse({ workspace: { type: 'persistent', id: 'site' } });
    const identity = { session_id: crypto.randomUUID(), owner: 'alice', created: 0, request, forked_from: null };
    store.begin({ ...identity, spawn: null }, BEGINNING, { permit: 'free', spawn: null });
    const lease = new WorkspaceLease({ waitUntil: () => {} }, store, new Peers(others, store), () => {});
    /** The container of the present epoch is wanted, leases the workspace and never starts. */
    const attempt = async () => {
      expect(await lease.acquire()).toBeNull();
      const reason = { code: 'container_exited', detail: 'x' } as const;
      store.change((tx) => {
        tx.ended(tx.record.state.epoch, reason, null);
        tx.record = { ...tx.record, place_request: null };
      });
    };

    await attempt();
    expect(store.current.leased).toBe(true);
    lease.send();
    store.change((tx) => tx.prompt({ message_id: crypto.randomUUID(), prompt: 'wake', origin: 'user' }));
    await attempt();
    releases[0]?.answer.resolve();
    // The directory ignores the older release. Without the newer one the workspace would stay leased for good.
    await expect.poll(() => releases.map(({ version }) => version)).toEqual([2, 3]);
    expect(store.current.leased).toBe(true);
    releases[1]?.answer.resolve();
    await expect.poll(() => store.current.leased).toBe(false);
  }));
