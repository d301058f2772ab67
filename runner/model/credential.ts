import * as z from 'zod';

/** A variable that is unset, or set to nothing (as Compose does), is absent. It must fit into an HTTP header. */
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

/** What the model's API is paid with. Never logged, never in a container. */
export type ModelCredential = { kind: CredentialKind; value: string };

/**
 * The credential that an environment holds. With more than one set: the OAuth token, then the auth token, then
 * the API key. The first is Claude Code's own choice; of the other two it would send both, and an API takes one.
 */
export function modelCredential(env: CredentialEnvironment): ModelCredential | undefined {
  if (env.CLAUDE_CODE_OAUTH_TOKEN !== undefined) return { kind: 'oauth_token', value: env.CLAUDE_CODE_OAUTH_TOKEN };
  if (env.ANTHROPIC_AUTH_TOKEN !== undefined) return { kind: 'auth_token', value: env.ANTHROPIC_AUTH_TOKEN };
  if (env.ANTHROPIC_API_KEY !== undefined) return { kind: 'api_key', value: env.ANTHROPIC_API_KEY };
  return undefined;
}

/** The header that carries a credential to the API. For OAuth, Claude Code itself adds the beta header it needs. */
export function credentialHeader(credential: ModelCredential): Record<string, string> {
  return credential.kind === 'api_key'
    ? { 'x-api-key': credential.value }
    : { authorization: `Bearer ${credential.value}` };
}

const DUMMIES: Record<CredentialKind, Record<string, string>> = {
  api_key: { ANTHROPIC_API_KEY: 'sk-ant-api03-dummy-the-runner-holds-the-real-one' },
  auth_token: { ANTHROPIC_AUTH_TOKEN: 'dummy-the-runner-holds-the-real-one' },
  oauth_token: { CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-dummy-the-runner-holds-the-real-one' },
};

/**
 * A worthless credential of the given kind, as environment for the container. The kind must be the real one's:
 * Claude Code chooses headers, default model and rate-limit handling by it.
 */
export function dummyCredentialEnv(kind: CredentialKind): Record<string, string> {
  return DUMMIES[kind];
}
