import type { Label } from '../../core/keys/label.js';
import type { Generation, Stamp } from '../../core/stamp.js';

/**
 * What one read of a shard's state said, as far as it decides what is valid: its life, its minimum stamp, and stamps of
 * labels.
 */
export interface ShardState {
  readonly generation: Generation;
  readonly minimumStamp: Stamp;
  readonly stamps: ReadonlyMap<Label, Stamp>;
}

/**
 * The newest stamp among the minimum stamp and some labels. What the state does not know counts as older than
 * everything.
 */
export function requiredStamp(state: ShardState, labels: readonly Label[]): Stamp {
  let stamp = state.minimumStamp;
  for (const label of labels) stamp = Math.max(stamp, state.stamps.get(label) ?? 0);
  return stamp;
}
