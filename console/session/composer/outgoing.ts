import { batch, signal } from '@preact/signals';
import { CcDockerError, newKey, type Session } from '../../../client/main.ts';
import type { Delivery } from './delivery.ts';
import { isOf, keepDraft, keptDraft, type Attempt } from './draft.ts';
import { promptOf } from './read-attachment.ts';

/** A message that somebody writes, until the service has it. */
export class Outgoing {
  readonly text = signal('');
  readonly files = signal<readonly File[]>([]);
  /** As somebody has chosen; it counts while a turn runs. */
  readonly delivery = signal<Delivery>('queue');
  readonly isSending = signal(false);
  /** Why it is not sent; null: nothing is known to be wrong. */
  readonly failure = signal<string | null>(null);
  /** It is sent by itself when the service can be reached again. */
  readonly isHeld = signal(false);
  readonly #session: Session;
  #attempt: Attempt | null;

  /** As this tab had it. */
  constructor(session: Session) {
    this.#session = session;
    const { text, attempt } = keptDraft(session.id);
    this.text.value = text;
    this.#attempt = attempt;
    if (attempt === null) return;
    // The page was closed or loaded again while it was being sent. Without files it is known whole, so it goes on.
    if (attempt.files === '' && attempt.text === text) this.isHeld.value = true;
    else {
      this.#attempt = null;
      this.failure.value =
        'This was being sent when the page was closed: look in the log whether it is there. Its files have to be chosen again.';
    }
  }

  write(text: string): void {
    batch(() => {
      this.text.value = text;
      // Somebody changes what was to go by itself: it goes when they say so.
      this.isHeld.value = false;
    });
    this.#keep();
  }

  attach(files: readonly File[]): void {
    this.files.value = [...this.files.value, ...files];
    this.isHeld.value = false;
  }

  detach(file: File): void {
    this.files.value = this.files.value.filter((other) => other !== file);
    this.isHeld.value = false;
  }

  /** Somebody wants it to go another way than it went: it is another message. */
  choose(delivery: Delivery): void {
    this.delivery.value = delivery;
    this.isHeld.value = false;
    this.#attempt = null;
    this.#keep();
  }

  /**
   * Sends it. What fails stays as it is, with the reason.
   *
   * @param delivery of a message that was not tried yet; one that was goes as it went, for it may have arrived
   */
  async send(delivery: Delivery): Promise<void> {
    if (this.isSending.value) return;
    const text = this.text.value;
    const files = this.files.value;
    const message = { text, files: files.map(fingerprint).join('\n') };
    const attempt = isOf(this.#attempt, message) ? this.#attempt : { ...message, delivery, key: newKey() };
    this.#attempt = attempt;
    this.#keep();
    batch(() => {
      this.isSending.value = true;
      this.isHeld.value = false;
      this.failure.value = null;
    });
    try {
      const prompt = await promptOf(text, files);
      await this.#session.send(prompt, { delivery: attempt.delivery, idempotencyKey: attempt.key });
      this.#sent(text, files);
    } catch (error) {
      this.#failed(error);
    } finally {
      this.isSending.value = false;
    }
  }

  #sent(text: string, files: readonly File[]): void {
    batch(() => {
      this.#attempt = null;
      // What was written meanwhile stays.
      if (this.text.value === text) this.text.value = '';
      this.files.value = this.files.value.filter((file) => !files.includes(file));
    });
    this.#keep();
  }

  #failed(error: unknown): void {
    if (!(error instanceof Error)) throw error;
    const isUnreachable = error instanceof CcDockerError && error.code === 'unreachable';
    batch(() => {
      this.failure.value = isUnreachable
        ? 'The service cannot be reached. This is sent when the connection is back, or when you press Send.'
        : error instanceof CcDockerError
          ? error.detail
          : error.message;
      this.isHeld.value = isUnreachable;
      // It was refused, so it is not there: whatever is sent next is another message.
      if (!isUnreachable) this.#attempt = null;
    });
    this.#keep();
  }

  #keep(): void {
    keepDraft(this.#session.id, { text: this.text.value, attempt: this.#attempt });
  }
}

const fingerprint = ({ name, size, lastModified }: File) => JSON.stringify([name, size, lastModified]);
