import { describe, expect, it } from '@jest/globals';
import { InFlightLoad, type LoadResult } from '../../../lib/engine/in-flight-load.js';

/** A load by itself: which caller runs it, and for which call, makes no difference to what comes of it. */
function newLoad(): InFlightLoad {
  return new InFlightLoad({} as never, {} as never, {} as never);
}

const RESULT: LoadResult = { value: 'Tom', labels: [], freshUntilMs: 1 };

describe('what comes of a load', () => {
  it('reaches callers that wait for it and callers that come when it is there', async () => {
    const load = newLoad();
    const before = load.result;
    load.settle({ result: RESULT });
    expect([await before, await load.result]).toEqual([RESULT, RESULT]);
    const late = newLoad();
    late.settle({ result: RESULT });
    expect(await late.result).toBe(RESULT);
    await late.ended;
  });

  it('fails each of them that asks for it, and nothing else where none does', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    try {
      const error = new Error('no answer');
      const unasked = newLoad();
      unasked.settle({ error });
      const watched = newLoad();
      const over = watched.ended;
      watched.settle({ error });
      await over;
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([]);
      await expect(unasked.result).rejects.toBe(error);
      await expect(watched.result).rejects.toBe(error);
    } finally {
      process.off('unhandledRejection', note);
    }
  });
});
