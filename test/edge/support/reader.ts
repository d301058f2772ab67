/** The text of Server-Sent Events, as it comes. */
export class Reader {
  readonly #reader: ReadableStreamDefaultReader<string>;
  text = '';

  constructor(response: Response) {
    if (response.body === null) throw new Error('no body');
    this.#reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Reads until the text matches. */
  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) {
      const { done, value = '' } = await this.#reader.read();
      if (done) throw new Error(`the stream ended after ${this.text}`);
      this.text += value;
    }
  }

  /** Reads to the end. */
  async ended(): Promise<void> {
    for (let step = await this.#reader.read(); !step.done; step = await this.#reader.read()) this.text += step.value;
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}
