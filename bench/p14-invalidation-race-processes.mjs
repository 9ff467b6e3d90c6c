import { setTimeout as sleep } from 'node:timers/promises';
import { REDIS_CONTESTANTS, REDIS_PACKAGES, openRedisContestant } from './contestants/redis/index.mjs';
import { withBefore } from './harness/before.mjs';
import { withRedis } from './harness/redis-server.mjs';
import { withRemotes } from './harness/remote.mjs';

export const about = {
  title: 'An invalidation while the value is being loaded, two processes',
  question:
    'In one process a loader has read the old state; the state changes, and another process on the same Redis invalidates the entry, by key, by tag, or by ' +
    'clearing. The invalidation has returned. Who asks now, in either process, while the old load is still under way, and who asks after it has ended: do they get the old value? ' +
    'Three tries in each cell, on new keys, two answers each.',
  packages: REDIS_PACKAGES,
  needs: 'redis',
};

const TRIES = 3;
const WAYS = ['delete', 'deleteTag', 'clear'];
const TITLES = { delete: 'by key', deleteTag: 'by tag', clear: 'clear' };

export async function contestant(name) {
  const plain = await openRedisContestant(name);
  const tagged = plain.deleteTag === undefined ? undefined : await openRedisContestant(name, { usesTags: true });
  const state = new Map();
  const gates = new Map();
  const asked = new Map();
  const load = async (id) => {
    const read = state.get(id);
    const gate = gates.get(id);
    gates.delete(id);
    await gate?.closed;
    return { read };
  };
  const finders = new Map(
    [plain, tagged]
      .filter((cache) => cache !== undefined)
      .map((cache) => [cache, cache.memoize(load, { key: String, tags: (id) => ['cats', `cat:${id}`] })]),
  );
  const open = new Map();
  const cacheOf = (way) => (way === 'deleteTag' ? tagged : plain);
  const find = (way, id) => cacheOf(way).inRequest('acme', () => finders.get(cacheOf(way))(id));
  return {
    has: (way) => cacheOf(way)?.[way] !== undefined,
    become(id, value) {
      state.set(id, value);
    },
    /** The next load of this key waits after it has read, until it is released. */
    hold(id) {
      const gate = {};
      gate.closed = new Promise((resolve) => {
        open.set(id, resolve);
      });
      gates.set(id, gate);
    },
    release: (id) => open.get(id)(),
    invalidate: (way, id) =>
      cacheOf(way).inRequest('acme', async () => {
        await cacheOf(way)[way](way === 'deleteTag' ? `cat:${id}` : id);
      }),
    /** Asks, and does not wait for the answer. */
    async ask(way, id, who) {
      asked.set(who, find(way, id));
      await settled();
    },
    answer: async (who) => (await asked.get(who)).read,
  };
}

/** Lets everything go on that can, and the clock move: some contestants compare milliseconds. */
const settled = () => sleep(10);

export async function run(report) {
  const rows = await withRedis(async () => {
    const found = [];
    for (const name of withBefore(Object.keys(REDIS_CONTESTANTS))) {
      found.push({ name, ...(await withRemotes(import.meta.url, [name, name], cellsOf)) });
    }
    return found;
  });
  const cell = (served, when) => (served === null ? '–' : served[when]);
  report.table(
    `old value served, of ${TRIES * 2} answers (–: the contestant has no such invalidation)`,
    [
      ['', ...WAYS.flatMap((way) => [`${TITLES[way]}: during`, 'after'])],
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

async function cellsOf(remotes) {
  const cells = {};
  for (const way of WAYS) {
    cells[way] = (await remotes[0].call('has', way)) ? await raced(remotes, way) : null;
  }
  return cells;
}

async function raced(remotes, way) {
  const [one, two] = remotes;
  const served = { during: 0, after: 0 };
  const asks = async (id, when) => {
    for (const [at, remote] of remotes.entries()) await remote.call('ask', way, id, `${when} ${at}`);
  };
  const answers = async (when) => {
    for (const [at, remote] of remotes.entries()) {
      if ((await remote.call('answer', `${when} ${at}`)) === 'old') served[when]++;
    }
  };
  for (let turn = 0; turn < TRIES; turn++) {
    const id = `${way} ${turn}`;
    await Promise.all(remotes.map((remote) => remote.call('become', id, 'old')));
    await one.call('hold', id);
    await one.call('ask', way, id, 'first');
    await Promise.all(remotes.map((remote) => remote.call('become', id, 'new')));
    await two.call('invalidate', way, id);
    await asks(id, 'during');
    await one.call('release', id);
    await one.call('answer', 'first');
    await answers('during');
    await asks(id, 'after');
    await answers('after');
  }
  return served;
}
