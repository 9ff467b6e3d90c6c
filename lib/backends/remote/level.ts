/**
 * A backend behind a server, as it is used: guarded, perhaps with a fallback, alone or as the level that processes
 * share.
 */
import type { Backend, BackendFactory } from '../../core/backend.js';
import { machineOf } from '../../core/clock.js';
import { FallbackBackend } from '../resilience/fallback.backend.js';
import { GuardedBackend } from '../resilience/guarded.backend.js';
import type { GuardSettings, Punctual } from '../resilience/options.js';
import type { Resending } from '../resilience/retry-queue.js';
import type { Owners } from '../shared/owners.js';
import type { LevelParts, SecondLevel } from '../shared/second-level.js';

export interface ServerBackend
  extends Omit<Backend, keyof Punctual>, Resending, Punctual, Pick<SecondLevel, 'proofOf'> {
  readonly validator: Pick<SecondLevel, 'stillStands'>;
  /** Which server keeps what, where there are several. */
  readonly owners?: Owners | undefined;
  /** Called when a server is there, or there again. */
  onReachable: (() => void) | undefined;
  /** Called with the reason when there is none. */
  onAway: ((why: string) => void) | undefined;
  /** Called with the reason when a connection failed, and others may be up. */
  onTrouble?: ((why: string) => void) | undefined;
}

export interface Protection {
  readonly guard: GuardSettings;
  readonly fallback: BackendFactory | undefined;
  /** Where the server is, for messages; without credentials. */
  readonly address: string | undefined;
}

/** What the line at the start says of a server. */
export function aboutServer(kind: string, address: string | undefined, fallback: BackendFactory | undefined): string {
  const place = address === undefined ? kind : `${kind} at ${address}`;
  return fallback === undefined ? place : `${place} (while it is away: ${fallback.about ?? fallback.kind})`;
}

export function levelOf(
  backend: ServerBackend,
  { guard, fallback, address }: Protection,
  parts: LevelParts,
  wire: SecondLevel['wire'],
): SecondLevel {
  const guarded = new GuardedBackend(backend, guard, { ...parts, clock: machineOf(parts.clock) }, address);
  backend.onReachable = () => guarded.probeNow();
  backend.onAway = (why) => guarded.calls.outageLog.begin(why);
  backend.onTrouble = (why) => guarded.calls.outageLog.failed(why);
  return {
    backend: fallback === undefined ? guarded : new FallbackBackend(guarded, fallback.create(parts), backend.owners),
    proofOf: (of) => backend.proofOf(of),
    stillStands: (key, labels, proof) =>
      guarded.to(key).guard('validation', () => backend.validator.stillStands(key, labels, proof), key.space.partition),
    wire,
  };
}
