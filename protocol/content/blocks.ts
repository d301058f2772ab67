import * as z from 'zod';

/**
 * The blocks of a message that is not text alone. The same shapes as of Claude's Messages API, and one of ours: a file of
 * the session's workspace. Fields and types that are not listed are refused: Claude Code would pass on what it does not
 * know, keep it in the conversation, and the model's API would refuse the conversation from then on.
 */

const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'] as const;
export type ImageType = (typeof IMAGE_TYPES)[number];

/** A path in the workspace, such as `docs/plan.pdf`. The container reads it when the agent gets the message. */
const fileSource = z.strictObject({
  file: z
    .string()
    .min(1)
    .max(4096)
    .refine(
      isWithin,
      'must be a path within the workspace, such as docs/plan.pdf, without a leading slash and without ..',
    ),
});

function isWithin(path: string): boolean {
  return !path.startsWith('/') && !path.includes('\0') && !path.split('/').includes('..');
}

const textBlock = z.strictObject({ type: z.literal('text'), text: z.string() });

const imageData = z.strictObject({ type: z.literal('base64'), media_type: z.enum(IMAGE_TYPES), data: z.string() });
const imageBlock = z.strictObject({
  type: z.literal('image'),
  source: z.union([imageData, fileSource], { error: 'must be base64 with a media_type, or a file' }),
});

const pdfData = z.strictObject({
  type: z.literal('base64'),
  media_type: z.literal('application/pdf'),
  data: z.string(),
});
const plainText = z.strictObject({ type: z.literal('text'), media_type: z.literal('text/plain'), data: z.string() });
const documentBlock = z.strictObject({
  type: z.literal('document'),
  source: z.union([pdfData, plainText, fileSource], { error: 'must be a PDF in base64, plain text, or a file' }),
  title: z.string().min(1).max(255).optional(),
});

export const contentBlock = z.discriminatedUnion('type', [textBlock, imageBlock, documentBlock], {
  error: 'must be text, image or document',
});
export type ContentBlock = z.infer<typeof contentBlock>;
export type ImageBlock = z.infer<typeof imageBlock>;
export type DocumentBlock = z.infer<typeof documentBlock>;

/** What a message says: text, or blocks. */
export type Prompt = string | readonly ContentBlock[];

const bytes = z.int().min(0);
/** A block as events and lists show it: data is replaced by its size in bytes. */
export const shownBlock = z.discriminatedUnion('type', [
  textBlock,
  z.object({
    type: z.literal('image'),
    source: z.union([imageData.omit({ data: true }).extend({ bytes }), z.strictObject({ file: z.string() })]),
  }),
  z.object({
    type: z.literal('document'),
    source: z.union([
      pdfData.omit({ data: true }).extend({ bytes }),
      plainText.omit({ data: true }).extend({ bytes }),
      z.strictObject({ file: z.string() }),
    ]),
    title: z.string().optional(),
  }),
]);
export type ShownBlock = z.infer<typeof shownBlock>;

/** Whether a block is shown as it was sent: it has no data of an image or a document. */
export function isWhole(block: ContentBlock | ShownBlock): block is ContentBlock & ShownBlock {
  return block.type === 'text' || 'file' in block.source;
}

/** Whether a request's body, or a viewer's frame, carries blocks: it may be larger then. */
export function carriesBlocks(json: unknown): boolean {
  return typeof json === 'object' && json !== null && 'prompt' in json && Array.isArray(json.prompt);
}
