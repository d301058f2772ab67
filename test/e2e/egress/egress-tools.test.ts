import { createServer } from 'node:http';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { certificateFor } from '../../support/net/certificate.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { startForge, type ForgeServer } from '../../support/forges/forge-server.ts';
import { startGitServer, type GitServer } from '../../support/e2e/git-server.ts';
import { makeBareRepository, type BareRepository } from '../../support/github/bare-repository.ts';
import { startGithub, type GithubServer } from '../../support/github/github-server.ts';
import { close, listen } from '../../support/net/listen.ts';
import { startPackageRegistry, type PackageRegistry } from '../../support/e2e/package-registry.ts';
import { Service } from '../../support/e2e/service.ts';
import { startTcpDatabase, type TcpDatabase } from '../../support/e2e/tcp-database.ts';
import { testNamesEnv } from '../../support/e2e/test-names.ts';

const NAMES = ['git.test', 'registry.test', 'site.test', 'db.test', 'lab.test', 'tea.test'];
const PASSWORD = `ghp_${randomBytes(16).toString('hex')}`;

/** Each of these asks the dev server of a container under every name that it is given. */
const BY_FETCH = `(async () => {
  for (const host of process.argv.slice(1))
    console.log("fetch " + host + ": " + (await fetch("http://" + host + ":8000/").then((r) => r.text(), String)).trim());
})()`;
const BY_URLLIB = `import sys, urllib.request
for host in sys.argv[1:]:
    try: print("python " + host + ": " + urllib.request.urlopen("http://" + host + ":8000/").read().decode().strip())
    except Exception as error: print(error)`;
const BY_SOCKET = `import sys, http.client
for host in sys.argv[1:]:
    try:
        connection = http.client.HTTPConnection(host, 8000)
        connection.request("GET", "/")
        print("direct " + host + ": " + connection.getresponse().read().decode().strip())
    except Exception as error: print(error)`;

describeDocker('the way out, with the tools that agents use', ({ host, image }) => {
  const site = createServer((request, response) => response.end(`the site got ${request.method} ${request.url}\n`));
  let sitePort = 0;
  let folder: string;
  let git: GitServer;
  let repository: BareRepository;
  let github: GithubServer;
  const repositories: BareRepository[] = [];
  let gitlab: ForgeServer;
  let gitea: ForgeServer;
  let registry: PackageRegistry;
  let database: TcpDatabase;
  let service: Service;
  let alice: Client;
  /** Of an owner of its own: a session with some hosts and no secret, for tests that ask nothing else of it. */
  let carol: Client;
  let shared: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-egress-'));
    const certificate = await certificateFor(...NAMES, 'github.com', 'api.github.com');
    const authority = path.join(folder, 'authority.pem');
    await writeFile(authority, certificate.cert);
    git = await startGitServer('127.0.0.1', certificate, PASSWORD);
    repository = await makeBareRepository('o/r.git');
    github = await startGithub('127.0.0.1', certificate, PASSWORD, repository);
    const forge = async (kind: 'gitlab' | 'gitea') => {
      const own = await makeBareRepository('o/r.git');
      repositories.push(own);
      return await startForge(kind, { address: '127.0.0.1', certificate, token: PASSWORD, repository: own });
    };
    gitlab = await forge('gitlab');
    gitea = await forge('gitea');
    registry = await startPackageRegistry({ address: '127.0.0.1', host: 'registry.test', certificate });
    database = await startTcpDatabase('127.0.0.1');
    sitePort = await listen(site, '127.0.0.1');
    const here = [['127.0.0.1']];
    service = await Service.start({
      backend: 'docker',
      image,
      runnerEnv: {
        DOCKER_HOST: host,
        ...testNamesEnv(
          Object.fromEntries([...NAMES, 'github.com', 'api.github.com'].map((name) => [name, here])),
          undefined,
          { 443: github.port },
        ),
        EGRESS_ALLOW_PRIVATE: [git, gitlab, gitea, registry, database, { port: sitePort }, { port: 443 }]
          .map(({ port }) => `127.0.0.1:${port}`)
          .join(','),
        CC_EGRESS_CA: authority,
        CC_SECRET_GIT: JSON.stringify({ value: PASSWORD, hosts: [`git.test:${git.port}`], as: 'git' }),
        CC_SECRET_GITHUB: JSON.stringify({ value: PASSWORD, as: 'github' }),
        CC_SECRET_GITLAB: JSON.stringify({ value: PASSWORD, as: 'gitlab', hosts: [`lab.test:${gitlab.port}`] }),
        CC_SECRET_GITEA: JSON.stringify({ value: PASSWORD, as: 'gitea', hosts: [`tea.test:${gitea.port}`] }),
      },
    });
    alice = await service.client('alice');
    carol = await service.client('carol');
    const allow = [`git.test:${git.port}`, `registry.test:${registry.port}`, `db.test:${database.port}`];
    shared = await carol.createSession({ network: { allow } });
  });
  afterEach(async () => await alice?.deleteSessions());
  afterAll(async () => {
    await carol?.deleteSessions();
    await service?.stop();
    await Promise.all([
      git?.close(),
      github?.close(),
      gitlab?.close(),
      gitea?.close(),
      ...repositories.map((one) => one.remove()),
      repository?.remove(),
      registry?.close(),
      database?.close(),
      close(site),
    ]);
    await rm(folder, { recursive: true, force: true });
  });

  const ownerOf = (id: string) => (id === shared ? carol : alice);
  /** What a command of the agent's printed. */
  async function run(id: string, command: string): Promise<string> {
    const { result } = await ownerOf(id).ask(
      id,
      script({ tool: 'Bash', input: { command } }, { text: '{{last_tool_result}}' }),
    );
    return result;
  }
  const sessionFor = async (allow: string[], secrets: string[] = []) =>
    await alice.createSession({ network: { allow }, secrets });
  const decisions = async (id: string) =>
    (await ownerOf(id).events(id))
      .filter(({ type }) => type === 'session.egress')
      .map(({ data }) => `${data.verdict} ${data.host}:${data.port} ${data.rule}`);

  test('git clones and pushes a private repository over TLS, and the container never holds the secret', async () => {
    const allowed = `git.test:${git.port}`;
    const id = await sessionFor([allowed], ['git']);
    const output = await run(
      id,
      `set -e; exec 2>&1
       git clone -q https://${allowed}/private.git && cd private && git log --format=%s
       git config user.name agent && git config user.email agent@session.test
       echo "said the agent" > said && git add said && git commit -qm 'from inside' && git push -q && echo pushed
       git ls-remote https://x:guessed@${allowed}/private.git main
       env; cat .git/config`,
    );
    expect(output).toContain('the first\npushed');
    expect(await git.git('show', 'main:said')).toBe('said the agent\n');
    expect(git.authorizations.length).toBeGreaterThan(0);
    expect(output).not.toContain(PASSWORD);
    expect(JSON.stringify(await alice.events(id))).not.toContain(PASSWORD);
    expect(new Set(await decisions(id))).toEqual(new Set([`allowed ${allowed} ${allowed}`]));
  });

  test('from an issue to a pull request on GitHub: gh is logged in, by a token that is nowhere in the container', async () => {
    const id = await sessionFor(['github.com', 'api.github.com'], ['github']);
    const output = await run(
      id,
      `exec 2>&1
       gh auth status; gh issue view 7 --repo o/r
       git clone -q https://github.com/o/r.git && cd r && git switch -qc greet
       git config user.name agent && git config user.email agent@session.test
       echo hello > hello && git add hello && git commit -qm 'Greet' && git push -qu origin greet
       gh pr create --title 'Greet' --body 'Closes #7'
       gh pr create --title 'Greet' --body 'Closes #7'
       gh pr view --json number --jq .number
       curl -sS -H "Authorization: Bearer $GH_TOKEN" https://api.github.com/repos/o/r/pulls
       echo; echo "token: $GH_TOKEN"`,
    );
    expect(output).toContain('Logged in to github.com as o (GH_TOKEN)');
    expect(output).toContain('Please add a file that greets.');
    expect(output).toContain('\nhttps://github.com/o/r/pull/8\n');
    expect(output).toMatch(/a pull request for branch "greet" into branch "main" already exists/);
    expect(output).toMatch(/^8$/m);
    expect(output).toContain('[{"number":8,"title":"Greet","html_url":"https://github.com/o/r/pull/8"}]');
    expect(output).toMatch(/^token: cc-docker-dummy$/m);
    expect(github.pulls).toMatchObject([{ head: 'greet', base: 'main', body: 'Closes #7' }]);
    expect(await github.git('show', 'greet:hello')).toBe('hello\n');
    expect([...github.authorizations.api]).toEqual([`Bearer ${PASSWORD}`]);
    expect([...github.authorizations.git]).toEqual([`Basic ${btoa(`x-access-token:${PASSWORD}`)}`]);
    const inside = await run(
      id,
      `grep -rls '${PASSWORD.slice(0, 12)}' /home/agent /tmp /workspace /claude/settings.json /run/cc-docker /proc/[0-9]*/environ; echo done`,
    );
    expect(inside.trim()).toBe('done');
    // The dummy is nothing special elsewhere: this session has no secret for that host.
    const other = await sessionFor(['github.com', 'api.github.com']);
    expect(await run(other, 'echo "[$GH_TOKEN]"; GH_TOKEN=cc-docker-dummy gh api user 2>&1 || true')).toMatch(
      /^\[\]\n.*Bad credentials/s,
    );
  });

  test('the same on GitLab and on Gitea: git, the API in each form of theirs, and a push that asks to merge', async () => {
    const [lab, tea] = [`lab.test:${gitlab.port}`, `tea.test:${gitea.port}`];
    const id = await sessionFor([lab, tea], ['gitlab', 'gitea']);
    const commit =
      'git config user.name agent; git config user.email a@b.test; echo hello > hello; git add hello; git commit -qm Greet';
    const output = await run(
      id,
      `exec 2>&1; cd /tmp
       echo "$GITLAB_HOST $GITEA_INSTANCE_URL $GITLAB_TOKEN $GITEA_TOKEN"
       curl -s https://${lab}/api/v4/projects/o%2Fr/issues/7 | jq -r .description
       curl -s -H "PRIVATE-TOKEN: $GITLAB_TOKEN" https://${lab}/api/v4/projects/o%2Fr/issues/7 | jq -r .title
       (git clone -q https://${lab}/o/r.git lab && cd lab && git switch -qc fix-7 && ${commit} &&
         git push -qu origin fix-7 -o merge_request.create -o merge_request.target=main -o merge_request.title=Hi -o merge_request.description='Closes #7')
       curl -s -H "Authorization: token $GITEA_TOKEN" https://${tea}/api/v1/repos/o/r/issues/7 | jq -r .body
       (git clone -q https://${tea}/o/r.git tea && cd tea && ${commit} &&
         git push -q origin HEAD:refs/for/main -o topic=fix-7 -o title=Hi -o description='Closes #7' &&
         git push -qu origin HEAD:fix-8 && curl -s https://${tea}/api/v1/repos/o/r/pulls -H 'content-type: application/json' \\
           -d '{"head": "fix-8", "base": "main", "title": "Ho", "body": "Closes #8"}' | jq .number)`,
    );
    expect(output).toContain(`${lab} https://${tea} cc-docker-dummy cc-docker-dummy`);
    expect(output.match(/Please add a file that greets\./g)).toHaveLength(2);
    expect(output).toMatch(/^Greet$/m);
    const asked = { head: 'fix-7', base: 'main', title: 'Hi', body: 'Closes #7' };
    expect(await gitlab.proposals()).toEqual([asked]);
    expect(await gitea.proposals()).toEqual([asked, { head: 'fix-8', base: 'main', title: 'Ho', body: 'Closes #8' }]);
    expect([...gitlab.authorizations.api]).toEqual([`Bearer ${PASSWORD}`]);
    expect([...gitea.authorizations.api]).toEqual([`token ${PASSWORD}`]);
    expect(new Set([...gitlab.authorizations.git, ...gitea.authorizations.git])).toEqual(
      new Set(['oauth2', 'x-access-token'].map((user) => `Basic ${btoa(`${user}:${PASSWORD}`)}`)),
    );
    expect(output).not.toContain(PASSWORD);
  });

  test('git without the secret is turned away by the server itself', async () => {
    const output = await run(
      shared,
      `GIT_TERMINAL_PROMPT=0 git clone https://git.test:${git.port}/private.git 2>&1 || true`,
    );
    expect(output).toMatch(/terminal prompts disabled|Authentication failed/);
  });

  test('npm installs a package', async () => {
    const output = await run(
      shared,
      `npm install --no-audit --no-fund --registry https://registry.test:${registry.port}/ left-out 2>&1
       node -p 'require("left-out")'`,
    );
    expect(output).toContain('added 1 package');
    expect(output).toMatch(/^left out$/m);
    expect(registry.asked).toContain('/left-out/-/left-out-1.2.3.tgz');
  });

  test('curl gets what is allowed; of what is refused the agent is told why, and what to do', async () => {
    const allowed = `site.test:${sitePort}`;
    const id = await sessionFor([allowed]);
    expect(await run(id, `curl -sS http://${allowed}/here`)).toContain('the site got GET /here');

    const refused = await run(id, `curl -sS http://git.test:${git.port}/; curl -sS http://site.test/`);
    expect(refused).toContain(`cc-docker: not allowed by this session's network policy: git.test:${git.port}`);
    expect(refused).toContain(`Allowed: ${allowed}`);
    expect(refused).toContain('network.allow');
    expect(refused).toContain(`the rule ${allowed} allows port ${sitePort} alone`);
    const tunnel = `import urllib.request as u; u.urlopen("https://git.test:${git.port}/")`;
    expect(await run(id, `python3 -c '${tunnel}' 2>&1 | tail -n 1`)).toContain(
      'cc-docker: not allowed by this session',
    );
    expect(await decisions(id)).toEqual(
      expect.arrayContaining([
        `allowed ${allowed} ${allowed}`,
        expect.stringMatching(new RegExp(`^refused git.test:${git.port} `)),
        expect.stringMatching(/^refused site.test:80 /),
      ]),
    );
  });

  test('the container’s own dev server answers under each of its names and addresses, whatever the tool', async () => {
    const hosts = [
      'localhost',
      'LOCALHOST',
      'localhost.localdomain',
      'app.localhost',
      'session',
      '127.0.0.1',
      '127.1',
      '0x7f000001',
      '0.0.0.0',
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
    ];
    const names = ['localhost', 'localhost.localdomain', 'app.localhost', 'session', '127.0.0.1', '0.0.0.0'];
    const output = await run(
      shared,
      `mkdir -p /tmp/dev && cd /tmp/dev && echo 'the dev server' > index.html
       python3 -m http.server 8000 --bind 127.0.0.1 >/dev/null 2>&1 & server=$!
       until curl -sf -o /dev/null http://127.0.0.1:8000/; do sleep 0.1; done
       for host in ${hosts.join(' ')}; do url=http://$host:8000/
         echo "curl $host: $(curl -sS "$url" 2>&1)"
         echo "tunnel $host: $(curl -sS --noproxy '' --proxytunnel "$url" 2>&1)"
       done
       node -e '${BY_FETCH}' ${hosts.join(' ')} 2>&1
       python3 -c '${BY_URLLIB}' ${hosts.join(' ')} 2>&1
       python3 -c '${BY_SOCKET}' ${names.join(' ')} 2>&1
       echo "nobody: $(curl -sS http://[::1]:8001/ 2>&1)"
       echo "unknown: $(getent hosts nosuch.test || echo none)"
       kill $server`,
    );
    const answered = (tool: string) =>
      [...output.matchAll(new RegExp(`^${tool} (\\S+): the dev server$`, 'gm'))].map(([, host]) => host);
    expect({ tools: ['curl', 'tunnel', 'fetch', 'python'].map(answered), direct: answered('direct') }, output).toEqual({
      tools: [hosts, hosts, hosts, hosts],
      direct: names,
    });
    expect(output).toContain('nobody: cc-docker: nothing answers on port 8001 of this container: ');
    expect(output).toContain('unknown: none');
    expect(await decisions(shared)).not.toContainEqual(expect.stringMatching(/:800[01] /));
  });

  test('a program in Java is told of the proxy, and has a trust store of what all tools trust', async () => {
    const output = await run(
      shared,
      `echo "$JAVA_TOOL_OPTIONS"
       store=$(echo "$JAVA_TOOL_OPTIONS" | sed 's/.*trustStore=\\([^ ]*\\).*/\\1/')
       echo "in the store: $(openssl pkcs12 -in $store -nokeys -passin pass: 2>/dev/null | grep -c BEGIN)"
       echo "in the file: $(grep -c BEGIN "$SSL_CERT_FILE")"`,
    );
    expect(output).toContain('-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=3128');
    const [, store] = /^in the store: (\d+)$/m.exec(output) ?? [];
    expect(Number(store)).toBeGreaterThan(1);
    expect(output).toContain(`in the file: ${store}`);
  });

  test('nothing is allowed to a session that does not ask', async () => {
    const id = await alice.createSession();
    const output = await run(id, `curl -sS http://site.test:${sitePort}/`);
    expect(output).toContain('Allowed: nothing but the model.');
  });

  test('a database client that knows no proxy reaches its database under its own name', async () => {
    const client = path.join(import.meta.dirname, '../../support/e2e', 'database-client.py');
    await copyFile(client, service.workspace(shared, 'client.py'));
    const output = await run(
      shared,
      `python3 client.py db.test ${database.port} 'select 6 * 7' 2>&1; python3 client.py site.test ${sitePort} no 2>&1`,
    );
    expect(output).toContain('rows: 42');
    expect(output).toMatch(/socket.gaierror/);
    expect(database.queries).toEqual(['select 6 * 7']);
    expect(await decisions(shared)).toContain(`allowed db.test:${database.port} db.test:${database.port}`);
  });
});
