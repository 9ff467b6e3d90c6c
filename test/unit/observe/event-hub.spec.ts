import { describe, expect, it } from '@jest/globals';
import type { CacheEvent, Observer } from '../../../lib/core/observer.js';
import { EventHub, type WriteLog } from '../../../lib/observe/event-hub.js';

const HIT: Extract<CacheEvent, { type: 'hit' }> = {
  type: 'hit',
  verdict: 'fresh',
  level: 'l1',
  durationMs: 0,
  namespace: 'cats',
  width: 'tenant',
};
const MISS: CacheEvent = { type: 'miss', durationMs: 1, namespace: 'cats', width: 'tenant' };

function hubOf(observers: Observer[], isDebug = false): { hub: EventHub; logged: CacheEvent[] } {
  const logged: CacheEvent[] = [];
  const writeLog: WriteLog = () => (event) => void logged.push(event);
  return { hub: new EventHub(observers, writeLog, isDebug), logged };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe.each<[string, (hub: EventHub) => void]>([
  ['a hit', (hub) => hub.hit(HIT)],
  ['any other event', (hub) => hub.event(MISS)],
])('%s', (_, tell) => {
  it('is told to every observer in their order, whatever one of them does', async () => {
    const order: string[] = [];
    const { hub, logged } = hubOf([
      ({ type }) => void (type === 'warning' || order.push('first')),
      function thrower() {
        throw new Error('secret');
      },
      // eslint-disable-next-line @typescript-eslint/no-misused-promises -- TypeScript takes it for an observer, too
      async function rejecter() {
        await turn();
        throw new Error('secret');
      },
      ({ type }) => void (type === 'warning' || order.push('last')),
    ]);
    tell(hub);
    tell(hub);
    await turn();
    await turn();
    expect(order).toEqual(['first', 'last', 'first', 'last']);
    const warnings = logged.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('observers[1] (thrower)');
    expect(warnings[1]).toContain('observers[2] (rejecter)');
    expect(warnings.join()).not.toContain('secret');
  });
});

describe('the log', () => {
  it('hears of a hit where it is verbose, and of nothing else more often', () => {
    const quiet = hubOf([() => undefined]);
    quiet.hub.hit(HIT);
    quiet.hub.event(MISS);
    expect(quiet.logged).toEqual([MISS]);
    quiet.hub.beVerbose('cats');
    quiet.hub.hit(HIT);
    expect(quiet.logged).toEqual([MISS, HIT]);
    const debugging = hubOf([], true);
    debugging.hub.hit(HIT);
    expect(debugging.logged).toEqual([HIT]);
  });

  it('that fails at a hit is told of, and harms no call', () => {
    const heard: CacheEvent[] = [];
    const writeLog: WriteLog = () => (event) => {
      if (event.type === 'hit') throw new Error('mine');
      heard.push(event);
    };
    const hub = new EventHub([], writeLog, true);
    hub.hit(HIT);
    hub.hit(HIT);
    expect(heard).toMatchObject([{ type: 'warning', message: expect.stringContaining('The log') as unknown }]);
  });
});
