import { beforeEach, describe, expect, it } from 'vitest';
import { User } from '../../support/api.ts';
import { noise } from './support/files-scene.ts';
import { emptyPool, pool } from '../../support/pool.ts';
import { FakeRunner } from '../../support/runner.ts';
import { park, ran, SHARED, sharing, type Ran } from '../../support/scene.ts';
import { artifacts, SHA, share } from './support/sharing.ts';
import { callFiles, FakeTransfer } from './support/transfer.ts';

beforeEach(emptyPool);

const at = ({ id }: Ran, artifact: string) => `${id}/artifacts/${artifact}/content`;

describe('an artifact', () => {
  it('is downloaded under its name, and never shown', async () => {
    const scene = await ran();
    const { id } = await share(scene, { name: 'Bericht „Mai“.pdf' });
    const answer = callFiles(scene.user, 'GET', at(scene, id));
    const transfer = await FakeTransfer.next(scene.runner);
    expect(transfer.request).toEqual({ op: 'artifact', artifact_id: id, range: null });
    const bytes = noise(1000);
    transfer.head({ size: 1000, etag: `"${SHA}"` });
    await transfer.send(bytes);
    transfer.end();
    const response = await answer;
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '1000',
      'content-disposition': `attachment; filename="Bericht _Mai_.pdf"; filename*=UTF-8''Bericht%20%E2%80%9EMai%E2%80%9C.pdf`,
      'content-security-policy': expect.stringContaining('sandbox'),
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      etag: `"${SHA}"`,
    });
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
  });

  it('is read in parts, and not again by who has it', async () => {
    const scene = await ran();
    const { id } = await share(scene);
    const part = (headers: Record<string, string>) =>
      callFiles(scene.user, 'GET', at(scene, id), { headers: { range: 'bytes=2-4', ...headers } });
    const answer = part({ 'if-range': `"${SHA}"` });
    const transfer = await FakeTransfer.next(scene.runner);
    expect(transfer.request).toMatchObject({ range: 'bytes=2-4' });
    transfer.head({ size: 3, range: { first: 2, last: 4, total: 1000 } });
    await transfer.send(new TextEncoder().encode('cde'));
    transfer.end();
    const response = await answer;
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe('bytes 2-4/1000');
    expect(response.headers.get('content-length')).toBe('3');
    expect(await response.text()).toBe('cde');

    const other = part({ 'if-range': '"another"' });
    const whole = await FakeTransfer.next(scene.runner);
    expect(whole.request).toMatchObject({ range: null });
    whole.refuse('storage_unavailable');
    expect((await other).status).toBe(503);

    const same = await callFiles(scene.user, 'GET', at(scene, id), { headers: { 'if-none-match': `"${SHA}"` } });
    expect(same.status).toBe(304);
    const head = await callFiles(scene.user, 'HEAD', at(scene, id));
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '1000']);
  });

  it('is read by any runner that sees its storage, wherever the session’s own files are', async () => {
    const scene = await ran();
    const { id } = await share(scene);
    await park(scene);
    scene.runner.control.close();
    await expect.poll(async () => (await pool().health()).runners.length).toBe(0);
    // Its files were not saved, and the runner that has them is away.
    expect((await callFiles(scene.user, 'GET', `${scene.id}/files/a`)).status).toBe(503);
    expect((await callFiles(scene.user, 'GET', at(scene, id))).status).toBe(503);
    await FakeRunner.connect('blind');
    const other = await sharing('other');
    const answer = callFiles(scene.user, 'GET', at(scene, id));
    const transfer = await FakeTransfer.next(other);
    transfer.head({ size: 2 });
    await transfer.send(new TextEncoder().encode('ok'));
    transfer.end();
    expect(await (await answer).text()).toBe('ok');
  });

  it('that the storage lost is 404', async () => {
    const scene = await ran();
    const { id } = await share(scene);
    const answer = callFiles(scene.user, 'GET', at(scene, id));
    (await FakeTransfer.next(scene.runner)).refuse('artifact_not_found');
    expect((await answer).status).toBe(404);
  });

  it('is its owner’s alone', async () => {
    const scene = await ran();
    const { id } = await share(scene);
    const stranger = new User();
    for (const [method, path] of [
      ['GET', '/artifacts'],
      ['GET', `/artifacts/${id}`],
      ['GET', `/artifacts/${id}/content`],
      ['DELETE', `/artifacts/${id}`],
    ] as const) {
      const refused = await stranger.call(method, `/sessions/${scene.id}${path}`);
      expect(refused).toMatchObject({ status: 404, body: { code: 'session_not_found' } });
    }
    expect((await artifacts(scene)).data).toHaveLength(1);
  });

  it('is found in its own session alone', async () => {
    const scene = await ran();
    const { id } = await share(scene);
    const other = await scene.user.createSession();
    for (const path of [id, `${id}/content`, crypto.randomUUID(), 'none']) {
      const refused = await scene.user.call('GET', `/sessions/${other}/artifacts/${path}`);
      expect(refused).toMatchObject({ status: 404, body: { code: 'artifact_not_found' } });
    }
  });

  it('is deleted with its bytes', async () => {
    const scene = await ran();
    const [first, second] = [await share(scene), await share(scene)];
    const gone = await scene.user.call('DELETE', `/sessions/${scene.id}/artifacts/${first.id}`);
    expect(gone.status).toBe(204);
    expect(await scene.runner.dropped()).toEqual([{ snapshot_id: first.id, tree: 'artifact' }]);
    expect((await artifacts(scene)).data).toMatchObject([{ artifact_id: second.id }]);
    const again = await scene.user.call('DELETE', `/sessions/${scene.id}/artifacts/${first.id}`);
    expect(again).toMatchObject({ status: 404, body: { code: 'artifact_not_found' } });
  });

  it('goes with its session', async () => {
    const scene = await ran();
    const { id } = await share(scene);
    expect((await scene.user.call('DELETE', `/sessions/${scene.id}`)).status).toBe(204);
    expect(await scene.runner.dropped()).toEqual([{ snapshot_id: id, tree: 'artifact' }]);
    const after = await scene.user.call('GET', `/sessions/${scene.id}/artifacts/${id}/content`);
    expect(after).toMatchObject({ status: 404, body: { code: 'session_not_found' } });
  });

  it('stays while its session takes snapshots and a sweep asks; what nobody knows goes', async () => {
    const scene = await ran();
    const { id } = await share(scene);
    const { version, owner } = scene.container.launch.files;
    await scene.runner.report(scene.id, { version, storage: SHARED, final: false, trigger: 'periodic' });
    await expect.poll(async () => (await scene.user.call('GET', '/storage')).body.snapshots).toBe(1);
    const orphan = { snapshot_id: crypto.randomUUID(), tree: 'artifact' as const };
    scene.runner.send({ kind: 'sweep', owner, trees: [{ snapshot_id: id, tree: 'artifact' }, orphan] });
    expect(await scene.runner.dropped()).toEqual([orphan]);
  });
});

it('a list comes in pages, the oldest first', async () => {
  const scene = await ran();
  const ids: string[] = [];
  for (let n = 0; n < 5; n += 1) ids.push((await share(scene)).id);
  const first = await artifacts(scene, '?limit=2');
  const second = await artifacts(scene, `?limit=2&cursor=${first.next_cursor}`);
  const third = await artifacts(scene, `?limit=2&cursor=${second.next_cursor}`);
  const listed = [first, second, third].flatMap(({ data }) =>
    data.map((one: { artifact_id: string }) => one.artifact_id),
  );
  expect(listed).toEqual(ids);
  expect(third.next_cursor).toBeNull();
  const refused = await scene.user.call('GET', `/sessions/${scene.id}/artifacts?cursor=x`);
  expect(refused).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
});
