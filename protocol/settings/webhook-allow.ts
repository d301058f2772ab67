import * as z from 'zod';

/** workerd's words for several ranges at once. `public` is always allowed. */
const word = z.enum(['public', 'private', 'local', 'network']);

const range = z.union([
  word,
  z.cidrv4(),
  z.cidrv6(),
  z.ipv4().transform((address) => `${address}/32`),
  z.ipv6().transform((address) => `${address}/128`),
]);

/** What webhooks may reach besides public addresses: addresses, CIDR ranges and words, separated by commas. */
export const webhookAllow = z
  .string()
  .default('')
  .transform((text, context) => {
    const ranges: string[] = [];
    for (const written of text.split(',').map((part) => part.trim())) {
      if (written === '') continue;
      const parsed = range.safeParse(written);
      if (parsed.success) ranges.push(parsed.data);
      else
        context.addIssue(
          `takes addresses, ranges such as 10.0.0.0/8, and ${word.options.join(', ')}: not "${written}"`,
        );
    }
    return ranges;
  });
