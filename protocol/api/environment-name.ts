import * as z from 'zod';

/** The environment that a repository describes itself: its `.devcontainer/devcontainer.json`. No other has this name. */
export const DEVCONTAINER = 'devcontainer';

/** The name of an environment. Each owner has names of their own, beside those that the operator shares. */
export const environmentName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be 1 to 64 small letters, digits and -, and begin with no -');

/** Which state of an environment it is: of equal content, it is equal. */
export const environmentRevision = z.string().regex(/^[0-9a-f]{12}$/);

/** The environment that a session was created from, as it was then. */
export const sessionEnvironment = z.object({
  name: environmentName,
  /** It is the operator's. */
  shared: z.boolean(),
  /** Of its content when the session was created. Null: its repository describes it (`devcontainer`). */
  revision: environmentRevision.nullable(),
});
export type SessionEnvironment = z.infer<typeof sessionEnvironment>;
