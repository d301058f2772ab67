import type { PreviewEvent, SessionEvent } from '../../client/main.ts';
import { takeAssistant } from './claude/assistant.ts';
import { takePreview } from './claude/previews.ts';
import { takeResult } from './claude/result.ts';
import { takeRateLimit, takeSystem } from './claude/system.ts';
import { takeToolProgress } from './claude/tasks.ts';
import { takeUser } from './claude/user.ts';
import { Draft } from './draft.ts';
import type { Item } from './item.ts';
import { takeOwn } from './own/own.ts';

/** Claude Code's own types that say nothing to a reader, or that an event of CC-Docker's says as well. */
const SILENT: ReadonlySet<string> = new Set([
  'command_lifecycle',
  'control_request',
  'control_response',
  'control_cancel_request',
  'conversation_reset',
]);

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
    switch (event.type) {
      case 'stream_event':
        takePreview(draft, event);
        return;
      case 'environment.output':
        // The build's log has it: a link in the notice of the build leads there.
        return;
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
        if (SILENT.has(event.type)) return;
        takeOwn(draft, event);
    }
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
