import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** How a run of the tests went. */
export interface Outcome {
  passed: number;
  /** Failed tests, files that could not be loaded, and errors outside any test. */
  failed: number;
  /** Tests that found on this machine that they could not run, or that are marked as not to be run. */
  notRun: { test: string; why: string }[];
  projects: ProjectTime[];
}

/** From a project's first file to its last. */
interface ProjectTime {
  name: string;
  tests: number;
  seconds: number;
}

/** A reporter that counts. `outcome` is complete when the run has ended. */
export class OutcomeReporter implements Reporter {
  readonly outcome: Outcome = { passed: 0, failed: 0, notRun: [], projects: [] };
  readonly #times = new Map<string, { begun: number; ended: number }>();
  /** The run is of some tests by their name: the others' not running means nothing. */
  readonly #byName: boolean;

  constructor(byName: boolean) {
    this.#byName = byName;
  }

  onTestModuleStart({ project }: TestModule): void {
    const now = performance.now();
    if (!this.#times.has(project.name)) this.#times.set(project.name, { begun: now, ended: now });
  }

  onTestModuleEnd({ project }: TestModule): void {
    const time = this.#times.get(project.name);
    if (time !== undefined) time.ended = performance.now();
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    this.outcome.failed += unhandledErrors.length;
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) this.#count(module, test);
      const failedByItself = !module.ok() && tests.every((test) => test.result().state !== 'failed');
      if (failedByItself) this.outcome.failed += 1;
    }
    for (const [name, { begun, ended }] of this.#times) {
      const own = modules.filter(({ project }) => project.name === name);
      const tests = own.reduce((all, { children }) => all + [...children.allTests()].length, 0);
      this.outcome.projects.push({ name, tests, seconds: (ended - begun) / 1000 });
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
