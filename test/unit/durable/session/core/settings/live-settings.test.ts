import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionIdentity } from '../../../../../../durable/session/core/identity.ts';
import {
  answered,
  beginSettings,
  canSwitch,
  isWider,
  reported,
  sent,
  settingsOf,
  started,
  withAllowance,
  withMode,
  type LiveSettings,
} from '../../../../../../durable/session/core/settings/live-settings.ts';
import {
  permissionMode,
  sessionConfig,
  type PermissionMode,
} from '../../../../../../protocol/api/session/session-config.ts';

const identity = (config: object): SessionIdentity => ({
  session_id: '01939f5a-7c1e-7000-8000-000000000001',
  owner: 'alice',
  created: 0,
  request: { workspace: { type: 'ephemeral' }, config: sessionConfig.parse(config) },
  forked_from: null,
  spawn: null,
});

const anyMode = fc.constantFrom(...permissionMode.options);

/** What may happen to the mode of a session. */
type Step =
  | { readonly does: 'set'; readonly mode: PermissionMode }
  | { readonly does: 'claim'; readonly mode: PermissionMode }
  | { readonly does: 'answer'; readonly refused: boolean }
  | { readonly does: 'allow' }
  | { readonly does: 'start' };
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ does: fc.constant('set' as const), mode: anyMode }),
  fc.record({ does: fc.constant('claim' as const), mode: anyMode }),
  fc.record({ does: fc.constant('answer' as const), refused: fc.boolean() }),
  fc.constantFrom<Step>({ does: 'allow' }, { does: 'start' }),
);

/** The owner sets the mode of a session whose container runs. */
const set = (live: LiveSettings, mode: PermissionMode): LiveSettings => ({
  ...withMode(live, mode),
  unanswered: sent(live, 'permission_mode').unanswered,
});

function after(of: SessionIdentity, live: LiveSettings, step: Step): LiveSettings {
  if (step.does === 'claim') return reported(of, live, { permission_mode: step.mode });
  if (step.does === 'answer') return answered(live, 'permission_mode', step.refused);
  if (step.does === 'allow') return withAllowance(live);
  if (step.does === 'start') return started(of, live);
  return canSwitch(live.started_mode, step.mode, of.request.config) ? set(live, step.mode) : live;
}

describe('the mode of a session', () => {
  it('is never wider than what its owner has set or a person has allowed, whatever its container claims', () => {
    fc.assert(
      fc.property(anyMode, fc.array(anyStep, { maxLength: 30 }), (permission_mode, steps) => {
        const of = identity({ permission_mode });
        let live = beginSettings(of.request.config);
        // The widest mode that anybody but the container has asked for.
        let widest = permission_mode;
        for (const step of steps) {
          live = after(of, live, step);
          if (step.does === 'set' && isWider(step.mode, widest)) widest = step.mode;
          if (step.does === 'allow' && isWider('accept_edits', widest)) widest = 'accept_edits';
          expect(isWider(settingsOf(of, live).permission_mode, widest)).toBe(false);
        }
      }),
    );
  });

  it('is the last one that was set, once each change was taken, whatever was claimed before', () => {
    fc.assert(
      fc.property(fc.array(anyMode, { minLength: 1, maxLength: 5 }), fc.array(anyMode), (modes, claims) => {
        const of = identity({});
        let live = beginSettings(of.request.config);
        for (const mode of modes)
          live = { ...withMode(live, mode), unanswered: sent(live, 'permission_mode').unanswered };
        for (const mode of claims) live = after(of, live, { does: 'claim', mode });
        for (const _ of modes) live = answered(live, 'permission_mode', false);
        expect(settingsOf(of, live).permission_mode).toBe(modes.at(-1));
      }),
    );
  });

  it('is as at first when each of its changes was refused', () => {
    fc.assert(
      fc.property(fc.array(anyMode, { maxLength: 5 }), (modes) => {
        const of = identity({ permission_mode: 'ask' });
        let live = beginSettings(of.request.config);
        for (const mode of modes)
          live = { ...withMode(live, mode), unanswered: sent(live, 'permission_mode').unanswered };
        for (const _ of modes) live = answered(live, 'permission_mode', true);
        expect(settingsOf(of, live).permission_mode).toBe('ask');
        expect(live.unanswered).toEqual([]);
      }),
    );
  });
});

describe('a running claude', () => {
  it.each<[PermissionMode, string[], PermissionMode[]]>([
    ['bypass', ['*'], ['ask', 'accept_edits', 'bypass']],
    ['bypass', ['Read'], ['bypass']],
    ['ask', ['*'], ['plan', 'ask', 'accept_edits']],
    ['plan', ['Read'], ['plan', 'ask', 'accept_edits']],
  ])('that was started in %s with the tools %j can go to %j', (from, allowed_tools, modes) => {
    const config = sessionConfig.parse({ allowed_tools });
    const reachable = (['plan', 'ask', 'accept_edits', 'bypass'] as const).filter((to) => canSwitch(from, to, config));
    expect(reachable).toEqual(modes);
  });
});
