import type { EdgeEnv } from '../../durable/rpc/edge-env.ts';

declare global {
  // eslint-disable-next-line typescript/no-namespace -- the plugin's types are extended this way
  namespace Cloudflare {
    interface Env extends EdgeEnv {
      JWT_SECRET: string;
    }
  }
}
