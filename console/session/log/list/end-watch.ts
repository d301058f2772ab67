/** Nearer to the end than this, the reader is at the end, pixels. */
const AT_END = 60;

/**
 * Tells whether the reader stays at the end: they leave it by scrolling up, and come back by scrolling down. That the list grows, or loses
 * what is old, moves nobody: what the list itself has written is known.
 */
export class EndWatch {
  #sticks = true;
  /** Where it was last seen, or put. */
  #top = 0;
  readonly #changed: (sticks: boolean) => void;

  constructor(changed: (sticks: boolean) => void) {
    this.#changed = changed;
  }

  get sticks(): boolean {
    return this.#sticks;
  }

  /** The reader is sent elsewhere (false), or to the end. */
  set sticks(sticks: boolean) {
    if (sticks === this.#sticks) return;
    this.#sticks = sticks;
    this.#changed(sticks);
  }

  /** The list scrolls by itself: what has moved before that was the reader, and what moves then is not. */
  around(element: HTMLElement, scroll: () => void): void {
    this.look(element);
    scroll();
    this.#top = element.scrollTop;
  }

  /** Sees where the reader is. */
  look(element: HTMLElement): void {
    const { scrollTop: top } = element;
    const isUp = top < this.#top - 1;
    this.#top = top;
    if (distanceToEnd(element) <= AT_END) this.sticks = true;
    else if (isUp) this.sticks = false;
  }

  /** @returns what ends that */
  watch(element: HTMLElement): () => void {
    const scrolled = () => this.look(element);
    // Before the list hears it, and changes what is in the page: after that, to ask where it is costs a layout.
    element.addEventListener('scroll', scrolled, { passive: true, capture: true });
    return () => element.removeEventListener('scroll', scrolled, { capture: true });
  }
}

/** How much is below what is in sight, pixels. */
export const distanceToEnd = ({ scrollTop, scrollHeight, clientHeight }: HTMLElement): number =>
  scrollHeight - clientHeight - scrollTop;
