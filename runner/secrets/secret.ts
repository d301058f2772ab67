import * as z from 'zod';
import type { Rule } from '../egress/policy/rule.ts';
import { forge, FORGE_HOSTS, isForge } from './forge.ts';
import { hostRule } from './host-rule.ts';

/** Headers that route or frame a message. They cannot carry a secret. */
const STRUCTURAL =
  /^(host|connection|keep-alive|content-length|transfer-encoding|te|trailer|upgrade|expect|proxy-.*)$/i;

/** Variables that CC-Docker sets in a container, or that decide which code runs there. */
const RESERVED =
  /^(ANTHROPIC_|CLAUDE_|DISABLE_|LD_|DYLD_|GIT_SSL_|npm_config_cafile$|NODE_OPTIONS$|NODE_EXTRA_CA_CERTS$|(CURL|REQUESTS)_CA_BUNDLE$|PIP_CERT$|SSL_CERT_|(HTTPS?|NO|ALL)_PROXY$|(PATH|HOME|TMPDIR|LANG|SHELL)$)/i;

const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, 'must be the name of a header')
  .refine((name) => !STRUCTURAL.test(name), 'must be a header that can carry a credential');

const username = z
  .string()
  .max(256)
  .regex(/^[^:\p{Cc}]*$/u, 'must have no colon and no control characters');

/** How a secret is sent in a request. */
const wireForm = z.union(
  [
    z.enum(['bearer', 'git']),
    forge,
    z.strictObject({ header: headerName }),
    z.strictObject({ basic: z.strictObject({ username }) }),
    z.strictObject({ git: z.strictObject({ username }) }),
  ],
  {
    error:
      'must be "bearer", "git", "github", "gitlab", "gitea", {"header": "X-Api-Key"}, {"basic": {"username": "…"}} or {"git": {"username": "…"}}',
  },
);
export type WireForm = z.infer<typeof wireForm>;

/** A secret's definition, as the operator writes it in a variable or a file. */
export const secretSource = z
  .strictObject({
    value: z.string().optional(),
    /** A file that holds the value. */
    file: z.string().min(1).optional(),
    hosts: z.array(hostRule).min(1, 'must name at least one host').max(64).optional(),
    as: wireForm.optional(),
    /** Allows sending it over HTTP without TLS, where everyone on the network path can read it. */
    http: z.boolean().optional(),
    /** Allows putting it into containers, in this variable. */
    expose: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be the name of an environment variable')
      .refine((name) => !RESERVED.test(name), 'must not be a variable that CC-Docker or the system gives a meaning')
      .optional(),
  })
  .superRefine((source, context) => {
    const wrong = (message: string): void => context.addIssue({ code: 'custom', message });
    if ((source.value === undefined) === (source.file === undefined)) wrong('must have either "value" or "file"');
    if (source.expose === undefined) {
      if (source.hosts === undefined && (!isForge(source.as) || FORGE_HOSTS[source.as].length === 0))
        wrong('must have "hosts": where it may be sent (or "expose")');
      if (isForge(source.as) && source.http === true) wrong('is for a forge, so it takes no "http": a forge has TLS');
      if (source.as === undefined) wrong('must have "as": how it is sent (or "expose")');
    } else if (source.hosts !== undefined || source.as !== undefined || source.http !== undefined) {
      wrong('has "expose", so it takes no "hosts", "as" or "http": it goes into the container instead');
    }
  });
export type SecretSource = z.infer<typeof secretSource>;

interface NamedSecret {
  /** Lower case. */
  name: string;
  /** Returns the value. It is a function, so that neither JSON nor `inspect` shows the value. */
  reveal(): string;
}

/** The runner adds it to requests. */
export interface WireSecret extends NamedSecret {
  kind: 'wire';
  hosts: Rule[];
  as: WireForm;
  http: boolean;
}

/** The operator allows it in containers. */
interface ExposedSecret extends NamedSecret {
  kind: 'exposed';
  variable: string;
}

export type Secret = WireSecret | ExposedSecret;

/** Makes a secret, or says what is wrong with its value; the text never holds the value. */
export function makeSecret(
  name: string,
  source: SecretSource,
  value: string,
): { ok: true; secret: Secret } | { ok: false; problem: string } {
  if (value === '') return { ok: false, problem: 'has an empty value' };
  const reveal = (): string => value;
  if (source.expose !== undefined) {
    if (value.includes('\0')) return { ok: false, problem: 'has a NUL in its value' };
    return { ok: true, secret: { kind: 'exposed', name, variable: source.expose, reveal } };
  }
  const { as, http = false } = source;
  const hosts = source.hosts ?? (isForge(as) ? FORGE_HOSTS[as].map((host) => hostRule.parse(host)) : undefined);
  if (as === undefined || hosts === undefined) throw new Error('a secret that is not exposed has "as" and "hosts"');
  const problem = valueProblem(as, value);
  if (problem !== undefined) return { ok: false, problem };
  return { ok: true, secret: { kind: 'wire', name, as, hosts, http, reveal } };
}

function valueProblem(as: WireForm, value: string): string | undefined {
  if (as === 'bearer' || isForge(as)) {
    if (/^[\x21-\x7e]+$/.test(value)) return undefined;
    return 'has a value that does not fit into "Authorization": it must be printable ASCII without spaces';
  }
  if (typeof as === 'object' && 'header' in as) {
    if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value)) return undefined;
    return 'has a value that does not fit into a header: it must be printable ASCII, with no space at either end';
  }
  // For Basic, whose encoding takes anything.
  return /\p{Cc}/u.test(value) ? 'has control characters in its value' : undefined;
}
