import type { Clock } from '../../core/clock.js';
import { BackendError, CacheConfigError } from '../../core/errors.js';
import { RefusedError } from '../shared/refused.error.js';

/** How often a start that needs a server looks again whether it is there. */
const LOOK_EVERY_MS = 50;

export interface StartParts {
  readonly kind: string;
  readonly clock: Clock;
  readonly forMs: number;
  readonly isRequired: boolean;
  /** Resolves when the server is there, fails when it is not. */
  readonly look: () => Promise<unknown>;
  /** Why it was not there when it was looked for last. */
  readonly why: () => string | undefined;
  readonly isClosed: () => boolean;
}

/** A server that answers, none, or one that takes the connection and says nothing. */
export type Found = 'there' | 'away' | 'silent';

/**
 * Waits for the server, for a while. An application that can do without it starts when no server answers; one that cannot
 * goes on looking. It is over after `forMs`, whatever the server does.
 * @throws RefusedError and CacheConfigError when the server must not be used, BackendError when it was required and is
 * not there
 */
export async function untilThere({ kind, clock, forMs, isRequired, look, why, isClosed }: StartParts): Promise<Found> {
  const untilMs = clock.monotonicMs() + forMs;
  for (;;) {
    const leftMs = Math.max(0, untilMs - clock.monotonicMs());
    const outcome = await Promise.race([
      look().then(
        () => 'there' as const,
        (error: unknown) => error,
      ),
      clock.sleep(leftMs).then(() => 'silent' as const),
    ]);
    if (outcome === 'there') return outcome;
    if (outcome instanceof RefusedError || outcome instanceof CacheConfigError) throw outcome;
    if (!isRequired) return outcome === 'silent' ? outcome : 'away';
    if (isClosed()) throw new BackendError('the start', kind, { why: 'closed' });
    if (leftMs <= LOOK_EVERY_MS) {
      throw new BackendError('the start', kind, { why: `requireOnBoot: ${why() ?? 'no server'}` });
    }
    await clock.sleep(LOOK_EVERY_MS);
  }
}
