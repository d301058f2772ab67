import * as z from 'zod';

/** How an end says which version (protocol-version.ts) it speaks. */
export const protocolVersion = z.int().min(1).max(1_000_000);
