import { isPreview, type PreviewEvent, type SessionEvent } from '../../client/main.ts';
import { takeAssistant } from './claude/assistant.ts';
import { takePreview } from './claude/previews.ts';
import { takeResult } from './claude/result.ts';
import { takeRateLimit, takeSystem } from './claude/system.ts';
import { takeToolProgress } from './claude/tasks.ts';
import { takeUser } from './claude/user.ts';
import { Draft } from './draft.ts';
import type { Item } from './item.ts';
import { takeOwn } from './own/own.ts';
import { isSilent } from './silent.ts';

/**
 * What a log comes to, item by item. Events are given in the order of `seq`, previews between them; however they are cut into
 * pieces, the items are the same. Each event costs the same, however long the log is.
 */
export class Transcript {
  readonly #draft = new Draft();
  #shown: readonly Item[] = [];
  #version = 0;

  add(event: SessionEvent | PreviewEvent): void {
    const draft = this.#draft;
    if (isPreview(event)) {
      // What a build writes is in its own log.
      if (event.type === 'stream_event') takePreview(draft, event);
      return;
    }
    if (isSilent(event)) return;
    switch (event.type) {
      case 'assistant':
        takeAssistant(draft, event);
        return;
      case 'user':
        takeUser(draft, event);
        return;
      case 'result':
        takeResult(draft, event);
        return;
      case 'system':
        takeSystem(draft, event);
        return;
      case 'rate_limit_event':
        takeRateLimit(draft, event);
        return;
      case 'tool_progress':
        takeToolProgress(draft, event);
        return;
      case 'session.gap': {
        const { from, to } = event.data;
        draft.append({ kind: 'gap', key: `g${from}`, seq: null, time: '', from, to });
        return;
      }
      default:
        takeOwn(draft, event);
    }
  }

  /** What is being written just now, as another transcript of the same log has it. */
  takePreviewsOf(other: Transcript): void {
    this.#draft.previews = other.#draft.previews;
  }

  /** A connection has broken: what was shown of a message that is being written is of no use, for parts of it may be missed. */
  dropPreviews(): void {
    if (this.#draft.previews.length > 0) this.#draft.previews = [];
  }

  /** All items. The same array as long as nothing has changed. */
  get items(): readonly Item[] {
    if (this.#version === this.#draft.version) return this.#shown;
    this.#version = this.#draft.version;
    this.#shown = this.#draft.all();
    return this.#shown;
  }
}
