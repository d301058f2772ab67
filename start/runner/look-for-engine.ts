import { findEngine } from './engine.ts';

/** Prints whether an engine answers, as JSON (`engine.ts`). */
console.log(JSON.stringify(await findEngine()));
process.exit(0);
