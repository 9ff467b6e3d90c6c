import { PACKAGES } from './contestants/index.mjs';
import { hitContestant } from './harness/hits.mjs';
import { race, ratioOf } from './harness/rounds.mjs';
import { raceTable } from './harness/table.mjs';

const NAMES = ['hand memo', 'nestjs-scoped-cache', 'bentocache'];

export const about = {
  title: 'A hit in memory, beside other libraries in one process',
  question:
    'What does a hit cost where other caches are at work in the same process, and methods share a namespace? An argument that is ' +
    'one number or a query of three fields, an answer that is one number or a record of six fields with a list in it. Before each ' +
    'turn of a contestant the others have one that is not timed. By hand the key is a template, which takes this query only, and the ' +
    'answer is the stored object itself, where this library hands out a copy.',
  packages: PACKAGES,
};

const COUNTRIES = ['de', 'fr', 'it', 'es'];
const numbers = Array.from({ length: 256 }, (_, at) => at + 1);
const queries = numbers.map((page, at) => ({ country: COUNTRIES[at % 4], page, limit: 20 }));
const pageOf = (arg) => (typeof arg === 'number' ? arg : arg.page);
const keyOf = (arg) => (typeof arg === 'number' ? `${arg}` : `${arg.country}:${arg.page}:${arg.limit}`);
const number = (arg, tenant) => pageOf(arg) * 10 + tenant.length;
const record = (arg, tenant) => ({
  id: pageOf(arg),
  name: `${tenant} ${pageOf(arg)}`,
  price: pageOf(arg) * 1.25,
  isActive: true,
  colour: COUNTRIES[pageOf(arg) % 4],
  tags: ['a', 'b'],
});

const CASES = {
  'number, number': { args: numbers, answer: number },
  'number, object': { args: numbers, answer: record },
  'object, number': { args: queries, answer: number },
  'object, object': { args: queries, answer: record },
};
/** What each may cost at most, in times the hand memo, and how many times faster it has to be than bentocache. */
const TARGETS = {
  'number, number': { most: 1.25, least: 7 },
  'number, object': { most: 1.7, least: 9 },
  'object, number': { most: 2.3, least: 4.5 },
  'object, object': { most: 2.7, least: 4.5 },
};
const UNTIMED_SHARE = 20;

/** @param name `<contestant>: <case>` */
export async function contestant(name) {
  const [own, which] = name.split(': ');
  const { args, answer } = CASES[which];
  const options = { namespace: 'cats' };
  const open = (one) => hitContestant(one, { args, key: keyOf, answer, options });
  const all = new Map();
  for (const one of NAMES) all.set(one, await open(one));
  return {
    async prove() {
      for (const one of all.values()) await one.prove();
    },
    async time(calls) {
      for (const [other, one] of all) if (other !== own) await one.time(Math.ceil(calls / UNTIMED_SHARE));
      return all.get(own).time(calls);
    },
  };
}

export async function run(report) {
  for (const [which, { most, least }] of Object.entries(TARGETS)) {
    const rows = await race(
      import.meta.url,
      NAMES.map((name) => `${name}: ${which}`),
    );
    const row = (name) => rows.find((one) => one.name === `${name}: ${which}`);
    report.table(
      `${which}: ns per call, median of the rounds`,
      raceTable(rows, 'the hand memo', { called: (name) => name.replace(`: ${which}`, '') }),
      rows,
    );
    const ours = row('nestjs-scoped-cache');
    report.target(`${which}: times the hand memo`, ours.ratio, { most, unit: ' ×' });
    report.target(`${which}: faster than bentocache`, ratioOf(row('bentocache'), ours), { least, unit: ' ×' });
  }
}
