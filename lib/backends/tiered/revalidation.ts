import type { Clock } from '../../core/clock.js';
import type { Handling } from '../../core/entry.js';
import type { Key, KeyId } from '../../core/keys/key.js';
import type { Copies, Copy } from './l1-copies.js';
import type { Proof, SecondLevel } from '../shared/second-level.js';

interface UnderWay {
  readonly askedAtMs: number;
  readonly proof: Proof;
  readonly answer: Promise<boolean>;
}

/**
 * Asks the second level whether copies still stand. Many readers of one copy share a question, as long as its answer is
 * young enough for the last of them: what counts is when the question was sent.
 */
export class Validations {
  private readonly underWay = new Map<KeyId, UnderWay>();

  constructor(
    private readonly second: SecondLevel,
    private readonly copies: Copies,
    private readonly clock: Clock,
    private readonly maxUnvalidatedMs: number,
  ) {}

  /** True: the copy may be served now. */
  async stillStands(key: Key, copy: Copy, how: Handling | undefined): Promise<boolean> {
    const { proof } = copy;
    if (proof === undefined) return false;
    const { answer, askedAtMs } = this.question(key, copy, proof, how?.checkedSinceMs ?? -Infinity);
    const isSame = await answer.catch((error: unknown) => {
      // Whoever asks next goes to the second level itself, which may have something to fall back on.
      if (this.copies.find(key) === copy) this.copies.drop(copy);
      throw error;
    });
    // Something may have been told while the question was under way, or another copy taken the place of this one.
    if (this.copies.find(key) !== copy) return false;
    if (isSame) this.copies.confirm(copy, askedAtMs);
    else this.copies.drop(copy);
    return isSame;
  }

  private question(key: Key, copy: Copy, proof: Proof, sinceMs: number): UnderWay {
    const nowMs = this.clock.monotonicMs();
    const known = this.underWay.get(key.id);
    const isYoung = known !== undefined && nowMs - known.askedAtMs < this.maxUnvalidatedMs;
    if (isYoung && known.proof === proof && known.askedAtMs >= sinceMs) return known;
    const answer = this.second.stillStands(key, copy.labels, proof).finally(() => {
      if (this.underWay.get(key.id) === question) this.underWay.delete(key.id);
    });
    const question = { askedAtMs: nowMs, proof, answer };
    this.underWay.set(key.id, question);
    return question;
  }
}
