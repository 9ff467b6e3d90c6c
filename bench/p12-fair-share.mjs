import assert from 'node:assert/strict';
import { memory } from 'nestjs-scoped-cache';
import { open } from './contestants/scoped-cache.mjs';
import { isBefore, withBefore } from './harness/before.mjs';
import { withRemotes } from './harness/remote.mjs';
import { whole } from './harness/table.mjs';

export const about = {
  title: 'One tenant that reads everything once',
  question:
    'Sixty-three tenants read the same few things again and again; a sixty-fourth reads a million different ones, once each. Memory is ' +
    'bounded, and large enough for what the sixty-three need. What is left of their hit rate? With a quota for each tenant (a quarter of ' +
    'everything, the default) and without; where four read like that at once; and in a memory that holds no more than the sixty-three need.',
  packages: ['@nestjs/core'],
};

const TENANTS = 63;
const KEYS = 200;
const MAX_ENTRIES = 20_000;
const SCANNED = 1_000_000;
/** Reads of the scanner for one of all the others. */
const SCANS_PER_READ = 5;
const READS = SCANNED / SCANS_PER_READ;
const WARM_UP = READS / 4;
const NEEDED = TENANTS * KEYS;
const FOUR = 'four scan, with a quota';
const TIGHT = 'no room to spare, with a quota';
const TIGHT_ALONE = 'no room to spare, alone';
const CONTESTANTS = ['alone', 'with a quota', FOUR, TIGHT_ALONE, TIGHT, 'without a quota'];

export async function contestant(name) {
  const quota = name === 'without a quota' ? undefined : {};
  const maxEntries = name === TIGHT || name === TIGHT_ALONE ? NEEDED : MAX_ENTRIES;
  const scanners = name === FOUR ? 4 : 1;
  const cache = await open({ backend: memory({ maxEntries, maxBytes: 2 ** 31, quota }) });
  let loads = 0;
  const find = cache.memoize(async (id) => {
    loads++;
    return { id, name: `thing ${id}` };
  }, {});
  return {
    /** The others' hit rate after a warm-up. */
    async hitRate() {
      let [hits, reads, scanned] = [0, 0, 0];
      const random = seeded(7);
      for (let read = 0; read < READS + WARM_UP; read++) {
        const tenant = `t${Math.floor(random() * TENANTS)}`;
        const id = Math.floor(random() ** 2 * KEYS);
        const before = loads;
        const found = await cache.inRequest(tenant, () => find(id));
        assert.equal(found.id, id);
        if (read >= WARM_UP) {
          reads++;
          if (loads === before) hits++;
        }
        if (name.endsWith('alone')) continue;
        await cache.inRequest(`scanner ${read % scanners}`, async () => {
          for (let more = 0; more < SCANS_PER_READ; more++) await find(`scan ${scanned++}`);
        });
      }
      return hits / reads;
    },
  };
}

export async function run(report) {
  const names = withBefore(CONTESTANTS, () => true);
  const all = await withRemotes(import.meta.url, names, async (remotes) => {
    const found = [];
    for (const remote of remotes) found.push(await remote.call('hitRate'));
    return found;
  });
  const rates = CONTESTANTS.map((name) => all[names.indexOf(name)]);
  const [alone, fair, four, tightAlone, tight] = rates;
  const of = [alone, alone, alone, tightAlone, tightAlone, alone];
  const percent = (rate) => `${(rate * 100).toFixed(2)} %`;
  report.table('hit rate of the sixty-three', [
    ['', 'hit rate', 'of what it is alone'],
    ...CONTESTANTS.map((name, at) => [name, percent(rates[at]), percent(rates[at] / of[at])]),
    ...names.flatMap((name, at) => (isBefore(name) ? [[name, percent(all[at]), '']] : [])),
  ]);
  report.note(
    `${whole(MAX_ENTRIES)} entries at most; ${TENANTS} tenants with ${KEYS} things each, the lower ones more often; ${whole(SCANNED)} reads of those who scan; ${whole(NEEDED)} entries where there is no room to spare.`,
  );
  report.target('of the hit rate alone, with a quota', fair / alone, { least: 0.95 });
  report.target('the same where four scan', four / alone, { least: 0.95 });
  report.target('the same with no room to spare', tight / tightAlone, { least: 0.95 });
}

/** The same numbers every time. */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
