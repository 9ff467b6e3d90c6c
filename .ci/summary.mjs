// Says in one plain line what Jest runs came to, read from their `--json --outputFile`; fails when one ran no test.
//
//   node .ci/summary.mjs results.json …   →   123 passed, 0 failed, 2 skipped
import { existsSync, readFileSync } from 'node:fs';

const runs = process.argv
  .slice(2)
  .filter((file) => existsSync(file))
  .map((file) => JSON.parse(readFileSync(file, 'utf8')));
const sum = (of) => runs.reduce((total, run) => total + of(run), 0);

const passed = sum((run) => run.numPassedTests);
const skipped = sum((run) => run.numPendingTests + run.numTodoTests);
// A spec file that does not even load has no failed test, and is a failure all the same.
const failed = sum((run) => run.numFailedTests + run.numRuntimeErrorTestSuites);

for (const suite of runs.flatMap((run) => run.testResults).filter(({ status }) => status === 'failed'))
  console.log(`failed: ${suite.name}`);
if (runs.some((run) => run.numPassedTests === 0)) process.exitCode = 1;
console.log(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
