import { visible } from './text/text.ts';

const NAME = /^[A-Za-z_][\w-]*$/;

/**
 * A tool's input for a person to read: one line for each field. A text of several lines is indented below its field's
 * name, so that none of its lines looks like another field. Invisible characters are spelled out.
 */
export function shownInput(input: Readonly<Record<string, unknown>>): string {
  const fields = Object.entries(input).map(([name, value]) => {
    const shownName = NAME.test(name) ? name : JSON.stringify(name);
    if (typeof value !== 'string') return `${shownName}: ${JSON.stringify(value, null, 2)}`;
    if (!value.includes('\n')) return `${shownName}: ${value}`;
    return `${shownName}:\n${value.replace(/^/gm, '  ')}`;
  });
  return visible(fields.join('\n'));
}
