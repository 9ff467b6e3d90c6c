import { expect, it } from '@jest/globals';
import { Warnings } from '../../../../lib/backends/shared/warnings.js';
import { FakeClock } from '../../../../lib/testing/fake.clock.js';

it('a problem is warned of once in 30 seconds, what only an operator can change once for all (row A83)', async () => {
  const clock = new FakeClock();
  const said: string[] = [];
  const event = ({ message }: { readonly message: string }): void => void said.push(message);
  const warnings = new Warnings('redis', { clock, emit: { event } as never });
  for (let minute = 0; minute < 3; minute++) {
    for (let times = 0; times < 2; times++) {
      warnings.warn('away');
      warnings.warnOnce('no right');
    }
    await clock.advance(60_000);
  }
  expect(said).toEqual(['redis: away', 'redis: no right', 'redis: away', 'redis: away']);
});
