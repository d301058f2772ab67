import { describe, expect, it } from 'vitest';
import { deployConfig, planDeployment, SECRETS, type DeployRequest } from '../../../scripts/deploy/deploy-plan.ts';

const ALL = [...SECRETS];
const ASSETS = { directory: 'build/assets', binding: 'ASSETS', run_worker_first: true };
const plan = (asked: Omit<Partial<DeployRequest>, 'config'> & { config?: object } = {}) =>
  planDeployment({
    vars: {},
    domain: null,
    known: ALL,
    ...asked,
    config: deployConfig.parse({ name: 'cc-docker', assets: ASSETS, ...asked.config }),
  });

describe('a deployment', () => {
  it('needs the secret that signs tokens, and of Discord and Redis theirs when they are set up', () => {
    expect(plan({ known: ['JWT_SECRET'] }).problems).toEqual([]);
    expect(plan({ known: [] }).problems).toEqual([expect.stringMatching(/JWT_SECRET is missing.*wrangler secret put/)]);
    const vars = { DISCORD_CHANNEL_ID: '1', UPSTASH_REDIS_REST_URL: 'https://redis.example.org' };
    expect(plan({ vars }).problems).toEqual([]);
    expect(plan({ vars, known: ['JWT_SECRET'] }).problems).toEqual([
      expect.stringMatching(/DISCORD_BOT_TOKEN is missing \(because DISCORD_CHANNEL_ID is set\)/),
      expect.stringMatching(/UPSTASH_REDIS_REST_TOKEN is missing \(because UPSTASH_REDIS_REST_URL is set\)/),
    ]);
  });

  it('is refused when the Worker would have no files, or is not asked for them first', () => {
    expect(plan({ config: { assets: { binding: 'ASSETS' } } }).problems).toEqual([expect.stringMatching(/\[assets\]/)]);
    expect(plan({ config: { assets: undefined } }).problems).toEqual([expect.stringMatching(/\[assets\]/)]);
  });

  it('says of each secret whether it is there, which a dry run does not know', () => {
    expect(plan({ known: ['JWT_SECRET'] }).lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^secret +JWT_SECRET \(is there\), needed/),
        expect.stringMatching(/^secret +DISCORD_BOT_TOKEN \(is not there\), optional/),
      ]),
    );
    const dry = plan({ known: null });
    expect(dry.problems).toEqual([]);
    expect(dry.lines).toEqual(expect.arrayContaining([expect.stringMatching(/^secret +JWT_SECRET, needed/)]));
  });

  it.each([
    ['a name that is none of the edge', { CONTAINER_IDLE_TIMEOT: '300' }, /CONTAINER_IDLE_TIMEOT is no setting/],
    ['a value that does not fit', { MAX_SESSIONS_PER_USER: 'many' }, /MAX_SESSIONS_PER_USER must be a whole number/],
    ['one of two that belong together', { UPSTASH_REDIS_REST_TOKEN: 'x' }, /UPSTASH_REDIS_REST_TOKEN is a secret/],
    ['a secret where anyone can read it', { JWT_SECRET: 'x'.repeat(40) }, /JWT_SECRET is a secret/],
  ])('is refused for %s', (_, vars, sentence) => {
    expect(plan({ vars }).problems.join('\n')).toMatch(sentence);
    expect(plan({ config: { vars } }).problems.join('\n')).toMatch(sentence);
  });

  it('shows no value of a secret', () => {
    expect(plan({ vars: { JWT_SECRET: 'the very secret' } }).lines.join('\n')).not.toContain('the very secret');
  });

  it('takes what the command line says before what wrangler.toml says', () => {
    const { vars } = plan({
      config: { vars: { MAX_SPAWN_DEPTH: '1', SNAPSHOTS_KEPT: '3' } },
      vars: { MAX_SPAWN_DEPTH: '2' },
    });
    expect(vars).toEqual({ MAX_SPAWN_DEPTH: '2', SNAPSHOTS_KEPT: '3' });
  });

  it('at a domain of one’s own tells the edge of it, and is refused when the edge is told of another', () => {
    const routes = [{ pattern: 'cc.example.org', custom_domain: true }];
    expect(plan({ domain: 'cc.example.org' }).vars).toEqual({ PUBLIC_URL: 'https://cc.example.org' });
    expect(plan({ config: { routes } }).vars).toEqual({ PUBLIC_URL: 'https://cc.example.org' });
    const other = { PUBLIC_URL: 'https://other.example.org' };
    expect(plan({ config: { routes, vars: other } }).problems).toEqual([
      expect.stringContaining('but the Worker is served at'),
    ]);
    // Without a domain of one's own there may be a proxy in front.
    expect(plan({ vars: other }).problems).toEqual([]);
  });

  it('says which settings have no effect there', () => {
    expect(plan({ vars: { DISK_FLOOR_MB: '5' } }).lines.join('\n')).toContain('DISK_FLOOR_MB = 5 (without effect');
  });
});
