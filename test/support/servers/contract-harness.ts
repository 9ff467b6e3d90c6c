/** The contract of backends on real servers. */
import { describe, it } from '@jest/globals';
import type { Backend } from '../../../lib/core/backend.js';
import type { RegisteredType } from '../../../lib/core/values/type-registration.js';
import { systemClock } from '../../../lib/core/clock.js';
import { backendContract } from '../../../lib/testing/contract/backend-contract.js';
import type { ContractHarness } from '../../../lib/testing/contract/contract.js';
import { pause, randomPrefix } from '../redis/redis-process.js';

/** A server answers within a fraction of this, even when everything else runs at the same time. */
const TICK_MS = 180;
/** Nothing here is about time running out, and machines that build other things meanwhile are slow. */
export const PATIENCE = { timeout: '30s', longTimeout: '60s', invalidationTimeout: '40s' } as const;

/**
 * Each store is a keyspace of its own; each client has connections of its own.
 * @param seenAs what a case gets to see of a client
 */
export function serverHarness(
  client: (prefix: string, types: readonly RegisteredType[]) => Backend,
  seenAs: (backend: Backend) => Backend = (backend) => backend,
): ContractHarness {
  return {
    tickMs: TICK_MS,
    open: async ({ clients, types }) => {
      const prefix = randomPrefix();
      const backends = Array.from({ length: clients }, () => client(prefix, types));
      const close = async (): Promise<void> => {
        await Promise.all(backends.map((backend) => backend.close()));
      };
      try {
        await Promise.all(backends.map((backend) => backend.open?.()));
      } catch (error) {
        // Those that did open would keep the process of the tests alive.
        await close();
        throw error;
      }
      return {
        backends: backends.map(seenAs),
        clock: systemClock,
        // A timer of Node may be early by a millisecond, and two clocks are never quite the same.
        pass: (ms) => pause(ms + 15),
        close,
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

/** The same without those that move thousands of entries: for what differs in the way to a server only. */
export function isAboutThePath(topic: string, name: string): boolean {
  return isAboutTheServer(topic, name) && !/thousands|long listing|during a listing|many clients/.test(name);
}

/** Cases that say something about the server and the way to it: not about values, and not by letting time pass. */
export function isAboutTheServer(topic: string, name: string): boolean {
  return (
    topic !== 'values' && topic !== 'time' && !/\blife\b|lives on|past its ttl|expiry|ends by itself|ran out/.test(name)
  );
}
