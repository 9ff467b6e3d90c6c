import { describe, it } from '@jest/globals';
import { backendContract } from '../../../lib/testing/contract/backend-contract.js';
import { systemClock } from '../../../lib/core/clock.js';
import type { ContractHarness } from '../../../lib/testing/contract/contract.js';
import { redisBackend, type RedisBackendOptions } from './redis-machine.js';
import { pause, randomPrefix } from './redis-process.js';

/** A server answers within a fraction of this, even when everything else runs at the same time. */
const TICK_MS = 180;
/** Nothing here is about time running out, and machines that build other things meanwhile are slow. */
const PATIENCE = { timeout: '10s', longTimeout: '30s', invalidationTimeout: '20s' } as const;

/** Each store is a keyspace of its own; each client has connections of its own. */
export function redisHarness(options: () => RedisBackendOptions, done: () => void = () => undefined): ContractHarness {
  return {
    tickMs: TICK_MS,
    open: async ({ clients, types }) => {
      const prefix = randomPrefix();
      const backends = Array.from({ length: clients }, () => {
        const { codec, ...rest } = options();
        return redisBackend({ ...PATIENCE, ...rest, prefix, codec: { ...codec, types } });
      });
      await Promise.all(backends.map((backend) => backend.open?.()));
      return {
        backends,
        clock: systemClock,
        // A timer of Node may be early by a millisecond, and two clocks are never quite the same.
        pass: (ms) => pause(ms + 15),
        close: async () => {
          await Promise.all(backends.map((backend) => backend.close()));
          done();
        },
      };
    },
  };
}

/** Declares the contract as tests, or those cases of it that apply. */
export function proveContract(
  harness: ContractHarness,
  applies: (topic: string, name: string) => boolean = () => true,
): void {
  for (const [topic, all] of Object.entries(backendContract)) {
    const cases = all.filter(({ name }) => applies(topic, name));
    if (cases.length === 0) continue;
    describe(topic, () => {
      it.each(cases)('$name', async ({ run }) => {
        await run(harness);
      });
    });
  }
}

/** Cases that say something about the server and the way to it: not about values, and not by letting time pass. */
export function isAboutTheServer(topic: string, name: string): boolean {
  return topic !== 'values' && topic !== 'time' && !/\blife\b|past its ttl|expiry|ends by itself|ran out/.test(name);
}
