import { verb } from '../../lib/verb.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { serviceUrl } from '../../context/connection.ts';
import { readContexts, writeContexts, type Context } from '../../context/contexts.ts';
import { localServiceUrl, projectFolder, serviceEnvironment } from '../../lib/project.ts';
import { readStdin } from '../../lib/read-stdin.ts';
import { claimsOf, exchangeCode, localCode, tryToken } from './login-code.ts';

/** `cc-docker login`. */
export function login(cli: Cli) {
  return verb('login', 'log in to a service and keep its token: without a code, to the one on this machine')
    .argument('[url]', 'of the service; it may have the code after #code=')
    .option('--code <code>', 'that the service prints when it starts')
    .option('--token <token>', 'a token in place of a code; `-`: it is on stdin')
    .option('--name <name>', 'what to call the service (default: its host and port)')
    .option('--sub <name>', 'on this machine: who you are', 'local')
    .option('--scope <scopes>', 'on this machine: what the token may do, such as "sessions:read admin"')
    .action(async (given, options) => {
      const project = projectFolder();
      const asked = urlOf(given ?? localServiceUrl(serviceEnvironment(project, cli.env)));
      const { url } = asked;
      const code = options.code ?? asked.code;
      const name = options.name ?? options.context ?? nameOf(url);
      const found =
        options.token === undefined
          ? await exchangeCode(cli, url, code ?? (await localCode(cli, url, options)))
          : await givenToken(cli, url, options.token);
      const { contexts } = readContexts(cli.env);
      writeContexts(cli.env, { current: name, contexts: { ...contexts, [name]: found } });
      const { sub, expires_at } = found;
      if (options.json === true) return printJson(cli, { context: name, url, sub, expires_at });
      const until = expires_at === undefined ? '' : ` until ${expires_at.slice(0, 10)}`;
      cli.out.line(
        `logged in to ${url}${sub === undefined ? '' : ` as ${sub}`}${until}; the context is called ${name}`,
      );
    });
}

/** A service's URL, and the code that a link to it carries. */
export function urlOf(text: string): { readonly url: string; readonly code: string | undefined } {
  const url = new URL(serviceUrl(text));
  const code = new URLSearchParams(url.hash.slice(1)).get('code') ?? undefined;
  url.hash = '';
  url.search = '';
  return { url: serviceUrl(url.href), code };
}

/** What a service is called for which no name is given. */
function nameOf(url: string): string {
  const { hostname, host } = new URL(url);
  return ['127.0.0.1', 'localhost', '[::1]'].includes(hostname) && host.endsWith(':8000') ? 'local' : host;
}

async function givenToken(cli: Cli, url: string, token: string): Promise<Context> {
  const read = token === '-' ? (await readStdin(cli)).trim() : token;
  await tryToken(cli, url, read);
  return { url, token: read, ...claimsOf(read) };
}
