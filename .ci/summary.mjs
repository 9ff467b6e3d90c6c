// Says in one plain line what a Jest run came to, read from its `--json --outputFile`; fails when no test ran.
//
//   node .ci/summary.mjs results.json   →   123 passed, 0 failed, 2 skipped
import { readFileSync } from 'node:fs';

const run = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const skipped = run.numPendingTests + run.numTodoTests;
// A spec file that does not even load has no failed test, and is a failure all the same.
const failed = run.numFailedTests + run.numRuntimeErrorTestSuites;

for (const suite of run.testResults.filter(({ status }) => status === 'failed')) console.log(`failed: ${suite.name}`);
if (run.numPassedTests === 0) process.exitCode = 1;
console.log(`${run.numPassedTests} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
