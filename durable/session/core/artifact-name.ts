/** Longest name, characters, as `share_artifact` takes it. */
const LONGEST = 255;

/**
 * What an artifact is called: a name that a person can save a file under, whatever the agent, or the file itself, is called. No folders, no
 * control characters, none that turn the direction of what is read (a name that ends in `fdp.exe` and shows as `exe.pdf`).
 */
export function artifactName(wanted: string | undefined, path: string): string {
  const asked = wanted ?? path.split('/').at(-1) ?? '';
  const name = asked
    .toWellFormed()
    .replaceAll(/[/\\\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, '_')
    .trim()
    .slice(0, LONGEST)
    .toWellFormed();
  return /^\.{0,2}$/.test(name) ? 'artifact' : name;
}
