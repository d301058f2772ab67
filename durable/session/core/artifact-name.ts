/** Longest name, characters. The `share_artifact` tool has the same limit. */
const MAX_NAME = 255;

/**
 * An artifact's name, under which a person can save it: the name that the agent asked for, else the file's own, made
 * safe. It has no folders, no control characters, and no characters that change the direction of text: these can show a
 * name that ends in `fdp.exe` as one that ends in `exe.pdf`.
 */
export function artifactName(requested: string | undefined, path: string): string {
  const raw = requested ?? path.split('/').at(-1) ?? '';
  const name = raw
    .toWellFormed()
    .replaceAll(/[/\\\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, '_')
    .trim()
    .slice(0, MAX_NAME)
    .toWellFormed();
  return /^\.{0,2}$/.test(name) ? 'artifact' : name;
}
