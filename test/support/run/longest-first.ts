import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest, the longest first. Begun late, one of them alone would keep a run from its end. */
const LONGEST = `
  test/edge/functions/fuzz.test.ts
  test/edge/session/files/files.test.ts
  test/edge/session/interactions/stories.test.ts
  test/edge/pool/pool.test.ts
  test/edge/session/children/children.test.ts
  test/edge/session/retention.test.ts
  test/edge/session/settings.test.ts
  test/edge/session/viewers/streams.test.ts
  test/edge/session/container/forged.test.ts
  test/real/turns/background.test.ts
  test/real/start/edge/full-disk.test.ts
  test/real/turns/queue.test.ts
  test/real/start/data-fixture.test.ts
  test/real/start/clones.test.ts
  test/real/functions/deno/deno.test.ts
  test/real/start/backup.test.ts
  test/real/start/dev.test.ts
  test/real/start/npm-start.test.ts
  test/real/wrapper/claude/tools.test.ts
  test/real/runner/snapshot/sweep.test.ts
  test/real/wrapper/claude/mcp.test.ts
  test/real/start/settings/settings.test.ts
  test/real/turns/conversation.test.ts
  test/real/turns/wakeups.test.ts
  test/real/wrapper/claude/permissions.test.ts
  test/real/runner/snapshot/artifacts.test.ts
  test/real/runner/session/runner.test.ts
  test/real/wrapper/stand-in.test.ts
  test/real/container/build/build-image.test.ts
  test/real/start/release-skew.test.ts
  test/real/wrapper/claude/skills.test.ts
  test/real/turns/interrupt.test.ts
  test/real/start/usage-limit.test.ts
  test/real/runner/snapshot/moving-files.test.ts
  test/real/wrapper/claude/conversation.test.ts
  test/real/runner/snapshot/killed.test.ts
  test/real/wrapper/claude/child-tools.test.ts
  test/real/wrapper/claude/moves.test.ts
  test/real/turns/discord.test.ts
  test/real/runner/files/race.test.ts
  test/real/runner/model/gateway-claude.test.ts
  test/e2e/container/ecs-contract.test.ts
  test/e2e/sessions/children.test.ts
  test/e2e/service/ecs.test.ts
  test/e2e/sessions/sleep.test.ts
  test/e2e/service/faults.test.ts
  test/e2e/sessions/inherit.test.ts
  test/e2e/container/docker-contract.test.ts
  test/e2e/service/compose.test.ts
  test/e2e/mcp/mcp-servers.test.ts
  test/e2e/sessions/workspaces.test.ts
  test/e2e/container/docker-backend.test.ts
  test/e2e/container/hostile.test.ts
  test/e2e/egress/egress-tools.test.ts
  test/e2e/container/canary.test.ts
  test/e2e/sessions/artifacts.test.ts
  test/e2e/sessions/session.test.ts
  test/e2e/sessions/limits.test.ts
  test/e2e/people/people.test.ts
  test/e2e/people/discord.test.ts
`
  .trim()
  .split(/\s+/);

const groupOf = ({ project }: TestSpecification) => project.config.sequence.groupOrder;

function rankOf({ moduleId }: TestSpecification): number {
  const rank = LONGEST.findIndex((file) => moduleId.endsWith(`/${file}`));
  return rank === -1 ? LONGEST.length : rank;
}

/** Vitest's own order is by the times of an earlier run, of which a new checkout has none. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => groupOf(a) - groupOf(b) || rankOf(a) - rankOf(b));
  }
}
