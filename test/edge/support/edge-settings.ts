import { onTestFinished, vi } from 'vitest';
import { edgeSettings } from '../../../protocol/settings/edge-settings.ts';

/** Objects that begin during this test have these settings. (All of them share this process, and with it this module.) */
export function useSettings(settings: Readonly<Record<string, string>>): void {
  const parse = edgeSettings.parse.bind(edgeSettings);
  const spy = vi.spyOn(edgeSettings, 'parse');
  spy.mockImplementation((env, ...rest) => parse({ ...(env as object), ...settings }, ...rest));
  onTestFinished(() => spy.mockRestore());
}
