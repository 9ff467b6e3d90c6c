import assert from 'node:assert/strict';
import { memory } from 'nestjs-scoped-cache';
import { open } from './contestants/scoped-cache.mjs';
import { withRemotes } from './harness/remote.mjs';
import { whole } from './harness/table.mjs';

export const about = {
  title: 'One tenant that reads everything once',
  question:
    'Sixty-three tenants read the same few things again and again; a sixty-fourth reads a million different ones, once each. Memory is ' +
    'bounded, and large enough for what the sixty-three need. What is left of their hit rate? With a quota for each tenant (a quarter of ' +
    'everything, the default) and without.',
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
const CONTESTANTS = ['alone', 'with a quota', 'without a quota'];

export async function contestant(name) {
  const quota = name === 'without a quota' ? undefined : {};
  const cache = await open({ backend: memory({ maxEntries: MAX_ENTRIES, maxBytes: 2 ** 31, quota }) });
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
        if (name === 'alone') continue;
        await cache.inRequest('scanner', async () => {
          for (let more = 0; more < SCANS_PER_READ; more++) await find(`scan ${scanned++}`);
        });
      }
      return hits / reads;
    },
  };
}

export async function run(report) {
  const rates = await withRemotes(import.meta.url, CONTESTANTS, async (remotes) => {
    const found = [];
    for (const remote of remotes) found.push(await remote.call('hitRate'));
    return found;
  });
  const [alone, fair] = rates;
  const percent = (rate) => `${(rate * 100).toFixed(2)} %`;
  report.table('hit rate of the sixty-three', [
    ['', 'hit rate', 'of what it is alone'],
    ...CONTESTANTS.map((name, at) => [name, percent(rates[at]), percent(rates[at] / alone)]),
  ]);
  report.note(
    `${whole(MAX_ENTRIES)} entries at most; ${TENANTS} tenants with ${KEYS} things each, the lower ones more often; ${whole(SCANNED)} reads of the scanner.`,
  );
  report.target('of the hit rate alone, with a quota', fair / alone, { least: 0.95 });
}

/** The same numbers every time. */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
