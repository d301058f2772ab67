import type { Reason } from '../../protocol/reason.ts';
import type { Secret, WireSecret } from './secret.ts';

/** A session's secrets, by how they are used. */
export interface SessionSecrets {
  /** For the interceptor, in the session's order. */
  wire: WireSecret[];
  /** Variables for the container's environment. */
  exposedEnv: Record<string, string>;
  /** Names of the secrets in `exposedEnv`. */
  exposedNames: string[];
}

/**
 * Finds the secrets that a session names, in upper or lower case, or says which one it cannot have. The reason never names
 * other secrets of the runner.
 */
export function sessionSecrets(
  names: readonly string[],
  secrets: ReadonlyMap<string, Secret>,
): ({ ok: true } & SessionSecrets) | { ok: false; reason: Reason } {
  const result: SessionSecrets = { wire: [], exposedEnv: {}, exposedNames: [] };
  const exposedAs = new Map<string, string>();
  for (const name of new Set(names.map((name) => name.toLowerCase()))) {
    const secret = secrets.get(name);
    if (secret === undefined)
      return missing(
        `The runner has no secret named "${name}". Its operator can add one and restart the runner (docs/secrets.md); else leave it out of config.secrets.`,
      );
    if (secret.kind === 'wire') {
      result.wire.push(secret);
      continue;
    }
    const other = exposedAs.get(secret.variable);
    if (other !== undefined)
      return missing(`The secrets "${other}" and "${name}" are both exposed as ${secret.variable}: name one of them.`);
    exposedAs.set(secret.variable, name);
    result.exposedEnv[secret.variable] = secret.reveal();
    result.exposedNames.push(name);
  }
  return { ok: true, ...result };
}

function missing(detail: string): { ok: false; reason: Reason } {
  return { ok: false, reason: { code: 'secret_missing', detail } };
}
