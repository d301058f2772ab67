import {
  isKnownRunnerNotice,
  type RunnerNotice,
  type RunnerNoticeFrame,
} from '../../../../../protocol/link/runner-notice.ts';
import { isKnownNotice, type LinkItem } from '../../../../../protocol/link/wrapper/wrapper-notice.ts';
import { PreparingChanges } from '../preparing/preparing-changes.ts';
import { LineChanges } from './line-changes.ts';
import type { LinkContext, LinkTransaction } from './link-transaction.ts';
import { NoticeChanges } from './notice-changes.ts';

/**
 * The part of a transaction that stores what comes over the container's link: claude's lines, and notices of wrapper and runner.
 * Each is taken once.
 */
export class LinkChanges {
  readonly #tx: LinkTransaction;
  readonly #preparing: PreparingChanges;
  readonly #lines: LineChanges;
  readonly #notices: NoticeChanges;
  readonly #now: number;

  constructor(tx: LinkTransaction, context: LinkContext) {
    this.#tx = tx;
    this.#preparing = new PreparingChanges(tx, context.tables);
    this.#lines = new LineChanges(tx, context);
    this.#notices = new NoticeChanges(tx, this.#preparing, context);
    this.#now = context.now;
  }

  /** Stores those of the items `first, first+1, …` that are new. False: items before them are missing. */
  take(first: number, items: readonly LinkItem[]): boolean {
    const { stored } = this.#tx.record.link;
    if (first > stored + 1) return false;
    const fresh = items.slice(stored + 1 - first);
    this.#tx.files({ on: 'touched' });
    for (const item of fresh) this.#item(item);
    this.#tx.record = {
      ...this.#tx.record,
      link: { ...this.#tx.record.link, stored: stored + fresh.length },
      last_activity: this.#now,
    };
    return true;
  }

  /** Stores those of the runner's own notices `first, first+1, …` that are new. The runner sends missing ones again. */
  takeNotices(first: number, notices: RunnerNoticeFrame['notices']): void {
    const { epoch, notices_stored } = this.#tx.record.link;
    if (first > notices_stored + 1) return;
    const fresh = notices.slice(notices_stored + 1 - first);
    for (const notice of fresh) {
      if (isKnownRunnerNotice(notice)) this.#runnerNotice(epoch, notice);
      else this.#unknownNotice(epoch, notice.host_notice, 'runner');
    }
    this.#tx.record = {
      ...this.#tx.record,
      link: { ...this.#tx.record.link, notices_stored: notices_stored + fresh.length },
    };
  }

  #item(item: LinkItem): void {
    if (typeof item === 'string') this.#lines.take(item);
    else if (isKnownNotice(item)) this.#notices.take(item);
    else this.#unknownNotice(this.#tx.record.link.epoch, item.notice, 'image');
  }

  #runnerNotice(epoch: number, notice: RunnerNotice): void {
    switch (notice.host_notice) {
      case 'egress': {
        const { host_notice: _, ...data } = notice;
        return this.#tx.emit({ type: 'session.egress', data: { epoch, ...data } });
      }
      case 'restored': {
        const { host_notice: _, ...data } = notice;
        return this.#tx.emit({ type: 'workspace.restored', data: { epoch, ...data } });
      }
      case 'waiting':
        return this.#tx.input({ on: 'start_waits', reason: notice.reason });
      case 'build_started':
      case 'build_output':
      case 'build_ready':
      case 'build_failed':
        return this.#tx.builds.noticed(notice);
      case 'devcontainer':
        return this.#preparing.described(epoch, notice);
    }
  }

  /** It has its number, and is in the log: so it is counted, and nothing is lost without a word. */
  #unknownNotice(epoch: number, notice: string, from: 'runner' | 'image'): void {
    const detail = `This edge does not know it, and passed it over: the container’s ${from} is newer. Upgrade the edge.`;
    this.#tx.emit({ type: 'session.notice_refused', data: { epoch, notice, detail } });
  }
}
