import path from 'node:path';
import * as z from 'zod';
import { presetName, type NetworkConfig } from '../../../protocol/api/session/session-config.ts';
import { messageOf } from '../../lib/log.ts';
import { parsePrivateGrant, type PrivateGrant } from './address.ts';
import type { Presets } from './policy.ts';
import { PACKAGES_PRESET, readPresets, SHIPPED_PRESETS } from '../presets/presets.ts';
import { parseRule } from './rule.ts';

/** `none`, or a comma-separated list of rules and `preset:NAME`. */
const network = z.string().transform((text, context): NetworkConfig => {
  const config: NetworkConfig = { allow: [], presets: [] };
  if (text.trim() === 'none') return config;
  for (const part of text.split(',')) {
    const item = part.trim();
    const preset = item.startsWith('preset:') ? item.slice('preset:'.length) : undefined;
    if (preset !== undefined && presetName.safeParse(preset).success) config.presets.push(preset);
    else if (preset === undefined && parseRule(item) !== undefined) config.allow.push(item);
    else {
      const like =
        'must be "none", or rules with commas between, such as github.com,*.example.org,db.example.com:5432,preset:packages';
      context.addIssue({ code: 'custom', message: `${like}; ${JSON.stringify(item)} is none` });
      return z.NEVER;
    }
  }
  return config;
});

const grants = z.string().transform((text, context): PrivateGrant[] => {
  const found: PrivateGrant[] = [];
  for (const part of text.split(',')) {
    const grant = parsePrivateGrant(part);
    if (grant === undefined) {
      const like =
        'must be addresses or CIDR ranges with commas between, such as 10.1.2.3:5432,10.8.0.0/16,[fd00::1]:443';
      context.addIssue({ code: 'custom', message: `${like}; ${JSON.stringify(part.trim())} is none` });
      return z.NEVER;
    }
    found.push(grant);
  }
  return found;
});

const presets = z
  .string()
  .optional()
  .transform((file, context): Presets => {
    const shipped = readPresets(SHIPPED_PRESETS);
    if (file === undefined) return shipped;
    try {
      return new Map([...shipped, ...readPresets(path.resolve(file))]);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
      return z.NEVER;
    }
  });

/** Fields for the runner's environment schema. */
export const egressEnvironment = {
  /** The most that any session may reach. `*:*`: any public address. */
  EGRESS_ALLOW: network.default({ allow: ['*:*'], presets: [] }),
  /** For a session whose config has no network section. */
  EGRESS_DEFAULT: network.default({ allow: [], presets: [] }),
  EGRESS_ALLOW_PRIVATE: grants.default([]),
  /** A file of the operator's own presets. They extend the shipped ones, or replace those of the same name. */
  EGRESS_PRESETS: presets,
  /** The proxy that the runner has to use (`HTTPS_PROXY`) resolves the names of containers' targets. */
  EGRESS_PROXY_NAMES: z
    .enum(['true', 'false'], 'must be true or false')
    .default('false')
    .transform((text) => text === 'true'),
};

const environment = z.object(egressEnvironment);
type EgressEnvironment = z.infer<typeof environment>;

export interface EgressSettings {
  ceiling: NetworkConfig;
  fallback: NetworkConfig;
  private: readonly PrivateGrant[];
  /** From the preset files. `packages` is not among them: it is found on the machine. */
  presets: Presets;
  proxyNames: boolean;
}

/** The parsed `EGRESS_*` variables, as the runner's settings hold them. */
export function egressSettings(env: EgressEnvironment): EgressSettings {
  return {
    ceiling: env.EGRESS_ALLOW,
    fallback: env.EGRESS_DEFAULT,
    private: env.EGRESS_ALLOW_PRIVATE,
    presets: env.EGRESS_PRESETS,
    proxyNames: env.EGRESS_PROXY_NAMES,
  };
}

/** Presets that the operator's lists name but no file has, and rules that look like presets. For `superRefine`. */
export function unknownPresets(env: EgressEnvironment): { variable: string; message: string }[] {
  return (['EGRESS_ALLOW', 'EGRESS_DEFAULT'] as const).flatMap((variable) => {
    const { presets: named, allow } = env[variable];
    const missing = named.filter((name) => name !== PACKAGES_PRESET && !env.EGRESS_PRESETS.has(name));
    const bare = allow.filter((rule) => rule === PACKAGES_PRESET || env.EGRESS_PRESETS.has(rule));
    return [
      ...missing.map((name) => ({ variable, message: `names the preset "${name}", which no preset file has` })),
      ...bare.map((name) => ({ variable, message: `has the rule ${name}: for the preset write preset:${name}` })),
    ];
  });
}
