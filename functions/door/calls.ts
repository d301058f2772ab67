import { RpcTarget } from 'capnweb';
import { z } from 'zod';
import { CALLABLE, type Binding } from '../../durable/rpc/callable.ts';
import { released, type EdgeEnv } from '../../durable/rpc/edge-env.ts';

const BINDINGS = Object.keys(CALLABLE) as [Binding, ...Binding[]];

/** Which object is asked what. */
const asked = z
  .object({
    binding: z.enum(BINDINGS),
    /** Of the object: `idFromName`. */
    name: z.string().max(1024),
    method: z.string(),
    args: z.array(z.unknown()),
  })
  .refine(({ binding, method }) => (CALLABLE[binding] as readonly string[]).includes(method), {
    error: ({ input }) => `${String((input as { method?: unknown }).method)} may not be called from elsewhere`,
  });

/** The methods of objects, for an edge elsewhere. */
export class Calls extends RpcTarget {
  readonly #env: EdgeEnv;

  constructor(env: EdgeEnv) {
    super();
    this.#env = env;
  }

  /** Calls an object. @throws what the object throws, with its marks; or that this may not be called */
  async call(binding: string, name: string, method: string, args: unknown[]): Promise<unknown> {
    const call = asked.parse({ binding, name, method, args });
    const namespace: DurableObjectNamespace = this.#env[call.binding];
    const stub: object = namespace.get(namespace.idFromName(call.name));
    const result = await (stub as Record<string, (...given: unknown[]) => Promise<unknown>>)[call.method]?.(
      ...call.args,
    );
    // A copy, without what workerd has put on it.
    return structuredClone(released(result));
  }
}
