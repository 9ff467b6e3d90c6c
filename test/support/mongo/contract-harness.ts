import { systemClock } from '../../../lib/core/clock.js';
import type { ContractHarness } from '../../../lib/testing/contract/contract.js';
import { afterTheNews } from '../bus/tiered-machine.js';
import { pause, randomPrefix } from '../redis/redis-process.js';
import { mongoBackend, type MongoBackendOptions } from './mongo-machine.js';

/** A server answers within a fraction of this, even when everything else runs at the same time. */
const TICK_MS = 180;
/** Nothing here is about time running out, and machines that build other things meanwhile are slow. */
const PATIENCE = { timeout: '30s', longTimeout: '60s', invalidationTimeout: '40s' } as const;

/** Each store is a keyspace and a collection of its own. */
/** @param heardMs before a client reads, it has had so long to hear what the others did */
export function mongoHarness(options: () => MongoBackendOptions, heardMs = 0): ContractHarness {
  return {
    tickMs: TICK_MS,
    open: async ({ clients, types }) => {
      const prefix = randomPrefix();
      const backends = Array.from({ length: clients }, () => {
        const { codec, ...rest } = options();
        return mongoBackend({ ...PATIENCE, collection: prefix, ...rest, prefix, codec: { ...codec, types } });
      });
      await Promise.all(backends.map((backend) => backend.open?.()));
      return {
        backends: heardMs === 0 ? backends : backends.map((backend) => afterTheNews(backend, heardMs)),
        clock: systemClock,
        // A timer of Node may be early by a millisecond, and two clocks are never quite the same.
        pass: (ms) => pause(ms + 15),
        close: async () => {
          await Promise.all(backends.map((backend) => backend.close()));
        },
      };
    },
  };
}
