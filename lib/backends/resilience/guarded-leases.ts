/** Never leave an orphaned lease on the server: other processes would wait for it. */
import type { Awaitable } from '../../core/async/awaitable.js';
import type { Backend, Lease, LeaseReply, LeaseRequest } from '../../core/backend.js';
import type { Key } from '../../core/keys/key.js';
import type { Concern } from './retry-queue.js';

interface Guarding {
  guard<T>(operation: string, work: () => Awaitable<T>, about: Concern): Promise<T>;
}

/** A lease that is granted after the deadline is released, by a backend that retries. */
export function leaseInTime(by: Guarding, inner: Backend, key: Key, request: LeaseRequest): Promise<LeaseReply> {
  let isLate = false;
  let granted: Lease | undefined;
  const giveBack = async (): Promise<void> => {
    if (granted !== undefined) await inner.release(granted);
  };
  const leased = by.guard(
    'lease',
    async () => {
      const reply = await inner.lease(key, request);
      granted = reply.kind === 'granted' ? reply.lease : undefined;
      if (isLate) await giveBack();
      return reply;
    },
    key.space.partition,
  );
  return leased.catch((error: unknown) => {
    isLate = true;
    giveBack().catch(() => undefined);
    throw error;
  });
}

/** Also while the circuit is open: the server may answer other processes, and they wait until the lease is released. */
export async function releaseAnyway(by: Guarding, inner: Backend, lease: Lease): Promise<void> {
  let isBegun = false;
  const release = (): Awaitable<void> => {
    isBegun = true;
    return inner.release(lease);
  };
  try {
    await by.guard('release', release, lease.key.space.partition);
  } catch (error) {
    if (!isBegun) Promise.resolve(release()).catch(() => undefined);
    throw error;
  }
}
