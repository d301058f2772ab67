import { v7 as uuidV7 } from 'uuid';
import type { OwnEvent } from '../../../../protocol/api/session/own-events.ts';
import {
  CHILD_CALLBACK_EVENTS,
  DEFAULT_WEBHOOK_EVENTS,
  type WebhookEventPattern,
} from '../../../../protocol/api/webhook.ts';
import type { OwnerWebhook } from '../../../rpc/session/owner-webhooks.ts';
import { shownUrl, wantsEvent } from '../../../shared/webhooks/receiver.ts';
import { settingsOf } from '../../core/settings/live-settings.ts';
import { isNoticed, childNoticeOf, noticeOf, type Notice, type NoticeContext } from '../../core/webhooks/notice.ts';
import { noticeJson } from '../../core/webhooks/payload.ts';
import type { SessionTables } from '../session-tables.ts';
import type { StoredNotice } from '../webhooks/delivery-table.ts';
import { CALLBACK, ofOwner } from '../webhooks/receivers.ts';
import type { Unrouted } from '../webhooks/unrouted-table.ts';
import type { Change } from './change.ts';

/** How much may wait, and how much is kept of what is done with. */
export interface DeliveryBounds {
  /** MB that may wait in one session for one receiver; 0: any. */
  readonly WEBHOOK_QUEUE_MB: number;
  /** Deliveries that a session keeps of those that are done with. */
  readonly WEBHOOK_DELIVERIES_KEPT: number;
}

/** The part of a transaction about what webhooks post of the session. */
export class WebhookChanges {
  readonly #tx: Change;
  readonly #tables: SessionTables;
  readonly #bounds: DeliveryBounds;
  readonly #now: number;

  constructor(tx: Change, tables: SessionTables, bounds: DeliveryBounds, now: number) {
    this.#tx = tx;
    this.#tables = tables;
    this.#bounds = bounds;
    this.#now = now;
  }

  /**
   * An event has been written to the log. What the session's own callback wants of it is stored with it; which of the owner's
   * webhooks want it, the owner's directory has to say.
   */
  happened(event: OwnEvent): void {
    const { identity } = this.#tx.record;
    const { spawn, callback } = identity;
    const hasCallback = spawn !== null && (spawn.webhook !== null || spawn.channel !== undefined);
    if (hasCallback) {
      const wanted = spawn.webhook?.events ?? CHILD_CALLBACK_EVENTS;
      const context = this.#context(this.#tx.seq);
      // Of itself it speaks as its parent's log does; of those below it, only that log speaks.
      const own = event.type.startsWith('child.') ? null : noticeOf(event, context);
      this.#call(wanted, childNoticeOf(event, context), 'child');
      this.#call(wanted, own, 'session');
    }
    if (!isNoticed(event)) return;
    const { seq } = this.#tx;
    if (callback !== undefined) {
      this.#call(callback.events ?? DEFAULT_WEBHOOK_EVENTS, noticeOf(event, this.#context(seq)), 'session');
    }
    this.#tables.unrouted.add(seq, this.#now);
  }

  /** The owner's directory has said which webhooks and devices there are: each that wants one of these events gets a delivery. */
  route(events: readonly Unrouted[], webhooks: readonly OwnerWebhook[]): void {
    for (const { seq, time } of events) {
      // Somebody who sets up a webhook does not want to hear of what was before.
      const present = webhooks.filter(({ created }) => created <= time);
      const event = present.length === 0 ? null : this.#eventAt(seq);
      const notice = event === null ? null : noticeOf(event, this.#context(seq));
      if (notice === null) continue;
      const wanting = present.filter(({ receiver }) =>
        wantsEvent(receiver.events ?? DEFAULT_WEBHOOK_EVENTS, notice.type),
      );
      if (wanting.length === 0) continue;
      const stored = { ...notice, of: 'session', seq, time } as const;
      this.#add(
        wanting.map((one) => ofOwner(one)),
        stored,
      );
    }
    const last = events.at(-1);
    if (last !== undefined) this.#tables.unrouted.remove(last.seq);
  }

  /** What the session's own callback wants of the newest event becomes a delivery. */
  #call(wanted: readonly WebhookEventPattern[], notice: Notice | null, of: StoredNotice['of']): void {
    if (notice === null || !wantsEvent(wanted, notice.type)) return;
    this.#add([CALLBACK], { ...notice, of, seq: this.#tx.seq, time: this.#now });
  }

  #add(receivers: readonly string[], { data, ...rest }: Notice & Omit<StoredNotice, 'json'>): void {
    const { deliveries } = this.#tables;
    const { WEBHOOK_QUEUE_MB: most, WEBHOOK_DELIVERIES_KEPT: kept } = this.#bounds;
    const notice = deliveries.notice({ ...rest, json: noticeJson(data) });
    for (const receiver of receivers) {
      const isFull = most > 0 && deliveries.waitingBytes(receiver) >= most * 1024 * 1024;
      const why = `${most} MB wait for this receiver already, as much as may (WEBHOOK_QUEUE_MB).`;
      deliveries.add(uuidV7(), receiver, notice, isFull ? why : null, this.#now);
      if (!isFull) continue;
      deliveries.prune(kept);
      this.gaveUp(receiver, 0, why);
    }
  }

  /** A delivery is given up. Of a child's callback, the parent is told. */
  gaveUp(receiver: string, attempts: number, detail: string): void {
    const { session_id: child_session_id, spawn } = this.#tx.record.identity;
    if (receiver !== CALLBACK || spawn === null) return;
    const { webhook, channel = '' } = spawn;
    const url = webhook === null ? `pubsub:${channel}` : shownUrl(webhook.url, webhook.format);
    const data = { child_session_id, url, attempts, detail };
    this.#tables.parentUpdates.add({ type: 'child.callback_failed', data });
  }

  /** One of the log's own events; null: it is no longer stored. */
  #eventAt(seq: number): OwnEvent | null {
    const event = this.#tables.log.at(seq);
    if (event === null) return null;
    return { type: event.type, data: JSON.parse(event.json) as unknown } as OwnEvent;
  }

  #context(seq: number): NoticeContext {
    const { identity, live } = this.#tx.record;
    const { session_id } = identity;
    return {
      session_id,
      title: settingsOf(identity, live).title,
      seq,
      messageOf: (id) => this.#tables.messages.view(session_id, id),
      subjectOf: (id) => this.#tables.interactions.get(id)?.subject ?? null,
    };
  }
}
