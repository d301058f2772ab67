import * as z from 'zod';

/** An empty variable counts as unset, because Compose sets empty ones. The value must fit into an HTTP header. */
const secret = z
  .string()
  .trim()
  .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without spaces, as the console shows it')
  .transform((value) => (value === '' ? undefined : value))
  .optional();

/** The part of the runner's environment that holds the model's credential. */
export const credentialEnvironment = z.object({
  CLAUDE_CODE_OAUTH_TOKEN: secret,
  ANTHROPIC_AUTH_TOKEN: secret,
  ANTHROPIC_API_KEY: secret,
});
export type CredentialEnvironment = z.infer<typeof credentialEnvironment>;

export type CredentialKind = 'api_key' | 'auth_token' | 'oauth_token';

/** The credential for the model's API. Never logged, never in a container. */
export type ModelCredential = { kind: CredentialKind; value: string };

/**
 * The credential in an environment. If several are set: the OAuth token, else the auth token, else the API key. Claude
 * Code prefers the OAuth token too. It would send both others, but an API takes only one.
 */
export function modelCredential(env: CredentialEnvironment): ModelCredential | undefined {
  if (env.CLAUDE_CODE_OAUTH_TOKEN !== undefined) return { kind: 'oauth_token', value: env.CLAUDE_CODE_OAUTH_TOKEN };
  if (env.ANTHROPIC_AUTH_TOKEN !== undefined) return { kind: 'auth_token', value: env.ANTHROPIC_AUTH_TOKEN };
  if (env.ANTHROPIC_API_KEY !== undefined) return { kind: 'api_key', value: env.ANTHROPIC_API_KEY };
  return undefined;
}

/** The header that carries a credential to the API. Claude Code itself adds the beta header that OAuth needs. */
export function credentialHeader(credential: ModelCredential): Record<string, string> {
  return credential.kind === 'api_key'
    ? { 'x-api-key': credential.value }
    : { authorization: `Bearer ${credential.value}` };
}

const DUMMY_ENV: Record<CredentialKind, Record<string, string>> = {
  api_key: { ANTHROPIC_API_KEY: 'sk-ant-api03-dummy-the-runner-holds-the-real-one' },
  auth_token: { ANTHROPIC_AUTH_TOKEN: 'dummy-the-runner-holds-the-real-one' },
  oauth_token: { CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-dummy-the-runner-holds-the-real-one' },
};

/**
 * A dummy credential for the container's environment. Its kind must be the kind of the real credential: Claude Code
 * chooses headers, default model and rate-limit handling by it.
 */
export function dummyCredentialEnv(kind: CredentialKind): Record<string, string> {
  return DUMMY_ENV[kind];
}
