/**
 * Which messages `claude` has in hand, as its `command_lifecycle` lines tell. An interrupt that comes while a message is
 * still queued is answered with success and changes nothing (`still_queued` names the message, and its turn runs on):
 * it has to wait until the turn has started. No I/O.
 */
export class Turns {
  #queued = new Set<string>();
  #running = new Set<string>();
  #interruptOnStart = new Set<string>();

  /** A message is about to be handed to `claude`. */
  prompted(messageId: string): void {
    this.#queued.add(messageId);
  }

  /** A message's turn is to end. True: interrupt now. It is too late for a turn that has ended. */
  interrupt(messageId: string): boolean {
    if (this.#queued.has(messageId)) this.#interruptOnStart.add(messageId);
    return this.#running.has(messageId);
  }

  /** `claude` told of a message. True: interrupt now. */
  lifecycle(messageId: string, state: string): boolean {
    if (state === 'started') {
      if (this.#queued.delete(messageId)) this.#running.add(messageId);
      return this.#interruptOnStart.delete(messageId);
    }
    if (state === 'completed' || state === 'cancelled') {
      this.#queued.delete(messageId);
      this.#running.delete(messageId);
      this.#interruptOnStart.delete(messageId);
    }
    return false;
  }
}
