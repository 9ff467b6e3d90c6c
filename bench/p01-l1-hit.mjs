import { CONTESTANTS, PACKAGES } from './contestants/index.mjs';
import { hitContestant } from './harness/hits.mjs';
import { race, ratioOf } from './harness/rounds.mjs';
import { raceTable } from './harness/table.mjs';

export const about = {
  title: 'A hit in memory, one number',
  question:
    'What does a call of a cached method cost when the answer is there? One number as argument, one number as answer, ' +
    'inside a request of a tenant; 256 arguments in turn, calls one after the other. The floor is the memo that one writes by hand ' +
    'around lru-cache, keyed by the tenant of the running request.',
  packages: PACKAGES,
};

const args = Array.from({ length: 256 }, (_, index) => index + 1);

export function contestant(name) {
  return hitContestant(name, { args, key: String, answer: (id, tenant) => id * 10 + tenant.length });
}

export async function run(report) {
  const rows = await race(import.meta.url, Object.keys(CONTESTANTS));
  report.table('ns per call, median of the rounds', raceTable(rows, 'the hand memo'), rows);
  const row = (name) => rows.find((one) => one.name === name);
  const ours = row('nestjs-scoped-cache');
  report.target('times the hand memo', ours.ratio, { most: 1.25, unit: ' ×' });
  report.target('faster than bentocache', ratioOf(row('bentocache'), ours), { least: 7, unit: ' ×' });
  report.target('faster than cache-manager', ratioOf(row('cache-manager'), ours), { least: 3, unit: ' ×' });
}
