import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { mintToken } from '../../../start/settings/mint-token.ts';
import { startService } from '../../support/data-fixture/service.ts';
import { Client } from '../../support/e2e/client.ts';
import { startUpstream, streamedMessage } from '../../support/model/model-upstream.ts';
import { atMost } from '../../support/patience.ts';

/** Seconds from the first call to the model until the subscription's limit is reset: more than a turn takes to end by it. */
const RESET_S = Math.max(15, atMost(7) / 1000);

test(
  'a message waits for a subscription’s limit without a container, and is answered when it is reset',
  { timeout: atMost(180) },
  async () => {
    let resetsAt: number | null = null;
    const model = await startUpstream((response) => {
      resetsAt ??= Math.ceil(Date.now() / 1000) + RESET_S;
      if (Date.now() / 1000 < resetsAt) {
        response.writeHead(429, {
          'content-type': 'application/json',
          'anthropic-ratelimit-unified-status': 'rejected',
          'anthropic-ratelimit-unified-reset': String(resetsAt),
          'anthropic-ratelimit-unified-representative-claim': 'five_hour',
        });
        response.end('{"type":"error","error":{"type":"rate_limit_error","message":"x"}}');
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(streamedMessage('after ', 'all').join(''));
    });
    onTestFinished(() => model.close());
    const folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-limit-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const service = await startService(folder, {
      CLAUDE_CODE_OAUTH_TOKEN: 'of-no-use-anywhere',
      ANTHROPIC_BASE_URL: model.url,
    });
    onTestFinished(() => service.stop());
    const token = await mintToken(service.secret, { kind: 'user', sub: 'alice', ttlSeconds: 3600 });
    const client = new Client(service.url, token);

    const id = await client.createSession({ on_rate_limit: 'wait', idle_timeout_seconds: 1 });
    expect(await client.ask(id, 'work')).toMatchObject({ status: 'completed', result: 'after all', retry_at: null });
    const events = await client.events(id);
    const held = events.findIndex(({ type }) => type === 'message.held');
    expect(Date.parse(events[held]?.data.retry_at) / 1000).toBe(resetsAt);
    const statuses = events.slice(held).filter(({ type }) => type === 'session.status');
    expect(statuses.map(({ data }) => `${data.epoch} ${data.status} ${data.reason?.code ?? ''}`.trim())).toEqual([
      '1 idle usage_limit',
      '1 queued usage_limit',
      '2 queued',
      '2 starting',
      '2 running',
      '2 idle',
    ]);
  },
);
