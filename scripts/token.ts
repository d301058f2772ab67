import { parseArgs } from 'node:util';
import { poolName } from '../protocol/settings/pools-setting.ts';
import { loginCodeClaims, runnerClaims, SCOPES, serviceClaims, userClaims, wordsOfScope } from '../protocol/token.ts';
import { flagFault } from '../start/settings/arguments.ts';
import { expectedClaims, mintToken, parseDuration, type TokenRequest } from '../start/settings/mint-token.ts';
import { isRefused, type Refused } from '../start/lib/refused.ts';
import { findSecret } from '../start/settings/secret.ts';
import { loadEnvironment, parseSettings, type Settings } from '../start/settings/settings.ts';

const HELP = `npm run --silent token -- --sub NAME [options]

Prints a JWT, signed with JWT_SECRET or with the development secret that \`npm start\` made.
A runner's is a code: set as RUNNER_TOKEN, the runner enrols with it, once.
A login's is a code: \`cc-docker login URL --code CODE\` gets a token of 30 days for it, once.
A service's is for an edge elsewhere (docs/deploy.md): set as EDGE_SERVICE_TOKEN, it speaks for any owner.

  --sub NAME     who it is: owns what is made with it (a runner's or a service's: its name)
  --ttl TIME     how long it is good for: 90s, 30m, 12h, 7d (default 12h; a runner's: 1h; a login's: 10m;
                 a service's: 90d)
  --scope TEXT   what it may do, words with spaces between: ${SCOPES.slice(0, 4).join(' ')}
                 ${SCOPES.slice(4).join(' ')} (default: all but admin)
  --sid UUID     bound to that session and those below it: nothing else is there for it
  --name TEXT, --email TEXT
                 who the commits of its sessions are by (default: NAME <NAME@cc-docker>)
  --pool NAME    the pool that a runner is in (default: default)
  --kind KIND    user, login, runner or service (default user)
  --help         this text`;

const DEFAULT_TTL = { user: '12h', login: '10m', runner: '1h', service: '90d' };
const CLAIMS = { user: userClaims, login: loginCodeClaims, runner: runnerClaims, service: serviceClaims };

const isKind = (text: string): text is TokenRequest['kind'] => Object.hasOwn(CLAIMS, text);

/** Whether what is made is a user's token, or becomes one. */
const isUsers = (kind: TokenRequest['kind']) => kind === 'user' || kind === 'login';

type Command = { run: 'help' } | { run: 'mint'; request: TokenRequest };

function parseCommand(): Command | Refused {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        sub: { type: 'string' },
        ttl: { type: 'string' },
        scope: { type: 'string' },
        sid: { type: 'string' },
        name: { type: 'string' },
        email: { type: 'string' },
        pool: { type: 'string' },
        kind: { type: 'string', default: 'user' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    return { refused: flagFault(error) };
  }
  if (values.help) return { run: 'help' };

  const { kind, sub, scope, sid, name, email, pool } = values;
  if (!isKind(kind)) return { refused: '--kind must be user, login, runner or service' };
  if (sub === undefined) return { refused: '--sub NAME is missing: whose token is it?' };
  if (!CLAIMS[kind].shape.sub.safeParse(sub).success) {
    const allowed = isUsers(kind) ? '1 to 256 characters' : '1 to 64 of A-Z a-z 0-9 . _ -';
    return { refused: `--sub of a ${kind} must be ${allowed}` };
  }
  const ttl = parseDuration(values.ttl ?? DEFAULT_TTL[kind]);
  if (isRefused(ttl)) return ttl;
  for (const [option, value] of Object.entries({ scope, sid, name, email }))
    if (value !== undefined && !(isUsers(kind) && (option !== 'sid' || kind === 'user')))
      return { refused: `--${option} is for a user’s token, not for a ${kind}’s` };
  if (pool !== undefined && kind !== 'runner') return { refused: `--pool is for a runner’s code, not for a ${kind}’s` };
  if (!poolName.optional().safeParse(pool).success)
    return { refused: '--pool must be at most 32 lower-case letters, digits and -' };
  if (!userClaims.shape.sid.safeParse(sid).success) return { refused: '--sid must be the id of a session, a UUID' };
  const { scopes, unknown } = wordsOfScope(scope ?? '');
  if (unknown.length > 0)
    return { refused: `--scope has ${unknown.join(', ')}, which is none of ${SCOPES.join(', ')}` };
  if (scope !== undefined && scopes.length === 0) return { refused: '--scope names nothing that the token may do' };
  const request: TokenRequest = { kind, sub, ttlSeconds: ttl.seconds, ...(pool !== undefined && { pool }) };
  const bounds = { ...(scope !== undefined && { scope }), ...(sid !== undefined && { sid }) };
  const author = { ...(name !== undefined && { name }), ...(email !== undefined && { email }) };
  return { run: 'mint', request: { ...request, ...bounds, ...author } };
}

function expected(kind: TokenRequest['kind'], settings: Settings) {
  return kind === 'user' ? expectedClaims(settings) : {};
}

async function token(): Promise<string | Refused> {
  const command = parseCommand();
  if (isRefused(command)) return { refused: `${command.refused} (--help shows how)` };
  if (command.run === 'help') return HELP;
  const env = loadEnvironment();
  if (isRefused(env)) return env;
  const settings = parseSettings(env);
  if (isRefused(settings)) return settings;
  const secret = findSecret(settings);
  return isRefused(secret)
    ? secret
    : await mintToken(secret.value, { ...expected(command.request.kind, settings), ...command.request });
}

const answer = await token();
if (typeof answer === 'string') console.log(answer);
else {
  console.error(answer.refused);
  process.exitCode = 1;
}
