import { utf8Bytes } from '../../shared/text/utf8-bytes.ts';
import { envelopeJson, previewJson, previewType, type StreamItem } from '../core/shown.ts';

const encoder = new TextEncoder();

/** One message of Server-Sent Events. Line breaks in a type or around JSON's tokens would end it early: a container may send any. */
function message(type: string, json: string): string {
  return `event: ${oneLine(type)}\ndata: ${oneLine(json)}\n\n`;
}

const oneLine = (text: string) => (/[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, ' ') : text);

/**
 * Events and previews that are shown together, in order. What is sent of them is made when it is first asked for, and is the
 * same for all who watch.
 */
export class Batch {
  readonly items: readonly StreamItem[];
  /** `seq` of the last event before it. */
  readonly before: number;
  /** `seq` of its last event; `before` when it has previews alone. */
  readonly last: number;
  /** About its length as text, UTF-16 units. */
  readonly length: number;
  #json: readonly string[] | null = null;
  #frame: string | null = null;
  #frameBytes: number | null = null;
  #messages: Uint8Array | null = null;
  #eventMessages: Uint8Array | null = null;

  constructor(items: readonly StreamItem[], before: number) {
    this.items = items;
    this.before = before;
    this.last = items.findLast((one) => 'seq' in one)?.seq ?? before;
    this.length = items.reduce((sum, one) => sum + ('seq' in one ? one.json : one.preview).length, 0);
  }

  get hasEvents(): boolean {
    return this.last > this.before;
  }

  /** One frame for a viewer's WebSocket. */
  get frame(): string {
    this.#frame ??= `[${this.#envelopes.join(',')}]`;
    return this.#frame;
  }

  /** How many bytes the frame has. */
  get frameBytes(): number {
    this.#frameBytes ??= utf8Bytes(this.frame);
    return this.#frameBytes;
  }

  /** Server-Sent Events, with or without the previews. */
  messages(previews: boolean): Uint8Array {
    // Usually there are no previews in it.
    if (previews || !this.items.some((one) => !('seq' in one))) {
      this.#messages ??= this.#encode(() => true);
      return this.#messages;
    }
    this.#eventMessages ??= this.#encode((one) => 'seq' in one);
    return this.#eventMessages;
  }

  #encode(isWanted: (item: StreamItem) => boolean): Uint8Array {
    const json = this.#envelopes;
    const texts = this.items.map((one, index) => {
      if (!isWanted(one)) return '';
      const data = json[index] ?? '';
      return 'seq' in one ? `id: ${one.seq}\n${message(one.type, data)}` : message(previewType(one), data);
    });
    return encoder.encode(texts.join(''));
  }

  get #envelopes(): readonly string[] {
    this.#json ??= this.items.map((one) => ('seq' in one ? envelopeJson(one) : previewJson(one)));
    return this.#json;
  }
}
