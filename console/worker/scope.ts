/** What the bundler puts in (`scripts/console/bundle-worker.ts`). */
declare const SHELL_FILES: readonly string[];
declare const SHELL_VERSION: string;

declare const self: ServiceWorkerGlobalScope;

/** The worker itself, by its own type: TypeScript takes it for any worker. */
export const worker = self;

/** The addresses of all files of this version of the console. */
export const shellFiles = SHELL_FILES;

/** Changes with any of them. */
export const shellVersion = SHELL_VERSION;
