import { jsonText } from '../../../protocol/json-text.ts';
import { encode, PacedStream, type StreamToken } from '../../shared/sse/paced-stream.ts';
import { feedMessage, sseText, type FeedMessage } from './message.ts';

export interface FeedStreamOptions extends StreamToken {
  /** The cursor to start after. */
  readonly after: number;
  /** What has gone since that cursor is known. */
  readonly isKnown: boolean;
  /** The cursor from which on it is live. */
  readonly live: number;
}

/** What has gone since the cursor is not known: whoever breaks off here comes again with the cursor 0. */
export const GAP = feedMessage(0, 'feed.gap', jsonText({}));

/** One reader of the feed. */
export class FeedStream extends PacedStream {
  readonly #read: (after: number) => readonly FeedMessage[];
  readonly #options: FeedStreamOptions;
  #cursor: number;
  #isLive = false;

  /** @param read some of what has changed after a cursor */
  constructor(read: (after: number) => readonly FeedMessage[], options: FeedStreamOptions) {
    super(options);
    this.#read = read;
    this.#options = options;
    this.#cursor = options.isKnown ? options.after : 0;
  }

  override begin(): Uint8Array {
    return encode(this.#options.isKnown ? ': feed\n\n' : sseText([GAP]));
  }

  protected override unsent(): Uint8Array | null {
    const messages = this.#read(this.#cursor);
    this.#cursor = messages.at(-1)?.cursor ?? this.#cursor;
    let text = sseText(messages);
    if (!this.#isLive && (messages.length === 0 || this.#cursor >= this.#options.live)) {
      this.#isLive = true;
      // What was changed last may be gone from the tables by now: the cursor still counts.
      this.#cursor = Math.max(this.#cursor, this.#options.live);
      text += sseText([feedMessage(this.#cursor, 'feed.live', jsonText({}))]);
    }
    return text === '' ? null : encode(text);
  }
}
