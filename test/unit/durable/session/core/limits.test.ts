import { describe, expect, it } from 'vitest';
import {
  agentToolsOf,
  interactionLimitsOf,
  limitsOf,
  turnOverMaximum,
} from '../../../../../durable/session/core/limits.ts';
import { agentTool } from '../../../../../protocol/api/session/session-config.ts';
import { edgeSettings } from '../../../../../protocol/settings/edge-settings.ts';
import { createSessionRequest } from '../../../../../protocol/api/session/session.ts';

const JWT_SECRET = 'known to every test and of no use elsewhere';
const settings = (change: object = {}) => edgeSettings.parse({ JWT_SECRET, ...change });

function identity(request: object = {}) {
  return {
    session_id: '01939f5a-7c1e-7000-8000-1a2b3c4d5e6f',
    owner: 'alice',
    created: 0,
    request: createSessionRequest.parse(request),
    forked_from: null,
    spawn: null,
  };
}

const toolsOf = (agent_tools?: string[], AGENT_TOOLS?: string) =>
  agentToolsOf(
    identity(agent_tools === undefined ? {} : { config: { agent_tools } }),
    settings(AGENT_TOOLS === undefined ? {} : { AGENT_TOOLS }),
  );

describe('the tools of a session', () => {
  it('are all where neither it nor the operator names any', () => {
    expect(toolsOf()).toEqual(agentTool.options);
    expect(toolsOf(undefined, '')).toEqual(agentTool.options);
  });

  it('are those that both name', () => {
    expect(toolsOf(['ask_user', 'stop_child'])).toEqual(['ask_user', 'stop_child']);
    expect(toolsOf(undefined, ' notify_user ,ask_user,')).toEqual(['ask_user', 'notify_user']);
    expect(toolsOf(['ask_user', 'stop_child'], 'notify_user,ask_user')).toEqual(['ask_user']);
    expect(toolsOf([])).toEqual([]);
    expect(toolsOf(undefined, 'none')).toEqual([]);
  });

  it('are not guessed from a setting with a slip', () => {
    for (const AGENT_TOOLS of ['ask_users', 'none,ask_user', 'ask_user notify_user'])
      expect(() => settings({ AGENT_TOOLS })).toThrow(/takes \\?"none\\?", or some of ask_user/);
  });
});

describe('the deadlines of a session', () => {
  it('are the operator’s defaults where it says nothing', () => {
    expect(limitsOf(identity(), false, settings())).toEqual({
      startup: 120_000,
      idle: 300_000,
      crowded: 2000,
      attended: 3_600_000,
      lifetime: 3_600_000,
      turn: 3_600_000,
      interrupt: 30_000,
      background: 3_600_000,
      retries: [1000, 5000, 20_000],
      hold: 0,
    });
  });

  it('are what it asks for', () => {
    const asked = identity({ config: { timeout_seconds: 60, idle_timeout_seconds: 5 } });
    expect(limitsOf(asked, false, settings())).toMatchObject({ lifetime: 60_000, idle: 5000 });
  });

  it('let a message wait for any usage limit when it asks for that: the longest is one of a week', () => {
    const { hold } = limitsOf(identity({ config: { on_rate_limit: 'wait' } }), false, settings());
    expect(hold).toBeGreaterThan(7 * 86_400_000);
  });

  it('are never more than the operator’s maxima, whatever the defaults say', () => {
    const low = { CONTAINER_TIMEOUT_MAX: '100', CONTAINER_IDLE_TIMEOUT_MAX: '50', TURN_TIMEOUT_MAX: '10' };
    expect(limitsOf(identity(), false, settings(low))).toMatchObject({ lifetime: 100_000, idle: 50_000, turn: 10_000 });
  });

  it('give a clone its time, until it is done', () => {
    const cloning = identity({ workspace: { type: 'ephemeral', git_repo: 'https://git.test/a.git' } });
    expect(limitsOf(cloning, false, settings()).startup).toBe(720_000);
    expect(limitsOf(cloning, true, settings()).startup).toBe(120_000);
  });

  it('are for questions what it asks for, else the operator’s, within the operator’s maximum', () => {
    const asked = identity({
      config: {
        interaction_timeout_seconds: 60,
        permission_default: 'allow',
        answerers: ['bob', 'alice'],
        interaction_reminders: 3,
      },
    });
    expect(interactionLimitsOf(asked, settings())).toEqual({
      timeout: 60_000,
      longest: 604_800_000,
      permission_default: 'allow',
      people: ['alice', 'bob'],
      reminders: 3,
    });
    expect(interactionLimitsOf(identity(), settings())).toMatchObject({
      timeout: 1_800_000,
      permission_default: 'deny',
    });
    const low = { INTERACTION_TIMEOUT_MAX: '10' };
    expect(interactionLimitsOf(asked, settings(low))).toMatchObject({ timeout: 10_000, longest: 10_000 });
    expect(interactionLimitsOf(identity(), settings(low))).toMatchObject({ timeout: 10_000 });
  });

  it('refuse a turn that is asked to take longer than the operator allows, and name the maximum', () => {
    const low = settings({ TURN_TIMEOUT_MAX: '10' });
    expect(turnOverMaximum(10, low)).toBeNull();
    expect(turnOverMaximum(undefined, low)).toBeNull();
    expect(turnOverMaximum(11, low)).toMatchObject({
      refused: 'invalid_request',
      detail: expect.stringMatching(/timeout_seconds: .*10.*TURN_TIMEOUT_MAX/),
    });
  });
});
