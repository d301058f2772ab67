import { readThrough, type ReadThrough } from './read-through.ts';

/** A Worker that reads a log, as the body of a request says, and answers with it. */
export default {
  async fetch(request: Request): Promise<Response> {
    // Somebody looks whether it is there.
    if (request.method === 'GET') return new Response();
    return Response.json(await readThrough((await request.json()) as ReadThrough));
  },
};
