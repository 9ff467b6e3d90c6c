/** What a test has for itself, also where tests run beside each other. */
import { afterEach, expect, it } from '@jest/globals';

/** The test that runs now; undefined between tests. */
export function testOfNow(): object | undefined {
  return expect.getState().currentTestIdentity?.();
}

type Cleanup = () => Promise<void>;

/** Of the suite that runs: its modules are its own. */
const cleanups: Cleanup[] = [];

/** After each test: also after those of {@link itConcurrent}, for which Jest calls no hooks. */
export function afterTest(cleanup: Cleanup): void {
  cleanups.unshift(cleanup);
  afterEach(cleanup);
}

const cleaned =
  <Row extends unknown[]>(work: (...row: Row) => Promise<void>) =>
  async (...row: Row): Promise<void> => {
    try {
      await work(...row);
    } finally {
      for (const cleanup of cleanups) await cleanup();
    }
  };

const each = ((rows: readonly unknown[]) => (name: string, work: (...row: unknown[]) => Promise<void>) => {
  it.concurrent.each(rows)(name, cleaned(work));
}) as typeof it.concurrent.each;

/** A test that runs beside those of its kind in the same block, a few at a time: for what is waited for, and not worked. */
export const itConcurrent = Object.assign(
  (name: string, work: () => Promise<void>): void => it.concurrent(name, cleaned(work)),
  { each },
);

export interface Own<M> {
  readonly machines: M;
  /** What has to end with the test, once its machines are closed: what came last first. */
  readonly ends: (() => unknown)[];
}

/**
 * To be called where suites are declared.
 * @returns what the test has that asks, made when it first does
 */
export function ownOfEachTest<M extends { close(): Promise<void> }>(make: () => M): () => Own<M> {
  const all = new WeakMap<object, Own<M>>();
  const testOf = (): object => {
    const test = testOfNow();
    if (test === undefined) throw new Error('asked for outside of a test');
    return test;
  };
  afterTest(async () => {
    const own = all.get(testOf());
    if (own === undefined) return;
    await own.machines.close();
    for (const end of own.ends.splice(0).reverse()) await end();
  });
  return () => {
    const test = testOf();
    const own = all.get(test) ?? { machines: make(), ends: [] };
    all.set(test, own);
    return own;
  };
}
