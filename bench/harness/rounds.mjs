/**
 * Rounds. Contestants take turns, a short round each, again and again, so that a busy moment of the machine hits all of
 * them alike. What counts is the median over the rounds and the median of the ratios within a round.
 */
import { withRemotes } from './remote.mjs';
import { pairedRatio, summary } from './stats.mjs';

const WARM_UP_MS = 400;
const MAX_CALLS = 5_000_000;

/**
 * Times `time(calls) → nanoseconds` of every contestant, after `prove()` of every contestant has passed.
 * @returns one row a contestant, in their order: ns per call, spread, and how many times the first one's
 */
export function race(file, names, { rounds = 31, roundMs = 60, execArgv } = {}) {
  return withRemotes(file, names, (remotes) => raceRemotes(remotes, { rounds, roundMs }), execArgv);
}

export async function raceRemotes(remotes, { rounds, roundMs }) {
  for (const remote of remotes) await remote.call('prove');
  const lanes = [];
  for (const remote of remotes) lanes.push({ remote, calls: await warmUp(remote, roundMs), ns: [] });
  for (let round = 0; round < rounds; round++) {
    // Every other round backwards: who runs right after whom should not matter.
    for (const lane of round % 2 === 0 ? lanes : lanes.toReversed()) {
      lane.ns.push((await lane.remote.call('time', lane.calls)) / lane.calls);
    }
  }
  const [floor] = lanes;
  return lanes.map(({ remote, ns }) => ({ name: remote.name, ...summary(ns), ratio: pairedRatio(ns, floor.ns), samples: ns }));
}

/** Runs until the compiler has settled; how many calls fill a round. */
async function warmUp(remote, roundMs) {
  let calls = 100;
  let spentMs = 0;
  while (spentMs < WARM_UP_MS) {
    const ms = (await remote.call('time', calls)) / 1e6;
    spentMs += ms;
    if (ms < roundMs) calls = Math.min(MAX_CALLS, Math.ceil(calls * Math.min(8, Math.max(1.2, roundMs / Math.max(ms, 0.01)))));
  }
  const ms = (await remote.call('time', calls)) / 1e6;
  return Math.max(1, Math.min(MAX_CALLS, Math.round((calls * roundMs) / ms)));
}

/** How many times one row is of another, round by round. */
export function ratioOf(row, base) {
  return pairedRatio(row.samples, base.samples);
}
