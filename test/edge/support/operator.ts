import { onTestFinished, vi } from 'vitest';
import { edgeSettings, type EdgeSettings } from '../../../protocol/settings/edge-settings.ts';

/** The operator has set these. Objects that begin within the test have them. */
export function operatorSets(change: Partial<EdgeSettings>): void {
  const parse = edgeSettings.parse.bind(edgeSettings);
  const spy = vi.spyOn(edgeSettings, 'parse').mockImplementation((env) => ({ ...parse(env), ...change }));
  onTestFinished(() => spy.mockRestore());
}
