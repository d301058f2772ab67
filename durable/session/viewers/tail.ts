import { BATCH_BYTES } from '../../../protocol/settings/limits.ts';
import type { Batch } from './batch.ts';

/** How much of what was shown last is kept for streams that are a little behind, UTF-16 units. */
const MOST = 4 * BATCH_BYTES;

/**
 * What was shown last, for all streams of a session together: each has a place in it, and takes the next batch when its reader has
 * room. Who falls out of it reads on from the log. Places count from 0, and go on when batches are dropped.
 */
export class Tail {
  #batches: Batch[] = [];
  /** The place of the first batch that is kept. */
  #first = 0;
  #length = 0;

  /** The place of the batch that comes next. */
  get end(): number {
    return this.#first + this.#batches.length;
  }

  push(batch: Batch): void {
    this.#batches.push(batch);
    this.#length += batch.length;
    while (this.#length > MOST) this.#drop();
  }

  /** The batch at a place; undefined: it has not come, or is kept no more. */
  at(place: number): Batch | undefined {
    return this.#batches[place - this.#first];
  }

  /** The place from which a stream goes on that has sent all up to the event `seq`. */
  after(seq: number): number {
    const index = this.#batches.findIndex(({ before }) => before === seq);
    return index === -1 ? this.end : this.#first + index;
  }

  /** Nobody needs what came before `place`. */
  forget(place: number): void {
    while (this.#first < place && this.#batches.length > 0) this.#drop();
  }

  #drop(): void {
    const dropped = this.#batches.shift();
    if (dropped === undefined) return;
    this.#first += 1;
    this.#length -= dropped.length;
  }
}
