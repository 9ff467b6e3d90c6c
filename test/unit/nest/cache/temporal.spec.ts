/**
 * Temporal as its polyfill makes it: instances that keep what they are in a WeakMap. Where the language has Temporal (Node
 * 26) the polyfill gives that one, whose instances keep it in slots of the engine.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Temporal } from 'temporal-polyfill';
import { Cacheable, cacheType, KeyInvalidError } from '../../../../lib/index.js';
import { closeAll, start } from '../support/start.js';

afterEach(closeAll);

const { PlainDate } = Temporal;
const isOfTheLanguage = 'Temporal' in globalThis;

@Injectable()
class Rates {
  @Cacheable()
  async on(day: Temporal.PlainDate): Promise<{ readonly day: Temporal.PlainDate; readonly next: Temporal.PlainDate }> {
    return { day, next: day.add({ days: 1 }) };
  }
}

const days = ['2024-02-28', '2024-12-31'].map((text) => PlainDate.from(text));

describe("a date of Temporal's polyfill", () => {
  it('is refused by name as an argument when nothing says what stands for it: all days would have one key', async () => {
    for (const types of [[], [PlainDate]]) {
      if (isOfTheLanguage) {
        const says = types.length > 0 ? /PlainDate is, or/ : /argument 0 \(a PlainDate, which is, or/;
        await expect(start({ codec: { types } }, Rates)).rejects.toThrow(says);
        continue;
      }
      const rates = (await start({ codec: { types } }, Rates)).get(Rates);
      const failed = rates.on(days[0]!);
      await expect(failed).rejects.toThrow(KeyInvalidError);
      await expect(failed).rejects.toThrow(
        types.length > 0 ? /a PlainDate without properties/ : /PlainDate, which hands its instances to other code/,
      );
    }
  });

  it('is an argument and a value like any other when its registration says so', async () => {
    const type = cacheType({ type: PlainDate, toJSON: String, fromJSON: (text: string) => PlainDate.from(text) });
    const rates = (await start({ codec: { types: [type] } }, Rates)).get(Rates);
    for (const day of [...days, ...days]) {
      const answer = await rates.on(day);
      expect(answer.day.equals(day)).toBe(true);
      expect(answer.next.since(answer.day).days).toBe(1);
    }
  });
});
