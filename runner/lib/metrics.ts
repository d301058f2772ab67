import { Registry } from '../../protocol/metrics/registry.ts';

/** What this runner process has counted. The pool is told with the runner's health, and shows it in `GET /metrics`. */
export const runnerMetrics = new Registry();
