import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SignJWT } from 'jose/jwt/sign';
import { exportJWK } from 'jose/key/export';
import { generateKeyPair } from 'jose/key/generate/keypair';
import { importJWK } from 'jose/key/import';
import * as z from 'zod';
import { TokenType } from '../../protocol/token.ts';

/** A token is for one connection. Clocks may differ by some minutes. */
const LIFETIME = '5 min';

const stored = z.object({
  /** The name under which the edge knows the key; null: it has not enrolled yet. */
  name: z.string().nullable(),
  key: z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), d: z.string() }),
});
type Stored = z.infer<typeof stored>;

/** The runner's own key, in its data folder. The private part never leaves it. */
export class RunnerKey {
  readonly #file: string;
  #stored: Stored;

  private constructor(file: string, content: Stored) {
    this.#file = file;
    this.#stored = content;
  }

  /** The key in this folder. One is made when there is none. @throws when the file is damaged */
  static async open(folder: string): Promise<RunnerKey> {
    const file = path.join(folder, 'key.json');
    const found = read(file);
    if (found !== null) return new RunnerKey(file, found);
    const { privateKey } = await generateKeyPair('Ed25519', { extractable: true });
    const made = new RunnerKey(file, stored.parse({ name: null, key: await exportJWK(privateKey) }));
    // Before it enrols: if the edge's answer is lost, it is the same key that asks again.
    made.#save();
    return made;
  }

  get name(): string | null {
    return this.#stored.name;
  }

  get publicKey(): { kty: 'OKP'; crv: 'Ed25519'; x: string } {
    const { kty, crv, x } = this.#stored.key;
    return { kty, crv, x };
  }

  /** The edge knows the key under this name. */
  enrolled(name: string): void {
    this.#stored = { ...this.#stored, name };
    this.#save();
  }

  /** A token for one connection. */
  async token(name: string): Promise<string> {
    return await new SignJWT()
      .setProtectedHeader({ alg: 'EdDSA', typ: TokenType.runner })
      .setSubject(name)
      .setIssuedAt()
      .setExpirationTime(LIFETIME)
      .sign(await importJWK(this.#stored.key, 'EdDSA'));
  }

  #save(): void {
    // Write it under another name, then rename it: a crash must not leave half a key.
    const temporary = `${this.#file}.${process.pid}`;
    writeFileSync(temporary, JSON.stringify(this.#stored), { mode: 0o600 });
    renameSync(temporary, this.#file);
  }
}

function read(file: string): Stored | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
    chmodSync(file, 0o600);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  const parsed = z
    .string()
    .pipe(z.preprocess((json) => parseJson(json), stored))
    .safeParse(text);
  if (parsed.success) return parsed.data;
  throw new Error(`${file} is damaged: remove it, and enrol the runner again with a new RUNNER_TOKEN`);
}

function parseJson(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
