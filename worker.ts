import { createApp } from './functions/app.ts';

export { DiscordDesk } from './durable/discord-desk.ts';
export { Directory } from './durable/directory.ts';
export { RunnerPool } from './durable/runner-pool.ts';
export { Session } from './durable/session.ts';

export default createApp();
