import { MAX_TEXT_BYTES } from '../settings/limits.ts';
import { decodedBytes, isBase64 } from './base64.ts';
import type { ContentBlock, DocumentBlock, ImageBlock } from './blocks.ts';
import { imageFacts } from './image.ts';
import { pdfFacts } from './pdf.ts';

/**
 * Claude's own limits (platform.claude.com: vision, PDF support). The lower figures, where they depend on the model. Claude
 * Code makes images smaller before it sends them, so 5 MB are those of the file.
 */
const MAX_IMAGE_BYTES = 5 * 1024 * 1024;
const MAX_IMAGE_PIXELS = 8000;
const MAX_MEDIA = 100;
const MAX_PDF_PAGES = 100;

const MIB = 1024 * 1024;

/** Why a message cannot be given to Claude. */
export interface ContentProblem {
  /** The index of the block; null: all of them together. */
  readonly block: number | null;
  /** A sentence without its subject, such as "must not be blank". */
  readonly message: string;
}

/** What speaks against these blocks. Files are not looked at: only the container has them. */
export function contentProblems(blocks: readonly ContentBlock[]): ContentProblem[] {
  const problems: ContentProblem[] = [];
  let text = 0;
  let media = 0;
  let pages = 0;
  for (const [index, block] of blocks.entries()) {
    if (block.type === 'text') text += new TextEncoder().encode(block.text).byteLength;
    else media += 1;
    const looked = look(block);
    pages += looked.pages;
    if (looked.problem !== null) problems.push({ block: index, message: looked.problem });
  }
  const whole = (message: string) => problems.push({ block: null, message });
  if (text > MAX_TEXT_BYTES) whole(`holds ${size(text)} of text, and ${size(MAX_TEXT_BYTES)} are the most`);
  if (media > MAX_MEDIA) whole(`has ${media} images and documents, and ${MAX_MEDIA} are the most`);
  if (pages > MAX_PDF_PAGES) whole(`has PDFs of ${pages} pages, and ${MAX_PDF_PAGES} are the most`);
  return problems;
}

interface Looked {
  readonly problem: string | null;
  /** Pages of a PDF, as far as it shows them. */
  readonly pages: number;
}

const bad = (problem: string): Looked => ({ problem, pages: 0 });
const FINE: Looked = { problem: null, pages: 0 };
const BLANK = bad('must not be blank');
const NOT_BASE64 = bad('is not base64: use the standard alphabet, padded, without line breaks');

function look(block: ContentBlock): Looked {
  if (block.type === 'text') return block.text.trim() === '' ? BLANK : FINE;
  return block.type === 'image' ? lookAtImage(block) : lookAtDocument(block);
}

function lookAtImage({ source }: ImageBlock): Looked {
  if ('file' in source) return FINE;
  const { data, media_type } = source;
  if (!isBase64(data)) return NOT_BASE64;
  const bytes = decodedBytes(data);
  if (bytes > MAX_IMAGE_BYTES) return bad(`is an image of ${size(bytes)}, and ${size(MAX_IMAGE_BYTES)} are the most`);
  const facts = imageFacts(atob(data));
  if (facts === null) return bad('is no JPEG, PNG, GIF or WebP image');
  if (facts.media_type !== media_type) return bad(`is ${facts.media_type}, not ${media_type}`);
  const { width, height } = facts.size ?? { width: 0, height: 0 };
  if (Math.max(width, height) <= MAX_IMAGE_PIXELS) return FINE;
  return bad(`is an image of ${width} × ${height} pixels, and ${MAX_IMAGE_PIXELS} × ${MAX_IMAGE_PIXELS} are the most`);
}

function lookAtDocument({ source }: DocumentBlock): Looked {
  if ('file' in source) return FINE;
  if (source.type === 'text') return source.data.trim() === '' ? BLANK : FINE;
  if (!isBase64(source.data)) return NOT_BASE64;
  const facts = pdfFacts(atob(source.data));
  if (facts === null) return bad('is no PDF');
  if (facts.isEncrypted) return bad('is an encrypted PDF, which Claude does not read');
  return { problem: null, pages: facts.pages ?? 0 };
}

/** A size for people. */
function size(bytes: number): string {
  return `${Math.round((bytes / MIB) * 100) / 100} MiB`;
}
