/** What the benches of a hit have in common: a warm method, proven to answer right, called in a loop inside a request. */
import assert from 'node:assert/strict';
import { openContestant } from '../contestants/index.mjs';
import { processorNs } from './processor.mjs';

/**
 * @param ask what is asked: `args` (a power of two of them), `key(arg)`, `answer(arg, tenant)`, `tags(arg)`, `options`
 */
export async function hitContestant(name, { args, key, answer, tags, options }) {
  const cache = await openContestant(name, options);
  const source = { tenant: 'acme', loads: 0 };
  const load = async (arg) => {
    source.loads++;
    return answer(arg, source.tenant);
  };
  const find = cache.memoize(load, { key, tags });
  const mask = args.length - 1;

  const proveTenant = (tenant) => {
    source.tenant = tenant;
    return cache.inRequest(tenant, async () => {
      for (let pass = 0; pass < 2; pass++) {
        for (const arg of args) assert.deepEqual(await find(arg), answer(arg, tenant));
      }
    });
  };

  return {
    /** Each tenant gets its own answers, each from one load. */
    async prove() {
      assert.equal(args.length & mask, 0, 'the number of arguments must be a power of two');
      await proveTenant('globex');
      await proveTenant('acme');
      assert.equal(source.loads, args.length * 2);
    },

    /** Nanoseconds of processor time for that many hits of acme, one after the other. */
    async time(calls) {
      const loadsBefore = source.loads;
      const ns = await cache.inRequest('acme', () => timeHits(calls, (call) => find(args[call & mask])));
      assert.equal(source.loads, loadsBefore, 'every timed call must be a hit');
      return ns;
    },
  };
}

/** Nanoseconds of processor time for that many calls, one after the other, each of which has an answer. */
export async function timeHits(calls, find) {
  let seen = 0;
  const ns = await processorNs(async () => {
    for (let call = 0; call < calls; call++) if ((await find(call)) !== undefined) seen++;
  });
  assert.equal(seen, calls);
  return ns;
}
