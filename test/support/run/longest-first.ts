import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest, the longest first. Begun late, one of them alone would keep a run from its end. */
const LONGEST = `
  test/edge/session/interactions/stories.test.ts
  test/edge/session/viewers/streams.test.ts
  test/edge/session/children/children.test.ts
  test/edge/session/files/files.test.ts
  test/edge/session/retention.test.ts
  test/edge/session/settings.test.ts
  test/edge/pool/pool.test.ts
  test/edge/session/files/transfers.test.ts
  test/edge/session/viewers/event-log.test.ts
  test/edge/session/turns/wakeups.test.ts
  test/edge/pool/fleet.test.ts
  test/edge/push/push.test.ts
  test/edge/functions/fuzz.test.ts
  test/edge/session/large.test.ts
  test/edge/session/container/link.test.ts
  test/edge/session/children/inherit.test.ts
  test/edge/functions/mcp/sessions.test.ts
  test/edge/session/children/budget.test.ts
  test/edge/session/container/forged.test.ts
  test/edge/session/children/results.test.ts
  test/edge/session/files/storage.test.ts
  test/edge/session/files/snapshots.test.ts
  test/edge/session/interactions/answerers.test.ts
  test/edge/directory/feed.test.ts
  test/edge/session/long-prompts.test.ts
  test/edge/session/messages.test.ts
  test/edge/discord/outbox.test.ts
  test/real/cli/verbs.test.ts
  test/real/console/pages.test.ts
  test/real/cli/terminal.test.ts
  test/real/console/day.test.ts
  test/real/start/npm-start.test.ts
  test/real/wrapper/stand-in.test.ts
  test/real/start/clones.test.ts
  test/real/console/session-parts.test.ts
  test/real/turns/background.test.ts
  test/real/functions/deno/deno.test.ts
  test/real/start/backup.test.ts
  test/real/preview/preview.test.ts
  test/real/start/edge/full-disk.test.ts
  test/real/start/data-fixture.test.ts
  test/real/console/hostile.test.ts
  test/real/start/usage-limit.test.ts
  test/real/container/build/build-image.test.ts
  test/real/wrapper/claude/mcp.test.ts
  test/real/wrapper/claude/permissions.test.ts
  test/real/start/release-skew.test.ts
  test/real/console/line.test.ts
  test/real/client/cuts.test.ts
  test/real/runner/files/path-attacks.test.ts
  test/real/turns/queue.test.ts
  test/real/wrapper/claude/tools.test.ts
  test/real/wrapper/claude/conversation.test.ts
  test/real/runner/session/runner.test.ts
  test/real/console/notifications.test.ts
  test/real/console/sign-in.test.ts
  test/real/runner/snapshot/artifacts.test.ts
  test/real/discord/edge-commands.test.ts
  test/real/cli/shell.test.ts
  test/real/turns/wakeups.test.ts
  test/real/runner/snapshot/moving-files.test.ts
  test/real/chaos/chaos.test.ts
  test/real/start/edge/workerd.test.ts
  test/real/runner/model/gateway-claude.test.ts
  test/real/runner/snapshot/sweep.test.ts
  test/real/runner/session/files.test.ts
  test/real/runner/files/tar.test.ts
  test/real/wrapper/claude/skills.test.ts
  test/real/runner/session/shared-workspace.test.ts
  test/real/runner/snapshot/killed.test.ts
  test/real/wrapper/git/check-out.test.ts
  test/real/durable/session/core/turn-error.test.ts
  test/real/runner/files/diff.test.ts
  test/real/runner/files/race.test.ts
  test/real/start/early-files.test.ts
  test/real/discord/edge-webhook.test.ts
  test/real/client/client.test.ts
  test/real/runner/porter/porter-door.test.ts
  test/real/runner/snapshot/round-trip.test.ts
  test/real/start/settings/settings.test.ts
  test/real/start/dev.test.ts
  test/e2e/container/ecs-contract.test.ts
  test/e2e/sessions/sleep.test.ts
  test/e2e/service/faults.test.ts
  test/e2e/sessions/workspaces.test.ts
  test/e2e/container/hostile.test.ts
  test/e2e/container/environment-builds.test.ts
  test/e2e/container/canary.test.ts
  test/e2e/sessions/inherit.test.ts
  test/e2e/service/ecs.test.ts
  test/e2e/sessions/children.test.ts
  test/e2e/container/unprivileged-runner.test.ts
  test/e2e/sessions/artifacts.test.ts
  test/e2e/sessions/session.test.ts
  test/e2e/sessions/limits.test.ts
  test/e2e/mcp/mcp-endpoint.test.ts
  test/e2e/people/discord.test.ts
  test/e2e/egress/egress-tools.test.ts
  test/e2e/people/people.test.ts
  test/e2e/container/docker-backend.test.ts
  test/e2e/service/compose.test.ts
  test/e2e/egress/egress-apt.test.ts
  test/e2e/mcp/mcp-servers.test.ts
  test/e2e/mcp/mcp-conformance.test.ts
  test/e2e/container/docker-contract.test.ts
  test/e2e/sessions/overshoot.test.ts
  test/e2e/container/ecs-hostile.test.ts
  test/e2e/service/npm-start.test.ts
  test/e2e/service/release-adoption.test.ts
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
