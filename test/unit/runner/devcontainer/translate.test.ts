import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFile } from '../../../../runner/devcontainer/parse.ts';
import { type Devcontainer, translate } from '../../../../runner/devcontainer/translate.ts';

const OPTIONS = {
  allowedImages: ['mcr.microsoft.com/devcontainers/*', 'python:3.13'],
  folder: '/workspace/app',
  env: { PATH: '/usr/bin', HOME: '/home/agent' },
  sessionEnv: {},
};

function read(text: string | object): Devcontainer {
  const parsed = parseFile(typeof text === 'string' ? text : JSON.stringify(text));
  if (!parsed.ok) throw new Error(parsed.why);
  return translate(parsed.file, OPTIONS);
}
const named = (text: string | object) => read(text).unsupported.map(({ name, why }) => `${name}: ${why}`);
const feature = (name: string, options: unknown = {}) => ({ [`ghcr.io/devcontainers/features/${name}`]: options });
const NOTHING = { env: {}, remote_env: {}, commands: [], ports: [], unsupported: [] };

describe('a devcontainer.json', () => {
  it('is JSON with comments, commas at ends and a byte order mark, as editors write it', () => {
    const text =
      '\uFEFF// Ours\n{\n  /* the image */ "image": "python:3.13", // pinned\n  "forwardPorts": [8000,],\n}\n';
    expect(read(text)).toEqual({ ...NOTHING, image: 'python:3.13', ports: [{ port: 8000 }] });
    expect(read('{}')).toEqual(NOTHING);
  });

  it.each([
    ['', /is not JSON at line 1/],
    ['{\n"image": \n}', /is not JSON at line 3: ValueExpected/],
    ['{"a": 1', /is not JSON at line 1: CloseBraceExpected/],
    ['[]', /is no JSON object/],
    ['null', /is no JSON object/],
    ['"image"', /is no JSON object/],
    [`{"a": ${'['.repeat(40)}${']'.repeat(40)}}`, /nested more than 32 deep/],
    [`{"a": ${'['.repeat(30_000)}`, /nested more than 32 deep/],
    [`{"a": "${'é'.repeat(33_000)}"}`, /longer than 64 KB/],
  ])('%# cannot be used if it is none, and that is said', (text, why) => {
    expect(parseFile(text)).toEqual({ ok: false, why: expect.stringMatching(why) });
  });

  it('cannot change what objects are', () => {
    expect(read('{"__proto__": {"image": "python:3.13"}, "constructor": 1}').image).toBeUndefined();
    expect(named('{"__proto__": {"image": "python:3.13"}, "constructor": 1}')).toEqual([
      'constructor: this field is not known here',
    ]);
  });

  it('of whatever kind is translated or refused, within bounds, and never an image that is not allowed', () => {
    const keys = fc.constantFrom(
      'image',
      'features',
      'containerEnv',
      'remoteEnv',
      'forwardPorts',
      'portsAttributes',
      'postCreateCommand',
      'onCreateCommand',
      'mounts',
      'privileged',
      'ghcr.io/devcontainers/features/node:1',
      'version',
      'x',
    );
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom('${containerEnv:PATH}', '${localEnv:X:y}', '1; touch /tmp/x', 'ubuntu', '99999'),
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'xsmall' },
        leaf,
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(keys, tie('tree'), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(keys, tree, { maxKeys: 6 }), (file) => {
        const { image, setup = '', ports, commands, unsupported } = read(file);
        expect(image === undefined || /^(mcr\.microsoft\.com\/devcontainers\/|python:3\.13$)/.test(image)).toBe(true);
        expect(setup).not.toContain('touch');
        expect(ports.every(({ port }) => Number.isInteger(port) && port > 0 && port < 65_536)).toBe(true);
        expect(commands.every(({ argv }) => argv.length > 0 && argv.every((word) => !word.includes('\0')))).toBe(true);
        expect(unsupported.length).toBeLessThanOrEqual(65);
      }),
    );
  });
});

describe('the image', () => {
  it.each([
    ['python:3.13', 'python:3.13'],
    ['docker.io/library/python:3.13', 'docker.io/library/python:3.13'],
    ['mcr.microsoft.com/devcontainers/base:ubuntu', 'mcr.microsoft.com/devcontainers/base:ubuntu'],
  ])('%s is taken, for the operator allows it', (image, taken) => {
    expect(read({ image })).toEqual({ ...NOTHING, image: taken });
  });

  it.each(['ubuntu', 'python:3.12', 'evil.test/devcontainers/base', 'a b', '-v', 7, ['x'], '${localEnv:IMAGE}'])(
    '%j is not: the service’s own is used, and that is said',
    (image) => {
      const made = read({ image });
      expect(made.image).toBeUndefined();
      const own = expect.stringMatching(/the service’s own/);
      expect(made.unsupported).toEqual([{ name: expect.stringMatching(/^image: /), why: own }]);
    },
  );
});

describe('variables', () => {
  it('are those of the container, and over them those of its processes, with what they refer to', () => {
    const made = read({
      containerEnv: { APP: '${containerWorkspaceFolder}/bin', PORT: 8000, DEBUG: true },
      remoteEnv: {
        HERE: '${localWorkspaceFolder}',
        NAME: '${containerWorkspaceFolderBasename}',
        MORE: '${containerEnv:APP}:${containerEnv:HOME}:${containerEnv:NONE:other}',
        GONE: null,
      },
    });
    expect(made.env).toEqual({ APP: '/workspace/app/bin', PORT: '8000', DEBUG: 'true' });
    expect(made.remote_env).toEqual({
      HERE: '/workspace/app',
      NAME: 'app',
      MORE: '/workspace/app/bin:/home/agent:other',
    });
    expect(made.unsupported).toEqual([]);
  });

  it('of your machine have their defaults, and are named', () => {
    const made = read({ containerEnv: { TOKEN: '${localEnv:TOKEN}', EDITOR: '${localEnv:EDITOR:vi}', ODD: '${odd}' } });
    expect(made.env).toEqual({ TOKEN: '', EDITOR: 'vi', ODD: '${odd}' });
    expect(made.unsupported.map(({ name }) => name)).toEqual([
      'containerEnv: TOKEN: ${localEnv:TOKEN}',
      'containerEnv: EDITOR: ${localEnv:EDITOR:vi}',
      'containerEnv: ODD: ${odd}',
    ]);
  });

  it.each([
    { PATH: '/x' },
    { HTTPS_PROXY: 'http://evil.test' },
    { http_proxy: 'http://evil.test' },
    { NODE_EXTRA_CA_CERTS: '/x' },
    { LD_PRELOAD: '/x' },
    { ANTHROPIC_BASE_URL: 'http://evil.test' },
    { 'a b': 'x' },
    { A: { b: 1 } },
    { A: 'a\0b' },
    { A: 'x'.repeat(70) + '\0' },
  ])('that CC-Docker alone sets, or that are none, are named and left out: %j', (env) => {
    for (const field of ['containerEnv', 'remoteEnv']) {
      const made = read({ [field]: { ...env, FINE: '1' } });
      expect({ ...made.env, ...made.remote_env }).toEqual({ FINE: '1' });
      expect(made.unsupported).toHaveLength(1);
    }
  });

  it('are not more than a session may have', () => {
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`V${at}`, 'x']));
    const made = read({ containerEnv: many });
    expect([Object.keys(made.env).length, made.unsupported.length]).toEqual([128, 22]);
    const parsed = parseFile(JSON.stringify({ containerEnv: { OWN: 'file', OTHER: 'x'.repeat(2000) } }));
    if (!parsed.ok) throw new Error(parsed.why);
    const beside = translate(parsed.file, { ...OPTIONS, sessionEnv: { OWN: 'x'.repeat(64_000) } });
    expect([beside.env, beside.unsupported.map(({ name }) => name)]).toEqual([
      { OWN: 'file' },
      ['containerEnv: OTHER'],
    ]);
  });

  it('with long values cannot make a short file a long launch', () => {
    const words = Array.from({ length: 1_000 }, () => '${containerEnv:A}${containerEnv:A}');
    const made = read({
      containerEnv: { A: 'x'.repeat(10_000) },
      postCreateCommand: words,
      remoteEnv: { B: '${containerEnv:A}' },
    });
    expect(made.remote_env['B']).toHaveLength(10_000);
    expect(JSON.stringify(made).length).toBeLessThan(200_000);
    const why = 'values of variables add more than 64 KB to the file';
    expect(made.unsupported).toEqual([{ name: 'postCreateCommand', why }]);
  });
});

describe('commands', () => {
  it('are texts for a shell, lists of words, or several with names, in the order in which they belong', () => {
    const { commands } = read({
      postCreateCommand: { deps: 'npm ci', 'the database': ['./db', 'a b', '${containerWorkspaceFolder}'] },
      updateContentCommand: ['make', '-j2'],
      onCreateCommand: 'echo "${containerEnv:HOME}" $HOME && true',
    });
    expect(commands).toEqual([
      { name: 'onCreateCommand', argv: ['/bin/sh', '-c', 'echo "/home/agent" $HOME && true'] },
      { name: 'updateContentCommand', argv: ['make', '-j2'] },
      { name: 'postCreateCommand: deps', argv: ['/bin/sh', '-c', 'npm ci'] },
      { name: 'postCreateCommand: the database', argv: ['./db', 'a b', '/workspace/app'] },
    ]);
  });

  it('that say nothing are none; those that cannot be are named', () => {
    const made = read({
      onCreateCommand: ' ',
      updateContentCommand: [],
      postCreateCommand: { a: 7, b: [''], c: ['x', 1] },
    });
    expect(made.commands).toEqual([{ name: 'postCreateCommand: b', argv: [''] }]);
    expect(made.unsupported.map(({ name }) => name)).toEqual([
      'updateContentCommand',
      'postCreateCommand: a',
      'postCreateCommand: c',
    ]);
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`c${at}`, 'true']));
    expect(read({ postCreateCommand: many })).toMatchObject({ commands: { length: 32 }, unsupported: { length: 8 } });
  });

  it('of your machine, or for each start, never run', () => {
    const made = read({ initializeCommand: 'touch /tmp/owned', postStartCommand: 'x', postAttachCommand: 'y' });
    expect(made.commands).toEqual([]);
    expect(made.unsupported.map(({ name }) => name)).toEqual([
      'initializeCommand',
      'postStartCommand',
      'postAttachCommand',
    ]);
  });
});

describe('ports', () => {
  it('are shared with their labels', () => {
    const made = read({
      forwardPorts: [3000, '8080', 'localhost:5173', 3000, 3001],
      appPort: ['9000:9001', 9002],
      portsAttributes: {
        '3000': { label: 'Web', onAutoForward: 'notify' },
        '5000-6000': { label: 'Vite' },
        '.+server\\.js': { label: 'never' },
        '8080': { label: 7 },
      },
    });
    expect(made).toEqual({
      ...NOTHING,
      ports: [
        { port: 3000, label: 'Web' },
        { port: 8080 },
        { port: 5173, label: 'Vite' },
        { port: 3001 },
        { port: 9001 },
        { port: 9002 },
      ],
    });
  });

  it('of other containers, and what is none, are named', () => {
    expect(named({ forwardPorts: ['db:5432', 0, 70_000, 'x', null, 1.5, { a: 1 }] })).toEqual([
      'forwardPorts: "db:5432": there is no other container here that is called db',
      'forwardPorts: 0: must be a port from 1 to 65535',
      'forwardPorts: 70000: must be a port from 1 to 65535',
      'forwardPorts: "x": must be a port from 1 to 65535',
      'forwardPorts: null: must be a port',
      'forwardPorts: 1.5: must be a port from 1 to 65535',
      'forwardPorts: {"a":1}: must be a port',
    ]);
    expect(read({ forwardPorts: Array.from({ length: 20 }, (_, at) => 4000 + at) }).ports).toHaveLength(16);
  });
});

describe('features', () => {
  it('that come down to packages are lines of a script, which bash can read', () => {
    const features = {
      ...feature('rust:1', { version: '1.80', profile: 'default' }),
      ...feature('node:1', { version: '20' }),
      ...feature('python:1.7.0', '3.12'),
      ...feature('go', { version: '1.23.4' }),
      ...feature('common-utils:2', { installZsh: true }),
      ...feature('git:1'),
      ...feature('github-cli@sha256:0a', { version: 'latest' }),
      ...feature('java:1', { version: '17' }),
    };
    const { setup = '', unsupported } = read({ features });
    expect(unsupported).toEqual([]);
    execFileSync('bash', ['-n'], { input: setup });
    for (const line of [
      'cc_install zsh',
      'node@20',
      'uv python install --preview --default 3.12',
      `cc_go='go1.23.4'`,
      '--profile default --default-toolchain 1.80',
      'cc_install openjdk-17-jdk-headless',
    ])
      expect(setup).toContain(line);
    // First what others need.
    expect([...setup.matchAll(/^# (.+)$/gm)].map(([, name]) => name)).toEqual([
      'common-utils',
      'git',
      'github-cli',
      'node',
      'python',
      'go',
      'rust',
      'java',
    ]);
  });

  it('whose version is whatever there is need nothing that is there already', () => {
    const { setup = '' } = read({
      features: { ...feature('node:1'), ...feature('python:1', { version: 'os-provided' }) },
    });
    expect(setup).not.toMatch(/node@|uv python/);
    const env = { PATH: '/nowhere' };
    expect(() => execFileSync('/bin/bash', ['-e'], { input: setup, env, stdio: 'pipe' })).toThrow(/apt: take an image/);
  });

  it.each([
    [feature('docker-in-docker:2'), /no container engine/],
    [feature('docker-outside-of-docker:1'), /no container engine/],
    [feature('sshd:1'), /use its terminal/],
    [feature('unheard-of:1'), /not among those/],
    [feature('constructor:1'), /not among those/],
    [{ 'ghcr.io/someone/features/node:1': {} }, /only features of ghcr\.io\/devcontainers/],
    [{ './local': {} }, /only features of/],
    [{ 'https://evil.test/x.tgz': {} }, /only features of/],
    [feature('node:1', { version: '20; touch /tmp/owned' }), /no version that could be/],
    [feature('go:1', { version: "1'\n" }), /no version that could be/],
    [feature('rust:1', '-y'), /no version that could be/],
    [feature('git:1', { version: '2.40' }), /as the system has it, not as version 2\.40/],
    [feature('node:1', 7), /must be an object of options/],
  ])('that would take more are named: %j', (features, why) => {
    const made = read({ features });
    expect(made.setup).toBeUndefined();
    expect(made.unsupported).toEqual([{ name: expect.stringMatching(/^features: /), why: expect.stringMatching(why) }]);
  });
});

describe('what has no effect', () => {
  it('is named with the reason, and widens nothing', () => {
    const file = {
      name: 'Ours',
      customizations: { vscode: {} },
      init: true,
      privileged: false,
      build: { dockerfile: 'Dockerfile' },
      dockerComposeFile: 'compose.yml',
      mounts: ['source=/,target=/host,type=bind'],
      runArgs: ['--privileged'],
      capAdd: ['SYS_ADMIN'],
      securityOpt: ['seccomp=unconfined'],
      workspaceFolder: '/workspaces/app',
      remoteUser: 'root',
      hostRequirements: { cpus: 64 },
      secrets: { TOKEN: {} },
      network: { allow: ['*'] },
    };
    const made = read(file);
    expect({ ...made, unsupported: [] }).toEqual(NOTHING);
    expect(made.unsupported.map(({ name }) => name)).toEqual(
      Object.keys(file).filter((name) => !['name', 'customizations', 'init', 'privileged'].includes(name)),
    );
    expect(named({ privileged: true })).toEqual([
      'privileged: a session’s container is sealed, whatever a repository says',
    ]);
  });

  it('is named in bounded number and length', () => {
    const file = Object.fromEntries(
      Array.from({ length: 300 }, (_, at) => [`${at}\u0007${'x'.repeat(100 + at / 10)}`, 1]),
    );
    const { unsupported } = read(file);
    expect(unsupported).toHaveLength(65);
    expect(unsupported.at(-1)).toEqual({ name: '…', why: 'and 236 more' });
    expect(Math.max(...unsupported.map(({ name }) => name.length))).toBeLessThanOrEqual(128);
    expect(JSON.stringify(unsupported)).not.toContain(String.raw`\u0007`);
  });
});
