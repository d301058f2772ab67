import type { Terminal } from '../cli/output/terminal.ts';
import type { LoginWays } from './settings/login-code.ts';

export interface BannerFacts {
  version: string;
  url: string;
  backend: { name: 'docker'; image: string | undefined } | { name: 'process' };
  model: { demo: boolean; description: string };
  /** The shown path of the development secret, when that signs the tokens. */
  developmentSecret: string | undefined;
  data: string;
  login: LoginWays;
  /** The address that it listens on, when other machines can reach it. */
  exposed: string | undefined;
}

/** The text that `npm start` prints once it serves. */
export function banner(facts: BannerFacts, { style }: Pick<Terminal, 'style'>): string {
  const { url, backend, model, developmentSecret } = facts;
  const loud = (text: string) => style(['bold', 'yellow'], text);
  const rows = [
    [
      'backend',
      backend.name === 'docker'
        ? `docker${backend.image === undefined ? '' : ` (${backend.image})`}`
        : loud('process: NO ISOLATION. The agent runs as you, on your files, with your network.'),
    ],
    ...(backend.name === 'process' ? [['', 'Start Docker and run `npm start` again to give it a container.']] : []),
    ['model', model.demo ? loud('DEMO: scripted answers, no real model.') : model.description],
    ...(model.demo
      ? [['', 'Set ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN or CLAUDE_CODE_OAUTH_TOKEN in .env, and start again.']]
      : []),
    ['data', facts.data],
    ...(developmentSecret === undefined
      ? []
      : [['secret', `JWT_SECRET is not set: tokens are signed with a development secret, in ${developmentSecret}`]]),
    ...(facts.exposed === undefined
      ? []
      : [['network', loud(`HOST ${facts.exposed}: reachable from other machines, without TLS.`)]]),
  ];
  return [
    `${style('bold', `CC-Docker ${facts.version}`)} serves on ${style(['bold', 'cyan'], url)}`,
    '',
    `  ${style('dim', 'open'.padEnd(9))}${style(['bold', 'cyan'], facts.login.open)}`,
    `           ${style('dim', 'the console, in a browser: the link is good for 10 minutes, once')}`,
    ...rows.map(([name = '', text = '']) => `  ${style('dim', name.padEnd(9))}${text}`),
    '',
    `  ${style('dim', 'docs'.padEnd(9))}${url}/docs, README.md`,
    `  ${style('dim', 'login'.padEnd(9))}npx cc-docker login    (from elsewhere, within 10 minutes, once:)`,
    `           ${facts.login.command}`,
    `  ${style('dim', 'try'.padEnd(9))}TOKEN=$(npm run --silent token -- --sub me)`,
    `           curl -X POST ${url}/api/v1/sessions -H "Authorization: Bearer $TOKEN" \\`,
    `             -H 'Content-Type: application/json' -d '{}'`,
    '',
  ].join('\n');
}
