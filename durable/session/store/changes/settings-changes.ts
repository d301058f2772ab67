import type { OwnEvent } from '../../../../protocol/api/session/own-events.ts';
import type { Refusal } from '../../../../protocol/api/problem.ts';
import type { ChangeSessionRequest } from '../../../../protocol/api/session/session.ts';
import { canHear } from '../../core/state.ts';
import {
  answered,
  canSwitch,
  reported,
  sent,
  settingsOf,
  started,
  withAllowance,
  withMode,
  type ClaudeSetting,
  type LiveSettings,
} from '../../core/settings/live-settings.ts';
import type { ReportedSettings } from '../../core/settings/reported-settings.ts';
import type { Change } from './change.ts';
import { listChanged } from '../record.ts';

/** Most changes that wait for a container's answer. */
const MAX_UNANSWERED = 64;

/** The part of a transaction about the settings that change while the session lives. */
export class SettingsChanges {
  readonly #tx: Change;

  constructor(tx: Change) {
    this.#tx = tx;
  }

  /** The owner changes settings: all of them, or none. Null: done. */
  change({ model, permission_mode: mode, title }: Omit<ChangeSessionRequest, 'budget_usd'>): Refusal | null {
    const { identity, live, state } = this.#tx.record;
    const now = settingsOf(identity, live);
    const isUp = state.container !== 'none' && state.container !== 'ending';
    if (mode !== undefined && isUp && !canSwitch(live.started_mode, mode, identity.request.config)) {
      const detail = `Its Claude Code was started with permission_mode ${live.started_mode}, and cannot go from there to ${mode} as it runs. Stop the session, then set it: its next start is in this mode.`;
      return { refused: 'restart_required', detail };
    }
    if (live.unanswered.length >= MAX_UNANSWERED) {
      return { refused: 'queue_full', detail: `${MAX_UNANSWERED} changes wait for the session’s container already.` };
    }
    if (model !== undefined && model !== now.model) {
      this.#send('model', { ...live, model });
      if (canHear(state)) this.#tx.order({ command: 'set_model', model });
    }
    if (mode !== undefined && mode !== now.permission_mode) {
      this.#send('permission_mode', withMode(this.#tx.record.live, mode));
      if (canHear(state)) this.#tx.order({ command: 'set_permission_mode', permission_mode: mode });
    }
    if (title !== undefined) this.#set({ ...this.#tx.record.live, title });
    this.#announce(now);
    return null;
  }

  /** The present `claude` answers a change. */
  answered(setting: ClaudeSetting, refused: string | null): void {
    const { identity, live } = this.#tx.record;
    const before = settingsOf(identity, live);
    this.#set(answered(live, setting, refused !== null));
    this.#announce(before, refused);
  }

  /** The container says something about the settings. */
  reported(said: ReportedSettings): void {
    const { identity, live } = this.#tx.record;
    const after = reported(identity, live, said);
    if (after === live) return;
    this.#set(after);
    this.#announce(settingsOf(identity, live));
  }

  /** A container is requested: it is started with the settings as they are now. */
  started(): void {
    const { identity, live } = this.#tx.record;
    this.#set(started(identity, live));
  }

  /** Watches for what a person allows. */
  happened({ type, data }: OwnEvent): void {
    if (type !== 'interaction.closed' || data.resolution?.kind !== 'decision') return;
    if (data.resolution.decision !== 'deny') this.#set(withAllowance(this.#tx.record.live));
  }

  /** `live` holds a change that the present `claude` is sent, if there is one that hears it. */
  #send(setting: ClaudeSetting, live: LiveSettings): void {
    const { state, live: before } = this.#tx.record;
    const unanswered = canHear(state) ? sent(before, setting).unanswered : before.unanswered;
    this.#set({ ...live, unanswered });
  }

  #set(live: LiveSettings): void {
    this.#tx.record = { ...this.#tx.record, live };
  }

  #announce(before: ReturnType<typeof settingsOf>, refused: string | null = null): void {
    const { identity, live } = this.#tx.record;
    const now = settingsOf(identity, live);
    const isSame =
      now.model === before.model && now.permission_mode === before.permission_mode && now.title === before.title;
    if (isSame && refused === null) return;
    if (now.title !== before.title || now.model !== before.model) this.#tx.record = listChanged(this.#tx.record);
    this.#tx.emit({ type: 'session.settings', data: { ...now, ...(refused === null ? {} : { refused }) } });
  }
}
