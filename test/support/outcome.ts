import { stripVTControlCharacters } from 'node:util';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

const MESSAGE_CHARACTERS = 1000;

/** How a run of the tests went. */
export interface Outcome {
  passed: number;
  /** Failed tests, files that could not be loaded, and errors outside any test. */
  failed: number;
  /** What has failed, and its first error. */
  failures: { test: string; why: string }[];
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
  readonly outcome: Outcome = { passed: 0, failed: 0, failures: [], notRun: [], projects: [] };
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
    for (const error of unhandledErrors) this.#failed('outside any test', [error]);
    for (const module of modules) {
      for (const test of module.children.allTests()) this.#count(test);
      // Its hooks, and those of its groups.
      for (const part of [module, ...module.children.allSuites()]) {
        const { length } = part.errors();
        if (length > 0) this.#failed(nameOf(part), part.errors());
      }
    }
    for (const [name, { begun, ended }] of this.#times) {
      const own = modules.filter(({ project }) => project.name === name);
      const tests = own.reduce((all, { children }) => all + [...children.allTests()].length, 0);
      this.outcome.projects.push({ name, tests, seconds: (ended - begun) / 1000 });
    }
  }

  #count(test: TestCase): void {
    const result = test.result();
    if (result.state === 'passed') this.outcome.passed += 1;
    else if (result.state === 'failed') this.#failed(nameOf(test), result.errors);
    else {
      const note = result.state === 'skipped' ? result.note : 'it did not come to its end';
      if (note === undefined && this.#byName) return;
      this.outcome.notRun.push({
        test: nameOf(test),
        why: note ?? whyNotRun(test),
      });
    }
  }

  #failed(test: string, errors: readonly unknown[]): void {
    this.outcome.failed += 1;
    this.outcome.failures.push({ test, why: errors.length === 0 ? 'no error is known' : messageOf(errors[0]) });
  }
}

const nameOf = (part: TestModule | TestSuite | TestCase): string =>
  part.type === 'module' ? part.relativeModuleId : `${part.module.relativeModuleId} > ${part.fullName}`;

/** Of a test that says nothing itself. */
function whyNotRun({ parent }: TestCase): string {
  for (let part = parent; ; part = part.parent) {
    if (part.errors().length > 0) return 'what has to be there before it could not be made ready: see below';
    if (part.type === 'module') return 'it is marked as not to be run';
  }
}

/** Vitest's errors come as plain data. */
function messageOf(error: unknown): string {
  const isError = typeof error === 'object' && error !== null && 'message' in error;
  return stripVTControlCharacters(isError ? String(error.message) : String(error)).slice(0, MESSAGE_CHARACTERS);
}
