/**
 * The messages that `claude` has queued or is working on, by its `command_lifecycle` lines. An interrupt must wait until the
 * turn has started: while the message is still queued, Claude Code answers an interrupt with success, but does nothing
 * (`still_queued` names the message, and its turn runs later). No I/O.
 */
export class Turns {
  #queued = new Set<string>();
  #running = new Set<string>();
  #interruptOnStart = new Set<string>();

  /** A message is about to be written to `claude`. */
  prompted(messageId: string): void {
    this.#queued.add(messageId);
  }

  /**
   * A message's turn shall end. True: interrupt now. False: later, at the turn's start; or never, because it has ended.
   */
  interrupt(messageId: string): boolean {
    if (this.#queued.has(messageId)) this.#interruptOnStart.add(messageId);
    return this.#running.has(messageId);
  }

  /** `claude` reports a message's state. True: interrupt now. */
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
