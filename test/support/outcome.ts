import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** How a run of the tests went. */
export interface Outcome {
  passed: number;
  /** Failed tests, files that could not be loaded, and errors outside any test. */
  failed: number;
  /** Tests that found on this machine that they could not run, or that are marked as not to be run. */
  notRun: { test: string; why: string }[];
}

/** A reporter that counts. `outcome` is complete when the run has ended. */
export class OutcomeReporter implements Reporter {
  readonly outcome: Outcome = { passed: 0, failed: 0, notRun: [] };
  /** The run is of some tests by their name: the others' not running means nothing. */
  readonly #byName: boolean;

  constructor(byName: boolean) {
    this.#byName = byName;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    this.outcome.failed += unhandledErrors.length;
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) this.#count(module, test);
      const failedByItself = !module.ok() && tests.every((test) => test.result().state !== 'failed');
      if (failedByItself) this.outcome.failed += 1;
    }
  }

  #count(module: TestModule, test: TestCase): void {
    const result = test.result();
    if (result.state === 'passed') this.outcome.passed += 1;
    else if (result.state === 'failed') this.outcome.failed += 1;
    else {
      const note = result.state === 'skipped' ? result.note : 'it did not come to its end';
      if (note === undefined && this.#byName) return;
      this.outcome.notRun.push({
        test: `${module.relativeModuleId} > ${test.fullName}`,
        why: note ?? 'it is marked as not to be run',
      });
    }
  }
}
