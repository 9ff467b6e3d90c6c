/**
 * Rounds. Contestants take turns, a short round each, again and again, and right before each the first of them, the
 * floor. A busy moment of the machine then hits both, and the median of their ratios does not see it.
 */
import { withBefore } from './before.mjs';
import { withRemotes } from './remote.mjs';
import { median, summary } from './stats.mjs';

const WARM_UP_MS = 400;
const MAX_CALLS = 5_000_000;

/**
 * Times `time(calls) → nanoseconds` of every contestant, after `prove()` of every contestant has passed.
 * @returns one row a contestant, in their order: ns per call, spread, and how many times the first one's
 */
export function race(file, names, { rounds = 41, roundMs = 30, execArgv, isOurs } = {}) {
  return withRemotes(file, withBefore(names, isOurs), (remotes) => raceRemotes(remotes, { rounds, roundMs }), execArgv);
}

async function raceRemotes(remotes, { rounds, roundMs }) {
  for (const remote of remotes) await remote.call('prove');
  const [floor, ...others] = await inTurn(remotes, async (remote) => ({
    remote,
    calls: await warmUp(remote, roundMs),
    ns: [],
    ratios: [],
  }));
  for (let round = 0; round < rounds; round++) {
    // Every other round backwards: who runs right after whom should not matter.
    for (const lane of round % 2 === 0 ? others : others.toReversed()) {
      const floorNs = await timeOnce(floor);
      lane.ratios.push((await timeOnce(lane)) / floorNs);
    }
    floor.ratios.push(1);
  }
  return [floor, ...others].map(({ remote, ns, ratios }) => ({
    name: remote.name,
    ...summary(ns),
    ratio: median(ratios),
    ratios,
  }));
}

async function timeOnce({ remote, calls, ns }) {
  ns.push((await remote.call('time', calls)) / calls);
  return ns.at(-1);
}

async function inTurn(items, work) {
  const results = [];
  for (const item of items) results.push(await work(item));
  return results;
}

/** Runs until the compiler has settled; how many calls fill a round. */
async function warmUp(remote, roundMs) {
  let calls = 100;
  let spentMs = 0;
  while (spentMs < WARM_UP_MS) {
    const ms = (await remote.call('time', calls)) / 1e6;
    spentMs += ms;
    if (ms < roundMs)
      calls = Math.min(MAX_CALLS, Math.ceil(calls * Math.min(8, Math.max(1.2, roundMs / Math.max(ms, 0.01)))));
  }
  const ms = (await remote.call('time', calls)) / 1e6;
  return Math.max(1, Math.min(MAX_CALLS, Math.round((calls * roundMs) / ms)));
}

/** How many times one row is of another, round by round, each against the floor right before it. */
export function ratioOf(row, base) {
  return median(row.ratios.map((ratio, round) => ratio / base.ratios[round]));
}
