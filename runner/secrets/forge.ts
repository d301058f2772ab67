import * as z from 'zod';

/** A server that holds repositories and has an API beside them: one token is good for both, in two forms. */
export const forge = z.enum(['github', 'gitlab', 'gitea']);
export type Forge = z.infer<typeof forge>;

export function isForge(form: unknown): form is Forge {
  return forge.safeParse(form).success;
}

/** The hosts of the one that everybody knows by that name. Of Gitea there is none. */
export const FORGE_HOSTS: Readonly<Record<Forge, readonly string[]>> = {
  github: ['github.com', 'api.github.com', 'uploads.github.com'],
  gitlab: ['gitlab.com'],
  gitea: [],
};

/** How a forge takes a token: git by Basic, which takes no other, and the API by its own word. */
export const FORGE_FORMS: Readonly<Record<Forge, { username: string; scheme: string; drops: readonly string[] }>> = {
  github: { username: 'x-access-token', scheme: 'Bearer', drops: [] },
  // GitLab takes these before `Authorization`, and glab sends its dummy in the first.
  gitlab: { username: 'oauth2', scheme: 'Bearer', drops: ['PRIVATE-TOKEN', 'JOB-TOKEN'] },
  // A Bearer is for OAuth alone in old versions.
  gitea: { username: 'x-access-token', scheme: 'token', drops: [] },
};

/** Whether a request is one to the forge's API, and no git's: by the host that it has for it, or by the path. */
export function isApi(host: string, path: string): boolean {
  return /^(api|uploads)\./.test(host) || path.startsWith('/api/');
}
