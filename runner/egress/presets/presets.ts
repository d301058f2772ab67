import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { presetName } from '../../../protocol/api/session/session-config.ts';
import type { Presets } from '../policy/policy.ts';
import { parseRule, type Rule } from '../policy/rule.ts';

export const SHIPPED_PRESETS = path.join(import.meta.dirname, 'presets.json');
/** The runner finds this preset's rules on its machine (package-sources.ts), unless the operator's file has them. */
export const PACKAGES_PRESET = 'packages';

const rule = z.string().transform((text, context): Rule => {
  const parsed = parseRule(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is no rule such as host, *.host or host:port` });
  return z.NEVER;
});
const presetFile = z.record(presetName, z.array(rule));

/** Reads a preset file, `{ "name": ["rule", …] }`. @throws Error; its message is one line that says what is wrong */
export function readPresets(file: string): Presets {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is not JSON' : `cannot be read: ${messageCode(error)}`;
    throw new Error(`${file} ${why}`, { cause: error });
  }
  const parsed = presetFile.safeParse(json);
  if (parsed.success) return new Map(Object.entries(parsed.data));
  const [issue] = parsed.error.issues;
  throw new Error(`${file}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'does not fit'}`);
}

/** Adds the preset `packages`, unless the operator's file has it or no rule was found. */
export function withPackages(presets: Presets, packages: readonly Rule[]): Presets {
  if (presets.has(PACKAGES_PRESET) || packages.length === 0) return presets;
  return new Map([...presets, [PACKAGES_PRESET, packages]]);
}

function messageCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
