import type { UnsupportedList } from './unsupported.ts';

/** How many characters all values together may add to a file. A short one could name a long one any number of times. */
export const MAX_GROWTH = 64 * 1024;

export interface VariablesContext {
  /** The repository's folder in the container. */
  readonly folder: string;
  /** What the container has of variables, besides those of the file. */
  readonly env: Readonly<Record<string, string>>;
  readonly unsupported: UnsupportedList;
  /** What may still be added, at first `MAX_GROWTH`. */
  readonly growth: { left: number };
}

/**
 * Puts values in for `${…}`. There is no machine of a user's from which a container is made: both of its folders are the
 * repository's in the container, and `${localEnv:…}` has its default.
 *
 * @param field whose text it is, for what is named
 */
export function substitute(
  text: string,
  field: string,
  { folder, env, unsupported, growth }: VariablesContext,
): string {
  const valueOf = (whole: string, inner: string): string => {
    const [kind = '', name = '', ...rest] = inner.split(':');
    const otherwise = rest.join(':');
    switch (kind) {
      case 'localWorkspaceFolder':
      case 'containerWorkspaceFolder':
        return folder;
      case 'localWorkspaceFolderBasename':
      case 'containerWorkspaceFolderBasename':
        return folder.split('/').at(-1) ?? '';
      case 'localEnv':
      case 'env':
        unsupported.add(
          `${field}: ${whole}`,
          'no variables of your machine come here: put it into config.env, or config.secrets',
        );
        return otherwise;
      case 'containerEnv':
        return Object.hasOwn(env, name) ? (env[name] ?? '') : otherwise;
      default:
        unsupported.add(`${field}: ${whole}`, 'this variable is not known here');
        return whole;
    }
  };
  return text.replaceAll(/\$\{([^{}$]+)\}/g, (whole: string, inner: string) => {
    const value = valueOf(whole, inner);
    growth.left -= value.length;
    if (growth.left >= 0) return value;
    unsupported.add(field, `values of variables add more than ${MAX_GROWTH / 1024} KB to the file`);
    return '';
  });
}
