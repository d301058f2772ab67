import * as z from 'zod';

/** How many variables a session may set, and how long all their names and values may be together, UTF-8 bytes. */
const ENV_NAMES = 128;
const ENV_BYTES = 64 * 1024;

/** By these the agent's processes find the model, the proxy, their trusted authorities and their folders, and Claude Code its settings. */
const RESERVED: ReadonlySet<string> = new Set([
  'ALL_PROXY',
  'API_FORCE_IDLE_TIMEOUT',
  'API_TIMEOUT_MS',
  'APT_CONFIG',
  'AWS_CA_BUNDLE',
  'CARGO_HTTP_CAINFO',
  'CURL_CA_BUNDLE',
  'DENO_CERT',
  'FTP_PROXY',
  'GIT_SSL_CAINFO',
  'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
  'HEX_CACERTS_PATH',
  'HOME',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'LOGNAME',
  'NODE_EXTRA_CA_CERTS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_USE_ENV_PROXY',
  'NO_PROXY',
  'NPM_CONFIG_CAFILE',
  'NPM_CONFIG_HTTPS_PROXY',
  'NPM_CONFIG_PROXY',
  'PATH',
  'PERL_LWP_SSL_CA_FILE',
  'PIP_CERT',
  'PIP_PROXY',
  'REQUESTS_CA_BUNDLE',
  'RSYNC_PROXY',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'TMPDIR',
  'USER',
  'YARN_HTTPS_PROXY',
  'YARN_HTTP_PROXY',
]);

/** What Claude Code, its runtime, the loader of programs and CC-Docker read. */
const RESERVED_PREFIXES = ['ANTHROPIC_', 'BUN_', 'CC_DOCKER_', 'CLAUDE', 'DISABLE_', 'LD_', 'MCP_', 'VERTEX_'];

/** Whether CC-Docker alone sets this variable. Some tools read names in lower case too. */
export function isReservedEnv(name: string): boolean {
  const upper = name.toUpperCase();
  return RESERVED.has(upper) || RESERVED_PREFIXES.some((prefix) => upper.startsWith(prefix));
}

const envName = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]{0,127}$/,
    'must be the name of a variable: letters, digits and _, at most 128, no digit first',
  )
  .refine(
    (name) => !isReservedEnv(name),
    'is a variable that CC-Docker sets itself, because the container’s seal or Claude Code relies on it',
  );

const bytesOf = (env: Readonly<Record<string, string>>): number => {
  const encoder = new TextEncoder();
  return Object.entries(env).reduce(
    (all, [name, value]) => all + encoder.encode(name).length + encoder.encode(value).length,
    0,
  );
};

/** Variables for the agent's processes. They are no place for secrets: whoever sees the session sees them. */
export const agentEnv = z
  .record(
    envName,
    z
      .string()
      .max(ENV_BYTES)
      .refine((value) => !value.includes('\0'), 'must hold no NUL character'),
  )
  .refine((env) => Object.keys(env).length <= ENV_NAMES, `must be at most ${ENV_NAMES} variables`)
  .refine((env) => bytesOf(env) <= ENV_BYTES, `must be at most ${ENV_BYTES} bytes, names and values together`);
