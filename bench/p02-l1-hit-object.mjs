import { CONTESTANTS, PACKAGES } from './contestants/index.mjs';
import { hitContestant } from './harness/hits.mjs';
import { race, ratioOf } from './harness/rounds.mjs';
import { raceTable } from './harness/table.mjs';

export const about = {
  title: 'A hit in memory, an object; with tags',
  question:
    'The same for a query of three fields as argument and a record of three fields as answer, without tags and with three of them. ' +
    'By hand the key is JSON.stringify, which takes any query as this library does (it sorts the fields besides), or a template, ' +
    'which takes this one only; and the answer is the stored object itself, where this library hands out a copy.',
  packages: PACKAGES,
};

const COUNTRIES = ['de', 'fr', 'it', 'es'];
const args = Array.from({ length: 256 }, (_, index) => ({ country: COUNTRIES[index % 4], page: index, limit: 20 }));
const TAGGED = ' + 3 tags';
const TEMPLATE = ', key by a template';

export function contestant(name) {
  return hitContestant(name.replace(TAGGED, '').replace(TEMPLATE, ''), {
    args,
    key: name.endsWith(TEMPLATE) ? ({ country, page, limit }) => `${country}:${page}:${limit}` : JSON.stringify,
    answer: ({ country, page }, tenant) => ({ id: page, name: `${country} of ${tenant}`, total: page * 20 }),
    tags: ({ country, page }) => ['cats', `country:${country}`, `page:${page}`],
    options: { usesTags: name.endsWith(TAGGED) },
  });
}

export async function run(report) {
  const tagged = ['nestjs-scoped-cache', 'cacheable', 'bentocache'].map((name) => name + TAGGED);
  const rows = await race(import.meta.url, [...Object.keys(CONTESTANTS), `hand memo${TEMPLATE}`, ...tagged]);
  report.table('ns per call, median of the rounds', raceTable(rows, 'the hand memo'), rows);
  const row = (name) => rows.find((one) => one.name === name);
  const ours = row('nestjs-scoped-cache');
  report.target('times the hand memo', ours.ratio, { most: 2.3, unit: ' ×' });
  report.target('faster than bentocache', ratioOf(row('bentocache'), ours), { least: 4.5, unit: ' ×' });
  report.target('what three tags add', ratioOf(row(`nestjs-scoped-cache${TAGGED}`), ours) - 1, { most: 0.15 });
}
