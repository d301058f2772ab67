import * as z from 'zod';

const SESSION_RULE = 'must be a whole number of seconds from 300 to 2592000';

/** The sign-in of people in a browser with a provider of OpenID Connect, whose issuer is `JWT_ISSUER`. */
export const oidcSettings = z.object({
  /** What this service is called at the provider; absent: nobody signs in there. */
  OIDC_CLIENT_ID: z.string().min(1).optional(),
  /** Absent: the provider takes us without (a public client: PKCE alone). */
  OIDC_CLIENT_SECRET: z.string().min(1).optional(),
  /** What the provider is asked for: words with spaces between. */
  OIDC_SCOPE: z
    .string()
    .regex(/(^|\s)openid(\s|$)/, 'must have the word openid')
    .default('openid profile email'),
  /** How long somebody is signed in then, seconds. The provider is not asked again before that. */
  OIDC_SESSION: z.coerce
    .number(SESSION_RULE)
    .int(SESSION_RULE)
    .min(300, SESSION_RULE)
    .max(2_592_000, SESSION_RULE)
    .default(43_200),
});

type Checked = z.infer<typeof oidcSettings> & {
  readonly JWT_ISSUER?: string | undefined;
  readonly JWT_JWKS_URL?: string | undefined;
};

/** Refuses a client of a provider that is not named. */
export function issuerWithClient({ value, issues }: z.core.ParsePayload<Checked>): void {
  if (value.OIDC_CLIENT_ID === undefined) return;
  for (const name of ['JWT_ISSUER', 'JWT_JWKS_URL'] as const)
    if (value[name] === undefined)
      issues.push({
        code: 'custom',
        input: undefined,
        path: [name],
        message: 'must be set, because OIDC_CLIENT_ID is',
      });
  if (value.JWT_ISSUER !== undefined && !/^https?:$/.test(URL.parse(value.JWT_ISSUER)?.protocol ?? ''))
    issues.push({
      code: 'custom',
      input: undefined,
      path: ['JWT_ISSUER'],
      message: 'must be the http:// or https:// URL of the provider, because OIDC_CLIENT_ID is set',
    });
}
