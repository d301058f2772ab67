import { ASSETS } from '../web/asset-sources.ts';
import { deno } from './runtime.ts';

/** The files of the binding `ASSETS`, from where they are in the project. */
export const assets = {
  async fetch(url: string): Promise<Response> {
    const name = new URL(url).pathname.slice(1);
    const source = Object.entries(ASSETS).find(([known]) => known === name)?.[1];
    if (source === undefined) return new Response(null, { status: 404 });
    return new Response(await deno.readFile(new URL(`../${source}`, deno.mainModule)));
  },
};
