import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { withPackages } from '../../../../../runner/egress/presets/presets.ts';
import { parseSettings } from '../../../../../runner/session/settings.ts';
import { rules } from '../../../../support/runner/egress-fixture.ts';

function parse(env: Record<string, string>) {
  return parseSettings({ RUNNER_TOKEN: 't', RUNNER_BACKEND: 'process', ...env });
}

async function presetFile(text: string): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'presets-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'presets.json');
  await writeFile(file, text);
  return file;
}

test('unset, a session reaches nothing unasked, may ask for any public address, and has two presets', () => {
  const parsed = parse({});
  expect(parsed).toMatchObject({
    settings: { egress: { ceiling: { allow: ['*:*'] }, fallback: { allow: [], presets: [] }, private: [] } },
  });
  if (parsed.ok) expect([...parsed.settings.egress.presets.keys()]).toEqual(['github', 'open']);
});

test('lists take rules and presets', () => {
  expect(
    parse({
      EGRESS_ALLOW: ' *.example.org, preset:packages,db.example.com:5432',
      EGRESS_DEFAULT: 'preset:github',
      EGRESS_ALLOW_PRIVATE: '10.0.0.0/8, [fd00::1]:443',
    }),
  ).toMatchObject({
    settings: {
      egress: {
        ceiling: { allow: ['*.example.org', 'db.example.com:5432'], presets: ['packages'] },
        fallback: { allow: [], presets: ['github'] },
        private: [{ prefix: 8 }, { prefix: 128, port: 443 }],
      },
    },
  });
  expect(parse({ EGRESS_ALLOW: 'none' })).toMatchObject({
    settings: { egress: { ceiling: { allow: [], presets: [] } } },
  });
});

test.each([
  ['EGRESS_ALLOW', 'http://a.test/'],
  ['EGRESS_ALLOW', 'a.test,,b.test'],
  ['EGRESS_DEFAULT', '1.2.3'],
  ['EGRESS_DEFAULT', 'preset:Nope!'],
  ['EGRESS_DEFAULT', 'preset:nope'],
  ['EGRESS_DEFAULT', 'github'],
  ['EGRESS_ALLOW_PRIVATE', 'localhost'],
  ['EGRESS_ALLOW_PRIVATE', '10.0.0.0/40'],
  ['EGRESS_PRESETS', '/nonexistent/presets.json'],
])('%s=%s is refused in one line that names the variable', (name, value) => {
  const parsed = parse({ [name]: value });
  expect(parsed.ok).toBe(false);
  if (!parsed.ok) expect(parsed.problem).toMatch(new RegExp(`^${name} [^\\n]+$`));
});

test('the operator’s presets add to the shipped ones and stand in for them', async () => {
  const file = await presetFile('{"ours": ["registry.example.test"], "open": ["a.test"]}');
  const parsed = parse({ EGRESS_PRESETS: file, EGRESS_DEFAULT: 'preset:ours' });
  if (!parsed.ok) throw new Error(parsed.problem);
  const { presets } = parsed.settings.egress;
  expect([...presets.keys()]).toEqual(['github', 'open', 'ours']);
  expect(presets.get('open')).toMatchObject([{ text: 'a.test' }]);
});

test.each(['{', '[]', '{"ours": "a.test"}', '{"ours": ["a test"]}', '{"Ours!": []}'])(
  'a preset file with %s is refused',
  async (text) => {
    const parsed = parse({ EGRESS_PRESETS: await presetFile(text) });
    expect(parsed).toMatchObject({ ok: false, problem: expect.stringMatching(/^EGRESS_PRESETS [^\n]+$/) as string });
  },
);

test('packages are what the machine has, unless the operator wrote a list of that name', () => {
  const found = rules('registry.example.test');
  expect(withPackages(new Map(), found).get('packages')).toEqual(found);
  expect(withPackages(new Map([['packages', []]]), found).get('packages')).toEqual([]);
  expect(withPackages(new Map(), []).has('packages')).toBe(false);
});
