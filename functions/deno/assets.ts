import { ASSETS } from '../web/asset-sources.ts';
import { deno } from './runtime.ts';

/** A file of the console, as the bundler names it. */
const CONSOLE_FILE = /^console\/[\w-]+(?:\.[a-z]+)+$/;

/** The files of the binding `ASSETS`, from where they are in the project. The console's are made by `npm run deno`, before it begins. */
export const assets = {
  async fetch(url: string): Promise<Response> {
    const name = new URL(url).pathname.slice(1);
    const source = CONSOLE_FILE.test(name)
      ? `build/assets/${name}`
      : Object.entries(ASSETS).find(([known]) => known === name)?.[1];
    if (source === undefined) return NONE();
    try {
      return new Response(await deno.readFile(new URL(`../${source}`, deno.mainModule)));
    } catch (error) {
      if (error instanceof deno.errors.NotFound) return NONE();
      throw error;
    }
  },
};

const NONE = () => new Response(null, { status: 404 });
