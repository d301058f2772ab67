import { createApp } from '../../../functions/app.ts';
import { DiscordDesk as Desk } from '../../../durable/discord/desk.ts';
import { Directory as OwnDirectory } from '../../../durable/directory/directory.ts';
import { Gate as OwnGate } from '../../../durable/gate/gate.ts';
import { RunnerPool as Pool } from '../../../durable/pool/pool.ts';
import { Session as OwnSession } from '../../../durable/session/session.ts';

/** The Worker, with a meter for what Cloudflare bills. `GET /-/metered` reads it. Local only: all objects share one isolate. */

interface Metered {
  /** Calls, alarms and fetches of an object. */
  requests: number;
  /** Frames that came in on WebSockets. */
  frames: number;
  rowsRead: number;
  /** With one for each `setAlarm`. */
  rowsWritten: number;
  /** For which an object of the class was at work, or waited for something, milliseconds. */
  activeMs: number;
  /** Of the databases, bytes. */
  stored: number;
}

const meters = new Map<string, Metered>();
/** Whose a storage is. */
const owners = new WeakMap<object, string>();
/** What each object has run and was not counted yet: only within its own requests can it be asked. */
const cursors = new WeakMap<object, SqlStorageCursor<Record<string, SqlStorageValue>>[]>();
/** The size of each object's database, when it was last at work. */
const sizes = new Map<string, number>();
let workerRequests = 0;
let isPatched = false;

function meterOf(name: string): Metered {
  const known = meters.get(name) ?? { requests: 0, frames: 0, rowsRead: 0, rowsWritten: 0, activeMs: 0, stored: 0 };
  meters.set(name, known);
  return known;
}

/** Has each statement and each alarm counted: of all storages, because they share these functions. */
function patch(storage: DurableObjectStorage): void {
  if (isPatched) return;
  isPatched = true;
  const sql = Object.getPrototypeOf(storage.sql) as SqlStorage;
  const ownExec: SqlStorage['exec'] = Reflect.get(sql, 'exec');
  sql.exec = new Proxy(ownExec, {
    apply(exec, self: SqlStorage, given: [string]) {
      const cursor = Reflect.apply(exec, self, given);
      cursors.get(self)?.push(cursor);
      return cursor;
    },
  });
  const alarms = Object.getPrototypeOf(storage) as DurableObjectStorage;
  const ownAlarm: DurableObjectStorage['setAlarm'] = Reflect.get(alarms, 'setAlarm');
  alarms.setAlarm = new Proxy(ownAlarm, {
    apply(setAlarm, self: DurableObjectStorage, given: [number]) {
      meterOf(owners.get(self) ?? 'unknown').rowsWritten += 1;
      return Reflect.apply(setAlarm, self, given);
    },
  });
}

type Handler = (...given: unknown[]) => unknown;
// oxlint-disable-next-line typescript/no-explicit-any -- TypeScript wants this of a class that extends a parameter
type ObjectClass = new (...given: any[]) => object;

/** Counts what comes to objects of a class, and for how long they are at work with it. */
function metered<C extends ObjectClass>(name: string, Class: C): C {
  const meter = meterOf(name);
  const Metered = class extends (Class as ObjectClass) {
    readonly counted: () => void;

    constructor(ctx: DurableObjectState, env: never) {
      patch(ctx.storage);
      owners.set(ctx.storage, name).set(ctx.storage.sql, name);
      cursors.set(ctx.storage.sql, []);
      super(ctx, env);
      this.counted = () => {
        const { sql } = ctx.storage;
        for (const { rowsRead, rowsWritten } of cursors.get(sql)?.splice(0) ?? []) {
          meter.rowsRead += rowsRead;
          meter.rowsWritten += rowsWritten;
        }
        sizes.set(`${name} ${ctx.id.toString()}`, sql.databaseSize);
      };
    }
  };
  const running = new WeakMap<object, { open: number; since: number }>();
  for (const key of Object.getOwnPropertyNames(Class.prototype)) {
    const handler = Class.prototype[key] as Handler;
    if (key === 'constructor' || key === 'webSocketClose' || key === 'webSocketError') continue;
    Object.defineProperty(Metered.prototype, key, {
      async value(this: { counted(): void }, ...given: unknown[]) {
        if (key === 'webSocketMessage') meter.frames += 1;
        else meter.requests += 1;
        const state = running.get(this) ?? { open: 0, since: 0 };
        running.set(this, state);
        if (state.open === 0) state.since = Date.now();
        state.open += 1;
        try {
          return await handler.apply(this, given);
        } finally {
          state.open -= 1;
          this.counted();
          if (state.open === 0) meter.activeMs += Date.now() - state.since;
        }
      },
    });
  }
  return Metered as C;
}

export const DiscordDesk = metered('DiscordDesk', Desk);
export const Directory = metered('Directory', OwnDirectory);
export const Gate = metered('Gate', OwnGate);
export const RunnerPool = metered('RunnerPool', Pool);
export const Session = metered('Session', OwnSession);

function report() {
  const read = structuredClone(Object.fromEntries(meters));
  for (const [name, size] of sizes) {
    const meter = read[name.split(' ')[0] ?? ''];
    if (meter !== undefined) meter.stored += size;
  }
  return { workerRequests, objects: read };
}

const app = createApp();

export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === '/-/metered') return Response.json(report());
    workerRequests += 1;
    return app.fetch(request, env, context);
  },
} satisfies ExportedHandler<Parameters<typeof app.fetch>[1] & object>;
