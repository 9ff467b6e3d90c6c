import { setTimeout as sleep } from 'node:timers/promises';
import { CONTESTANTS, PACKAGES, openContestant } from './contestants/index.mjs';
import { withBefore } from './harness/before.mjs';
import { withRemotes } from './harness/remote.mjs';

export const about = {
  title: 'An invalidation while the value is being loaded, one process',
  question:
    'A loader has read the old state; before it answers, the state changes and the entry is invalidated, by key, by tag, or by ' +
    'clearing. The invalidation has returned. Who asks now, while the old load is still under way, and who asks after it has ended: do they get the old value? ' +
    'Three tries in each cell, on new keys.',
  packages: PACKAGES,
};

const TRIES = 3;
const WAYS = ['delete', 'deleteTag', 'clear'];
const TITLES = { delete: 'by key', deleteTag: 'by tag', clear: 'clear' };

export async function contestant(name) {
  const plain = await openContestant(name);
  const tagged = plain.deleteTag === undefined ? undefined : await openContestant(name, { usesTags: true });
  return {
    /** How often the old value was served: to those who asked during the load, and to those who asked afterwards. */
    async race(way) {
      const cache = way === 'deleteTag' ? tagged : plain;
      if (cache?.[way] === undefined) return null;
      const served = { during: 0, after: 0 };
      const state = new Map();
      const gates = new Map();
      const load = async (id) => {
        const read = state.get(id);
        const gate = gates.get(id);
        gates.delete(id);
        await gate;
        return { read };
      };
      const find = cache.memoize(load, { key: String, tags: (id) => ['cats', `cat:${id}`] });
      const first = WAYS.indexOf(way) * TRIES;
      for (let id = first; id < first + TRIES; id++)
        await cache.inRequest('acme', () => once(id, { cache, way, find, state, gates, served }));
      return served;
    },
  };
}

async function once(id, { cache, way, find, state, gates, served }) {
  let answer;
  state.set(id, 'old');
  gates.set(
    id,
    new Promise((resolve) => {
      answer = resolve;
    }),
  );
  const first = find(id);
  await settled();
  state.set(id, 'new');
  await cache[way](way === 'deleteTag' ? `cat:${id}` : id);
  const during = find(id);
  await settled();
  answer();
  await first;
  if ((await during).read === 'old') served.during++;
  await settled();
  if ((await find(id)).read === 'old') served.after++;
}

/** Lets everything go on that can, and the clock move: some contestants compare milliseconds. */
const settled = () => sleep(5);

export async function run(report) {
  const names = withBefore(Object.keys(CONTESTANTS));
  const rows = await withRemotes(import.meta.url, names, async (remotes) => {
    const found = [];
    for (const remote of remotes) {
      const cells = {};
      for (const way of WAYS) cells[way] = await remote.call('race', way);
      found.push({ name: remote.name, ...cells });
    }
    return found;
  });
  const head = ['', ...WAYS.flatMap((way) => [`${TITLES[way]}: during`, 'after'])];
  const cell = (served, when) => (served === null ? '–' : served[when]);
  report.table(
    `old value served, of ${TRIES} tries (–: the contestant has no such invalidation)`,
    [
      head,
      ...rows.map((row) => [row.name, ...WAYS.flatMap((way) => [cell(row[way], 'during'), cell(row[way], 'after')])]),
    ],
    rows,
  );
  const ours = rows.find(({ name }) => name === 'nestjs-scoped-cache');
  report.target(
    'old values served',
    WAYS.reduce((sum, way) => sum + ours[way].during + ours[way].after, 0),
    { most: 0 },
  );
}
