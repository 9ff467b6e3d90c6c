import type { Reading } from '../../core/backend.js';
import type { Key } from '../../core/keys/key.js';

/**
 * What several servers answered about keys of theirs, in the order of all keys. Where one did not answer, its readings say so.
 * @throws when none has answered
 */
export function readingsOf(
  keys: readonly Key[],
  groups: readonly (readonly Key[])[],
  outcomes: readonly PromiseSettledResult<readonly Reading[]>[],
): readonly Reading[] {
  const readings = new Map<Key, Reading>();
  let failed = 0;
  let failure: unknown;
  for (const [number, outcome] of outcomes.entries()) {
    if (outcome.status === 'rejected') {
      failed++;
      failure = outcome.reason;
    }
    for (const [at, key] of (groups[number] ?? []).entries())
      readings.set(key, outcome.status === 'fulfilled' ? (outcome.value[at] as Reading) : unanswered(outcome.reason));
  }
  if (failed > 0 && failed === outcomes.length) throw failure as Error;
  return keys.map((key) => readings.get(key) as Reading);
}

function unanswered(error: unknown): Reading {
  return { entry: undefined, required: { generation: '', stamp: Infinity }, level: 'l2', unanswered: error as Error };
}
