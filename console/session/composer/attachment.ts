/** What a message may carry besides its text, as the API has it (docs/api.md, "Images and documents"). */
export type AttachmentKind = 'image' | 'pdf' | 'text';

/** A file that somebody wants to send. */
export interface ChosenFile {
  readonly name: string;
  /** Media type, as the browser says it; empty: it does not know. */
  readonly type: string;
  /** Bytes. */
  readonly size: number;
}

const MIB = 1024 * 1024;
const MAX_IMAGE_BYTES = 5 * MIB;
/** Of all text, also of documents that are text. */
const MAX_TEXT_BYTES = MIB;
/** Of the whole message, base64 and JSON included. */
const MAX_MESSAGE_BYTES = 20 * MIB;
const MAX_FILES = 100;
/** JSON around a file's data. */
const AROUND_FILE = 512;

const IMAGE_TYPES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);
/** Text by another media type, or by none. */
const TEXT_TYPES = /^text\/|[/+](json|xml|yaml|toml|javascript|typescript|sql|x-sh|x-python)$/;
const TEXT_NAMES =
  /\.(txt|md|csv|tsv|log|json|jsonl|ya?ml|toml|xml|html?|css|m?[jt]sx?|py|rb|go|rs|java|kt|c|h|cc|cpp|cs|php|sh|sql|diff|patch|ini|cfg|conf|env|svg)$/i;

/** What is chosen in the browser's dialog, for `<input accept>`. */
export const ACCEPTED = [...IMAGE_TYPES, 'application/pdf', 'text/*', '.md', '.json', '.yaml', '.yml', '.toml'].join(
  ',',
);

/** How a file can be sent; null: not in a message. */
export function kindOf({ name, type }: ChosenFile): AttachmentKind | null {
  if (IMAGE_TYPES.has(type)) return 'image';
  if (type === 'application/pdf') return 'pdf';
  // An SVG is a text for Claude, not an image.
  return TEXT_TYPES.test(type) || TEXT_NAMES.test(name) ? 'text' : null;
}

/** How large the message becomes, bytes: as the service counts them. */
export function messageBytes(text: string, files: readonly ChosenFile[]): number {
  const own = new TextEncoder().encode(JSON.stringify(text)).length;
  return files.reduce((sum, file) => sum + sentBytes(file), own);
}

/** Base64 has four bytes for three. */
const sentBytes = (file: ChosenFile): number =>
  AROUND_FILE + (kindOf(file) === 'text' ? file.size : 4 * Math.ceil(file.size / 3));

/** Why a message cannot be sent, a sentence each; empty: it can. */
export function problemsOf(text: string, files: readonly ChosenFile[]): string[] {
  const problems = files.map(problemOf).filter((problem) => problem !== null);
  const texts = files.filter((file) => kindOf(file) === 'text').reduce((sum, { size }) => sum + size, 0);
  const said = new TextEncoder().encode(text).length + texts;
  if (said > MAX_TEXT_BYTES) problems.push(`All text together is ${mib(said)}. ${mib(MAX_TEXT_BYTES)} are the most.`);
  if (files.length > MAX_FILES) problems.push(`${files.length} files are attached. ${MAX_FILES} are the most.`);
  const whole = messageBytes(text, files);
  if (whole > MAX_MESSAGE_BYTES)
    problems.push(`The message would be ${mib(whole)}. ${mib(MAX_MESSAGE_BYTES)} are the most.`);
  return problems;
}

/** Why a file cannot be sent in a message. */
export function problemOf(file: ChosenFile): string | null {
  const kind = kindOf(file);
  const elsewhere = 'Upload it under Files, and name it in the message.';
  if (kind === null) return `${file.name} is no image, PDF or text. ${elsewhere}`;
  if (file.size === 0) return `${file.name} is empty.`;
  if (kind === 'image' && file.size > MAX_IMAGE_BYTES)
    return `${file.name} is an image of ${mib(file.size)}. ${mib(MAX_IMAGE_BYTES)} are the most.`;
  if (kind === 'text' && file.size > MAX_TEXT_BYTES) return `${file.name} is a text of ${mib(file.size)}. ${elsewhere}`;
  return null;
}

/** How full the message is, of what it may be: for people. */
export const fullness = (text: string, files: readonly ChosenFile[]): string =>
  `${mib(messageBytes(text, files))} of ${mib(MAX_MESSAGE_BYTES)}`;

/** Rounded up: what is over a limit never looks as if it fitted. */
const mib = (bytes: number): string => `${Math.ceil((bytes / MIB) * 100) / 100} MiB`;
