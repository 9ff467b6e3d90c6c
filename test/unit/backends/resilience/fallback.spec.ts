/** What a second backend of the application's own may do wrong, while it stands in for the first and afterwards. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { FallbackBackend } from '../../../../lib/backends/resilience/fallback.backend.js';
import { memory } from '../../../../lib/backends/memory/memory.backend.js';
import type { BackendFactory } from '../../../../lib/core/backend.js';
import { BackendError, InvalidationUnknownError } from '../../../../lib/core/errors.js';
import { chaos, type Chaos } from '../../../../lib/testing/chaos.js';
import { Rig } from '../../../support/machine/rig.js';

let first: Chaos;
let second: Chaos;
let rig: Rig;

beforeEach(() => {
  first = chaos(memory());
  second = chaos(memory());
  const backend: BackendFactory = {
    kind: 'both',
    create: (parts) => new FallbackBackend(first.create(parts), second.create(parts)),
  };
  rig = new Rig({ backend });
});

function away(): BackendError {
  return new BackendError('read', 'memory', { why: 'away' });
}

describe('a second backend that fails', () => {
  it('does not keep a removal from the first, and the caller gets an error', async () => {
    await rig.set('tom', 'Tom');
    second.failNext('evict');
    await expect(rig.evict('tom')).rejects.toThrow(InvalidationUnknownError);
    expect(await rig.get('tom')).toBeUndefined();
  });

  it('when it is to be emptied: the first answers all the same, and nothing is read there until it is', async () => {
    first.failNext('read', 1, away());
    first.failNext('lease', 1, away());
    expect(await rig.load('tom', () => 'old')).toBe('old');
    first.failNext('read', 1, away());
    expect(await rig.get('tom')).toBe('old');
    second.failNext('clearEverything', 2, away());
    expect(await rig.load('tom', () => 'new')).toBe('new');
    first.failNext('read', 2, away());
    expect(await rig.get('tom')).toBeUndefined();
    expect(await rig.get('tom')).toBeUndefined();
    expect(second.calls('clearEverything')).toBe(3);
    expect(await rig.get('tom')).toBe('new');
  });
});
