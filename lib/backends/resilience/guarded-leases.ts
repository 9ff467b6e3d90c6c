/** Leases behind a coat: none stays on the server that nobody here uses, since it would keep others waiting. */
import type { Awaitable } from '../../core/async/awaitable.js';
import type { Backend, Lease, LeaseReply, LeaseRequest } from '../../core/backend.js';
import type { Key } from '../../core/keys/key.js';

interface Guarding {
  guard<T>(operation: string, work: () => Awaitable<T>): Promise<T>;
}

/** A grant that comes too late is given back, by a backend that goes on trying. */
export function leaseInTime(by: Guarding, inner: Backend, key: Key, request: LeaseRequest): Promise<LeaseReply> {
  let isLate = false;
  let granted: Lease | undefined;
  const giveBack = async (): Promise<void> => {
    if (isLate && granted !== undefined) await inner.release(granted);
  };
  const asked = by.guard('lease', async () => {
    const reply = await inner.lease(key, request);
    granted = reply.kind === 'granted' ? reply.lease : undefined;
    await giveBack();
    return reply;
  });
  return asked.catch((error: unknown) => {
    isLate = true;
    giveBack().catch(() => undefined);
    throw error;
  });
}

/** Also while nothing else is asked of the server: to others it may answer, and they wait for whoever holds the lease. */
export async function releaseAnyway(by: Guarding, inner: Backend, lease: Lease): Promise<void> {
  let isBegun = false;
  const release = (): Awaitable<void> => {
    isBegun = true;
    return inner.release(lease);
  };
  try {
    await by.guard('release', release);
  } catch (error) {
    if (!isBegun) Promise.resolve(release()).catch(() => undefined);
    throw error;
  }
}
