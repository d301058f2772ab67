import { env, runInDurableObject } from 'cloudflare:test';
import { beforeAll } from 'vitest';

/** Largest row of a Durable Object on Cloudflare, bytes. workerd at home and in tests takes larger ones. */
const MAX_ROW = 2_000_000;

const patched = new WeakSet<object>();

const sizeOf = (value: unknown): number => {
  if (typeof value === 'string')
    return value.length * 3 < MAX_ROW / 50 ? 0 : new TextEncoder().encode(value).byteLength;
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value) ? value.byteLength : 0;
};

/** Has every statement of every object here refuse what Cloudflare would refuse. */
beforeAll(async () => {
  await runInDurableObject(env.GATE.get(env.GATE.idFromName('service')), (_, { storage }) => {
    const sql = Object.getPrototypeOf(storage.sql) as SqlStorage;
    if (patched.has(sql)) return;
    patched.add(sql);
    const own: SqlStorage['exec'] = Reflect.get(sql, 'exec');
    sql.exec = new Proxy(own, {
      apply(exec, self: SqlStorage, [query, ...values]: [string, ...unknown[]]) {
        const size = values.reduce((sum: number, value) => sum + sizeOf(value), 0);
        if (size > MAX_ROW) throw new Error(`a row of ${size} bytes, which Cloudflare does not take: ${query}`);
        return Reflect.apply(exec, self, [query, ...values]);
      },
    });
  });
});
