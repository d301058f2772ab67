import { z } from 'zod';

/** What the door says of itself, to an edge elsewhere that begins. */
export const doorHello = z.object({
  version: z.string(),
  /** Whether the state is on a disk that can be full: `GET /objects/disk` then says how full it is. */
  disk: z.boolean(),
});
export type DoorHello = z.infer<typeof doorHello>;
