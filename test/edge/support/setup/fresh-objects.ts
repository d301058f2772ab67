import { reset } from 'cloudflare:test';
import { beforeAll } from 'vitest';

// Files share a workerd, whose start takes longer than most of them. Each begins without objects, as if it were alone.
beforeAll(async () => await reset());
