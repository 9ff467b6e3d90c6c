import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  applicationMark,
  applicationOf,
  belongTogether,
  describeApplication,
} from '../../../lib/core/application-marks.js';
import type { Application } from '../../../lib/core/application.js';
import { runs } from '../../support/soak.js';

const of = (environment: string, ...names: string[]): Application => ({ environment, names });

describe('two applications that find each other under one prefix', () => {
  it.each<readonly [string, Application, Application, boolean]>([
    ['the same', of('production', 'api'), of('production', 'api'), true],
    ['another', of('production', 'api'), of('production', 'worker'), false],
    ['the same in another environment', of('production', 'api'), of('staging', 'api'), false],
    ['the same in none', of('production', 'api'), of('', 'api'), false],
    ['one that is named by the other', of('p', 'api', 'worker'), of('p', 'worker'), true],
    ['both with the same list', of('p', 'api', 'worker'), of('p', 'worker', 'api'), true],
    ['lists that differ and have a name in common', of('p', 'api', 'worker'), of('p', 'worker', 'admin'), true],
    ['lists without a common name', of('p', 'api', 'worker'), of('p', 'admin', 'cron'), false],
    ['one of a list in another environment', of('p', 'api', 'worker'), of('s', 'worker'), false],
    ['both without a name', of('p'), of('p'), true],
    ['one without a name', of('p'), of('p', 'api'), false],
  ])('%s: the answer is the same from either side', (_, one, other, expected) => {
    expect([belongTogether(one, other), belongTogether(other, one)]).toEqual([expected, expected]);
  });

  it('are told by marks, which are the same for lists in another order', () => {
    expect(applicationMark(of('p', 'worker', 'api'))).toBe(applicationMark(of('p', 'api', 'worker')));
    const names = fc.array(
      fc.string({ unit: fc.constantFrom('a', '"', '\\', '@', '/', ','), minLength: 1, maxLength: 4 }),
      {
        maxLength: 4,
      },
    );
    fc.assert(
      fc.property(names, fc.constantFrom('', 'production', 'a "b"'), (said, environment) => {
        const read = applicationOf(applicationMark({ names: said, environment }));
        return read?.environment === environment && belongTogether(read, { names: said, environment });
      }),
      runs(300),
    );
  });

  it.each<unknown>([
    undefined,
    5,
    '',
    'null',
    '{}',
    '[]',
    '[5]',
    '["p",5]',
    '["p",""]',
    '["p\\n","api"]',
    '["p","api\\u001b[31m"]',
    '["p","a b"]',
    JSON.stringify(['p', 'x'.repeat(215)]),
    JSON.stringify(['x'.repeat(65), 'api']),
    JSON.stringify(['p', ...Array.from({ length: 17 }, (__, at) => `a${at}`)]),
    `["p","api"]${' '.repeat(9_000)}`,
  ])('believe nothing that is no mark: %p', (mark) => {
    expect(applicationOf(mark)).toBeUndefined();
  });

  it('are described by name and environment', () => {
    expect(describeApplication(of('production', 'api', '@org/worker'))).toBe(
      '"api", "@org/worker" (environment "production")',
    );
    expect(describeApplication(of(''))).toBe('an application without a name (no environment)');
  });
});
