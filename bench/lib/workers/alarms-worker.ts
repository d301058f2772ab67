import { createApp } from '../../../functions/app.ts';
import { DiscordDesk as Desk } from '../../../durable/discord/desk.ts';
import { Directory as OwnDirectory } from '../../../durable/directory/directory.ts';
import { Gate as OwnGate } from '../../../durable/gate/gate.ts';
import { RunnerPool as Pool } from '../../../durable/pool/pool.ts';
import { Session as OwnSession } from '../../../durable/session/session.ts';

/** The Worker, with a counter of alarms. `GET /-/alarms` reads it. Local only: all objects share one isolate. */

const fired: Record<string, number> = {};

// oxlint-disable-next-line typescript/no-explicit-any -- TypeScript wants this of a class that extends a parameter
type ObjectClass = new (...given: any[]) => { alarm(...given: any[]): void | Promise<void> };

function counted<C extends ObjectClass>(name: string, Class: C): C {
  fired[name] = 0;
  return class extends (Class as ObjectClass) {
    override async alarm(...given: unknown[]): Promise<void> {
      fired[name] = (fired[name] ?? 0) + 1;
      await super.alarm(...given);
    }
  } as C;
}

export const DiscordDesk = counted('desk', Desk);
export const Directory = counted('directory', OwnDirectory);
export const Gate = counted('gate', OwnGate);
export const RunnerPool = counted('pool', Pool);
export const Session = counted('session', OwnSession);

const app = createApp();

export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === '/-/alarms') return Response.json(fired);
    return app.fetch(request, env, context);
  },
} satisfies ExportedHandler<Parameters<typeof app.fetch>[1] & object>;
