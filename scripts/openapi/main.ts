import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';

/** Writes `docs/openapi.json` (`npm run openapi`); with `--check` it fails when that is not what the code says. */

const root = path.join(import.meta.dirname, '../..');
const file = path.join(root, 'docs/openapi.json');

/** The handlers' types are those of workerd, not of Node. */
const handlers = z.object({ openApiDocument: z.custom<() => object>() });
const { openApiDocument } = handlers.parse(
  await import(pathToFileURL(path.join(root, 'functions/openapi/document.ts')).href),
);

const text = `${JSON.stringify(openApiDocument(), null, 2)}\n`;
if (!process.argv.includes('--check')) await writeFile(file, text);
else if ((await readFile(file, 'utf8')) !== text) {
  console.error('docs/openapi.json is not what the code says: npm run openapi');
  process.exitCode = 1;
}
