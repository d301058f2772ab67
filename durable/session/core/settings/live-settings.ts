import type { SessionSettings } from '../../../../protocol/api/session/session.ts';
import type { PermissionMode, SessionConfig } from '../../../../protocol/api/session/session-config.ts';
import type { SessionIdentity } from '../identity.ts';
import type { ReportedSettings } from './reported-settings.ts';

/** Permission modes, from the narrowest to the widest. */
const MODES = ['plan', 'ask', 'accept_edits', 'bypass'] as const satisfies readonly PermissionMode[];

/** Whether `mode` lets the agent do more, without asking, than `than` does. */
export function isWider(mode: PermissionMode, than: PermissionMode): boolean {
  return MODES.indexOf(mode) > MODES.indexOf(than);
}

/** `mode`, and the narrower ones. */
export function modesWithin(mode: PermissionMode): readonly PermissionMode[] {
  return MODES.filter((each) => !isWider(each, mode));
}

/** A setting that a running `claude` takes. */
export type ClaudeSetting = 'model' | 'permission_mode';

/** A change that the present `claude` was sent and has not answered. */
type Unanswered =
  | { readonly setting: 'model'; readonly before: string | null }
  | { readonly setting: 'permission_mode'; readonly before: PermissionMode | null };

/** The settings that change while a session lives. Null: as it was created. */
export interface LiveSettings {
  readonly model: string | null;
  readonly permission_mode: PermissionMode | null;
  readonly title: string | null;
  /** The mode that this epoch's `claude` is started in: it decides which tools it has, and so where it can go from there. */
  readonly started_mode: PermissionMode;
  /**
   * The widest mode that the container's word is taken for: what the owner has set, or more, once a person has allowed the
   * agent something. A container that claims more is not believed: its claim would hold for the next one too.
   */
  readonly granted_mode: PermissionMode;
  /** The oldest first. What `claude` says of a setting before it has answered is older than the change. */
  readonly unanswered: readonly Unanswered[];
}

export function beginSettings({ permission_mode }: SessionConfig): LiveSettings {
  return {
    model: null,
    permission_mode: null,
    title: null,
    started_mode: permission_mode,
    granted_mode: permission_mode,
    unanswered: [],
  };
}

/** The settings as they are now. */
export function settingsOf({ request, spawn }: SessionIdentity, live: LiveSettings): SessionSettings {
  return {
    model: live.model ?? request.config.model ?? null,
    permission_mode: live.permission_mode ?? request.config.permission_mode,
    title: live.title ?? spawn?.title ?? null,
  };
}

/** The session's configuration as it is now: what its children inherit, and what its next container is started with. */
export function presentConfig(identity: SessionIdentity, live: LiveSettings): SessionConfig {
  const { model, permission_mode } = settingsOf(identity, live);
  return { ...identity.request.config, ...(model === null ? {} : { model }), permission_mode };
}

/** A new `claude` is started, with the settings as they are now. */
export function started(identity: SessionIdentity, live: LiveSettings): LiveSettings {
  const { permission_mode } = settingsOf(identity, live);
  return { ...live, started_mode: permission_mode, granted_mode: permission_mode, unanswered: [] };
}

/**
 * Whether a `claude` that was started in one mode can go to another as it runs. Started in `bypass`, it has no tools to make a
 * plan with, and with a list of tools it has no others that it could ask for. Started in another mode, it was not allowed to
 * bypass.
 */
export function canSwitch(from: PermissionMode, to: PermissionMode, { allowed_tools }: SessionConfig): boolean {
  if (from === to) return true;
  if (from !== 'bypass') return to !== 'bypass';
  return to !== 'plan' && allowed_tools.includes('*');
}

/** The owner sets a mode. */
export function withMode(live: LiveSettings, permission_mode: PermissionMode): LiveSettings {
  return { ...live, permission_mode, granted_mode: permission_mode };
}

/** A person has allowed the agent something: with a plan, or with a rule for the session, the mode may become wider. */
export function withAllowance(live: LiveSettings): LiveSettings {
  return isWider('accept_edits', live.granted_mode) ? { ...live, granted_mode: 'accept_edits' } : live;
}

/** The present `claude` was sent a change of what `live` holds. */
export function sent(live: LiveSettings, setting: ClaudeSetting): LiveSettings {
  const change: Unanswered =
    setting === 'model' ? { setting, before: live.model } : { setting, before: live.permission_mode };
  return { ...live, unanswered: [...live.unanswered, change] };
}

/** The present `claude` answers the oldest change of this setting that waits. If it has refused it, the setting is as before. */
export function answered(live: LiveSettings, setting: ClaudeSetting, isRefused: boolean): LiveSettings {
  const at = live.unanswered.findIndex((change) => change.setting === setting);
  const change = live.unanswered[at];
  if (change === undefined) return live;
  const rest = live.unanswered.toSpliced(at, 1);
  if (!isRefused) return { ...live, unanswered: rest };
  const later = rest.findIndex((each) => each.setting === setting);
  if (later === -1) return { ...live, [setting]: change.before, unanswered: rest };
  // What was set later still waits for its answer. If that is refused too, this is what it was before.
  return { ...live, unanswered: rest.with(later, change) };
}

/** The settings after the container's word on them. */
export function reported(
  identity: SessionIdentity,
  live: LiveSettings,
  { permission_mode: mode, model }: ReportedSettings,
) {
  const isStale = (setting: ClaudeSetting) => live.unanswered.some((change) => change.setting === setting);
  const now = settingsOf(identity, live);
  let after = live;
  if (mode !== undefined && mode !== now.permission_mode && !isStale('permission_mode')) {
    if (!isWider(mode, live.granted_mode)) after = { ...after, permission_mode: mode };
  }
  if (model !== undefined && model !== now.model && !isStale('model')) after = { ...after, model };
  return after;
}
