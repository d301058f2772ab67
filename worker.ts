import type { AppEnv } from './functions/app-env.ts';
import { createApp } from './functions/app.ts';
import { withoutPlatformHeaders } from './functions/web/platform-headers.ts';

export { DiscordDesk } from './durable/discord/desk.ts';
export { Directory } from './durable/directory/directory.ts';
export { Gate } from './durable/gate/gate.ts';
export { RunnerPool } from './durable/pool/pool.ts';
export { Session } from './durable/session/session.ts';

const app = createApp();

export default {
  fetch: (request, env, context) => app.fetch(withoutPlatformHeaders(request, env), env, context),
} satisfies ExportedHandler<AppEnv['Bindings']>;
