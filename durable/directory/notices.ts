import type { QuotaNotice } from '../rpc/directory/reports.ts';
import { sessionStub, type EdgeEnv } from '../rpc/edge-env.ts';
import type { OwnerQuota } from './quota.ts';
import type { SessionList } from './session-list.ts';
import type { OwnerTree } from './tree.ts';

/** After sessions could not be sent their turn permits, milliseconds until they are sent again. */
const RESEND_MS = 1000;

export interface NoticeSources {
  readonly list: Pick<SessionList, 'active'>;
  readonly tree: Pick<OwnerTree, 'isSendDue' | 'sendVerdicts'>;
  readonly quota: Pick<OwnerQuota, 'notice'>;
}

/** What the directory sends to sessions by itself: their new turn permits, and that the storage quota is reached or not any more. */
export class SessionNotices {
  readonly #ctx: DurableObjectState;
  readonly #env: EdgeEnv;
  readonly #sources: NoticeSources;

  constructor(ctx: DurableObjectState, env: EdgeEnv, sources: NoticeSources) {
    this.#ctx = ctx;
    this.#env = env;
    this.#sources = sources;
  }

  /** Sends sessions their new turn permits, and sends them again for as long as that fails. */
  sendPermits(): void {
    if (!this.#sources.tree.isSendDue) return;
    // The alarm is stored together with the verdicts, so that they are sent even if this object is stopped before.
    this.#ctx.waitUntil(this.#sendLater());
    this.#ctx.waitUntil(this.sendPermitsNow());
  }

  async sendPermitsNow(): Promise<void> {
    if (!(await this.#sources.tree.sendVerdicts())) await this.#sendLater();
  }

  /** Whether the owner is over the storage quota. When that has changed, the sessions that are active are told. */
  checkQuota(): QuotaNotice {
    const { isNews, ...notice } = this.#sources.quota.notice();
    if (isNews) this.#ctx.waitUntil(this.#sendQuota(notice));
    return notice;
  }

  /** A session that is not reached hears of it with its next report, and one that refuses a message asks before. */
  async #sendQuota(notice: QuotaNotice): Promise<void> {
    const calls = await Promise.allSettled(
      this.#sources.list.active().map(async (id) => await sessionStub(this.#env, id).setQuota(notice)),
    );
    for (const call of calls) {
      if (call.status === 'rejected')
        console.warn(`directory: a session was not told of the quota: ${String(call.reason)}`);
    }
  }

  #sendLater(): Promise<void> {
    return this.#ctx.storage.setAlarm(Date.now() + RESEND_MS);
  }
}
