import type { Clock } from '../../core/clock.js';
import type { Handling } from '../../core/entry.js';
import type { Key, KeyId } from '../../core/keys/key.js';
import type { L1Copies, L1Copy } from './l1-copies.js';
import type { Proof, SecondLevel } from '../shared/second-level.js';

interface Pending {
  readonly sentAtMs: number;
  readonly proof: Proof;
  readonly answer: Promise<boolean>;
}

/**
 * Checks with the second level whether copies are still current. Many readers of one copy share a request, as long as its
 * answer is recent enough for the last of them: what counts is when the request was sent.
 */
export class Revalidation {
  private readonly pending = new Map<KeyId, Pending>();

  constructor(
    private readonly second: SecondLevel,
    private readonly copies: L1Copies,
    private readonly clock: Clock,
    private readonly maxUnvalidatedMs: number,
  ) {}

  /** True: the copy may be served now. */
  async stillStands(key: Key, copy: L1Copy, how: Handling | undefined): Promise<boolean> {
    const { proof } = copy;
    if (proof === undefined) return false;
    const { answer, sentAtMs } = this.pendingFor(key, copy, proof, how?.checkedSinceMs ?? -Infinity);
    const isSame = await answer.catch((error: unknown) => {
      // The next read goes to the second level itself, which may have a fallback.
      if (this.copies.find(key) === copy) this.copies.drop(copy);
      throw error;
    });
    // A change may have been received while the request was in flight, or another copy may have replaced this one.
    if (this.copies.find(key) !== copy) return false;
    if (isSame) this.copies.confirm(copy, sentAtMs);
    else this.copies.drop(copy);
    return isSame;
  }

  private pendingFor(key: Key, copy: L1Copy, proof: Proof, sinceMs: number): Pending {
    const nowMs = this.clock.monotonicMs();
    const known = this.pending.get(key.id);
    const isYoung = known !== undefined && nowMs - known.sentAtMs < this.maxUnvalidatedMs;
    if (isYoung && known.proof === proof && known.sentAtMs >= sinceMs) return known;
    const answer = this.second.stillStands(key, copy.labels, proof).finally(() => {
      if (this.pending.get(key.id) === request) this.pending.delete(key.id);
    });
    const request = { sentAtMs: nowMs, proof, answer };
    this.pending.set(key.id, request);
    return request;
  }
}
