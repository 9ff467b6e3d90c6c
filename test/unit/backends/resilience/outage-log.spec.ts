import { beforeEach, describe, expect, it } from '@jest/globals';
import { OutageLog } from '../../../../lib/backends/resilience/outage-log.js';
import type { CacheEvent } from '../../../../lib/core/observer.js';
import { FakeClock } from '../../../../lib/testing/fake.clock.js';

const GONE =
  'The redis backend at cache-1:6379 does not answer (ECONNREFUSED): calls go on without the cache until it does.';
const BACK = 'The redis backend at cache-1:6379 answers again.';

describe('the outage log of a backend', () => {
  let clock: FakeClock;
  let warnings: string[];
  let outages: CacheEvent[];
  let outage: OutageLog;
  beforeEach(() => {
    clock = new FakeClock();
    warnings = [];
    outages = [];
    const event = (event: CacheEvent): void => {
      if (event.type === 'warning') warnings.push(event.message);
      if (event.type === 'outage') outages.push(event);
    };
    outage = new OutageLog('redis', { clock, emit: { event } as never }, undefined, 'cache-1:6379');
  });

  it('a failure while others are answered is reported, each kind once in a while', async () => {
    for (let round = 0; round < 5; round++) {
      outage.failed('ECONNRESET');
      outage.end();
      outage.failed('no answer in time');
      outage.end();
      await clock.advance(1_000);
    }
    expect(warnings).toEqual(['redis: ECONNRESET', 'redis: no answer in time']);
    await clock.advance(30_000);
    outage.failed('ECONNRESET');
    outage.end();
    await clock.advance(1_000);
    expect(warnings).toHaveLength(3);
  });

  it('a connection that is lost before the last answer of another is read is how the outage begins, and no failure of its own', async () => {
    outage.failed('ECONNRESET');
    outage.end();
    await clock.advance(50);
    outage.failed('ECONNRESET');
    outage.suspect();
    await clock.advance(460);
    outage.begin('ECONNREFUSED');
    await clock.advance(5_000);
    outage.end();
    await clock.advance(5_000);
    expect(warnings).toEqual([GONE, BACK]);
  });

  it('the same where no call is made when it is found gone', async () => {
    outage.failed('ECONNRESET');
    outage.end();
    await clock.advance(490);
    outage.begin('ECONNREFUSED');
    await clock.advance(5_000);
    expect(warnings).toEqual([GONE]);
  });

  it('A118: an outage is an event when it begins and one when it is over, with how long it took, however many calls fail', async () => {
    const begun = { type: 'outage', backend: 'redis', server: undefined, why: 'ECONNRESET' };
    outage.failed('ECONNRESET');
    outage.suspect();
    for (let round = 0; round < 3; round++) {
      await clock.advance(20_000);
      outage.failed('no answer in time');
      outage.begin(`another reason, ${round}`);
      outage.suspect();
    }
    expect(outages).toEqual([{ ...begun, state: 'begun', durationMs: undefined }]);
    outage.end();
    outage.end();
    expect(outages.slice(1)).toEqual([{ ...begun, state: 'over', durationMs: 60_000 }]);
    outage.begin('ECONNREFUSED');
    await clock.advance(1_000);
    outage.leave();
    expect(outages.slice(2)).toMatchObject([
      { state: 'begun', why: 'ECONNREFUSED' },
      { state: 'over', durationMs: 1_000 },
    ]);
  });

  it('nothing after it is closed', async () => {
    outage.failed('ECONNRESET');
    outage.end();
    outage.close();
    await clock.advance(5_000);
    expect(warnings).toEqual([]);
  });

  it('A118: is not told of a server that is suspected and left, and not after the end of the cache', async () => {
    outage.failed('ECONNREFUSED');
    outage.suspect();
    outage.leave();
    await clock.advance(2_000);
    expect([warnings, outages]).toEqual([[], []]);
    outage.begin('ECONNREFUSED');
    outage.close();
    outage.end();
    expect([warnings, outages.length]).toEqual([[GONE], 1]);
  });
});
