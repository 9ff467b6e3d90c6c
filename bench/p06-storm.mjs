import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONTESTANTS, PACKAGES, openContestant } from './contestants/index.mjs';
import { withBefore } from './harness/before.mjs';
import { withRemotes } from './harness/remote.mjs';
import { summary } from './harness/stats.mjs';
import { fixed, percent } from './harness/table.mjs';

export const about = {
  title: 'A storm on one cold key, one process',
  question:
    'A thousand callers ask for the same result at once, and it is not there. How often does the loader run, and how long after ' +
    'it has answered (in 20 ms) has the last caller its answer? Fifteen storms, each on a new key.',
  packages: PACKAGES,
};

const CALLERS = 1_000;
const STORMS = 15;
const LOADER_MS = 20;

export async function contestant(name) {
  const cache = await openContestant(name);
  let loads = 0;
  let lastLoadMs = 0;
  const load = async (id) => {
    loads++;
    const startedAt = performance.now();
    await sleep(LOADER_MS);
    lastLoadMs = performance.now() - startedAt;
    return { id, name: `Cat ${id}` };
  };
  const find = cache.memoize(load, { key: String });
  return {
    /** How often the loader ran, and how much longer the callers took than one loader. */
    storm: (id) =>
      cache.inRequest('acme', async () => {
        loads = 0;
        const startedAt = performance.now();
        const answers = await Promise.all(Array.from({ length: CALLERS }, () => find(id)));
        const overMs = performance.now() - startedAt - lastLoadMs;
        for (const answer of answers) assert.deepEqual(answer, { id, name: `Cat ${id}` });
        return { loads, overMs };
      }),
  };
}

export async function run(report) {
  const rows = [];
  const names = withBefore(Object.keys(CONTESTANTS));
  await withRemotes(import.meta.url, names, async (remotes) => {
    const lanes = remotes.map((remote) => ({ remote, loads: 0, overMs: [] }));
    // The first storm warms up and does not count.
    for (let storm = 0; storm <= STORMS; storm++) {
      for (const lane of lanes) {
        const { loads, overMs } = await lane.remote.call('storm', storm);
        if (storm === 0) continue;
        lane.loads = Math.max(lane.loads, loads);
        lane.overMs.push(overMs);
      }
    }
    rows.push(...lanes.map(({ remote, loads, overMs }) => ({ name: remote.name, loads, ...summary(overMs) })));
  });
  report.table(
    `${CALLERS} callers, a loader of ${LOADER_MS} ms`,
    [
      ['', 'loader runs', 'ms over the loader', 'spread'],
      ...rows.map(({ name, loads, median, spread }) => [name, loads, fixed(median), percent(spread)]),
    ],
    rows,
  );
  const ours = rows.find(({ name }) => name === 'nestjs-scoped-cache');
  report.target('loader runs', ours.loads, { most: 1 });
  report.target('ms over the loader', ours.median, { most: 10, unit: ' ms' });
}
