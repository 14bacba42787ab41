/**
 * Vitest reporter that writes `{"passed": N, "failed": N}` to a file. A file that does not load, and an
 * error outside of any test, count as one failure each: a run never looks better than it was.
 */
import { writeFileSync } from 'node:fs';

export default class TallyReporter {
  #file;

  constructor({ file }) {
    this.#file = file;
  }

  onTestRunEnd(testModules, unhandledErrors) {
    let passed = 0;
    let failed = unhandledErrors.length;
    for (const module of testModules) {
      failed += module.errors().length;
      for (const suite of module.children.allSuites()) failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed++;
        else if (state === 'failed') failed++;
      }
    }
    writeFileSync(this.#file, JSON.stringify({ passed, failed }));
  }
}
