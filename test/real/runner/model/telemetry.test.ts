import http from 'node:http';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { traceSettings } from '../../../../protocol/settings/trace-settings.ts';
import { createLog } from '../../../../runner/lib/log.ts';
import { openModelGateway } from '../../../../runner/model/gateway.ts';
import { ContainerTelemetry } from '../../../../runner/model/telemetry.ts';
import { Receiver, status } from '../../../support/net/receiver.ts';
import { scratch } from '../../../support/scratch.ts';

const SESSION = '01939f5a-7c1e-7000-8000-1a2b3c4d5e6f';

/** A session's model socket, with a collector behind it. */
async function withCollector() {
  const collector = await Receiver.start();
  onTestFinished(() => collector.stop());
  const settings = traceSettings.parse({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-key=of-the-collector',
  });
  const telemetry = new ContainerTelemetry(settings, SESSION, createLog('silent'));
  const socketPath = path.join(scratch(), 'model.sock');
  const calls: string[] = [];
  const gateway = await openModelGateway({
    socketPath,
    handler: async (request, response) => {
      calls.push(request.url ?? '');
      response.end('{}');
      return { outcome: 'answered', status: 200, headersMs: 0, totalMs: 0 };
    },
    log: () => {},
    others: (request, response) => telemetry.serve(request, response),
  });
  onTestFinished(() => gateway.close());
  const post = (to: string, body: string, method = 'POST') =>
    new Promise<number>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'x-key': 'of-the-container' };
      const request = http.request({ socketPath, path: to, method, headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      request.on('error', reject);
      request.end(body);
    });
  return { collector, post, calls };
}

const logs = (attributes: object[]) =>
  JSON.stringify({ resourceLogs: [{ resource: { attributes }, scopeLogs: [{ logRecords: [] }] }] });
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });

test('what a container says reaches the collector under its session’s name, whatever name it gives itself', async () => {
  const { collector, post } = await withCollector();
  const forged = [
    text('cc_docker.session', 'another'),
    text('service.name', 'cc-docker-edge'),
    text('os.type', 'linux'),
  ];
  expect(await post('/v1/logs', logs(forged))).toBe(200);
  const [got] = collector.posts;
  expect(got).toMatchObject({ path: '/v1/logs', headers: { 'x-key': 'of-the-collector' } });
  expect(JSON.parse(got?.body ?? '')).toEqual({
    resourceLogs: [
      {
        resource: {
          attributes: [
            text('os.type', 'linux'),
            text('service.name', 'cc-docker-container'),
            text('cc_docker.session', SESSION),
          ],
        },
        scopeLogs: [{ logRecords: [] }],
      },
    ],
  });
});

test('what is not of its kind, or too large, does not reach it', async () => {
  const { collector, post, calls } = await withCollector();
  expect(await post('/v1/logs', 'no JSON')).toBe(400);
  expect(await post('/v1/metrics', logs([]))).toBe(400);
  expect(await post('/v1/logs', JSON.stringify({ resourceLogs: [], more: 1 }))).toBe(400);
  expect(await post('/v1/logs', logs([text('a', 'x'.repeat(1024 * 1024))]))).toBe(413);
  expect(await post('/v1/other', logs([]))).toBe(404);
  expect(await post('/v1/logs', '', 'GET')).toBe(404);
  expect(collector.posts).toEqual([]);
  expect(await post('/v1/messages?beta=true', '{}')).toBe(200);
  expect(calls).toEqual(['/v1/messages?beta=true']);
});

test('a container that posts without end is refused, and a collector that is down is said', async () => {
  const { collector, post } = await withCollector();
  collector.answers.push(status(500));
  expect(await post('/v1/logs', logs([]))).toBe(503);
  let refused = 0;
  for (let n = 0; n < 300 && refused === 0; n += 1) if ((await post('/v1/logs', logs([]))) === 429) refused = n;
  expect(refused).toBeGreaterThan(100);
});
