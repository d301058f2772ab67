import { globSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import { describe, type Schema } from './comments/describe.ts';
import { docsOfConstant } from './comments/docs.ts';

/** Writes `docs/openapi.json` (`npm run openapi`); with `--check` it fails when that is not what the code says. */

const root = path.join(import.meta.dirname, '../..');
const file = path.join(root, 'docs/openapi.json');

interface Document {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

// The handlers' types are those of workerd, not of Node.
const { openApiDocument } = z
  .object({ openApiDocument: z.custom<() => Document>() })
  .parse(await load('functions/openapi/document.ts'));
const { SCHEMAS } = z
  .object({ SCHEMAS: z.record(z.string(), z.custom<z.ZodType>()) })
  .parse(await load('functions/openapi/schema-names.ts'));

/** A module, by its place in the project. */
async function load(name: string): Promise<Record<string, unknown>> {
  return (await import(pathToFileURL(path.join(root, name)).href)) as Record<string, unknown>;
}

/** Where each named schema is declared. */
async function places(): Promise<Map<unknown, { file: string; name: string }>> {
  const found = new Map<unknown, { file: string; name: string }>();
  for (const name of globSync('protocol/**/*.ts', { cwd: root }))
    for (const [constant, value] of Object.entries(await load(name)))
      if (!found.has(value)) found.set(value, { file: path.join(root, name), name: constant });
  return found;
}

const document = openApiDocument();
const declared = await places();
for (const [name, schema] of Object.entries(document.components.schemas)) {
  const place = declared.get(SCHEMAS[name]);
  if (place === undefined) throw new Error(`no file of protocol/ exports the schema ${name}`);
  describe(schema, docsOfConstant(place.file, place.name));
}

const text = `${JSON.stringify(document, null, 2)}\n`;
if (!process.argv.includes('--check')) await writeFile(file, text);
else if ((await readFile(file, 'utf8')) !== text) {
  console.error('docs/openapi.json is not what the code says: npm run openapi');
  process.exitCode = 1;
}
