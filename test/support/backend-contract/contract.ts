import type { BackendUnderTest } from './backend-under-test.ts';
import { lifeContract } from './life.ts';
import { runnerContract } from './runner.ts';
import { waysContract } from './ways.ts';

/** What every backend does alike, and what it promises beyond that (`promises.ts`). To be called where tests are described. */
export function backendContract(backend: BackendUnderTest): void {
  lifeContract(backend);
  runnerContract(backend);
  waysContract(backend);
}
