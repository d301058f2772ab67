import { vi } from 'vitest';

/** What `look` gives once it throws no more: soon, but on a busy machine not within the second that Vitest allows by itself. */
export const eventually = async <T>(look: () => T | Promise<T>): Promise<T> => await vi.waitFor(look, 10_000);
