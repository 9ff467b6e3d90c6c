import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { inspect } from 'node:util';
import { Copier } from '../../../lib/core/values/copier.js';
import { parseDuration } from '../../../lib/core/duration.js';
import * as errors from '../../../lib/core/errors.js';
import { compileGlob } from '../../../lib/core/keys/glob.js';
import { checkNamespace } from '../../../lib/core/keys/key.js';
import { checkTags } from '../../../lib/core/keys/label.js';
import { DEFAULT_POLICY, resolvePolicy } from '../../../lib/core/policy.js';
import { scopeOf } from '../../../lib/core/keys/scope.js';
import { keyFactoryOf, partId } from './support/key-factories.js';
import { runs } from '../../support/soak.js';

const CANARY = 'canary-7f3a-secret';

/** Every way in which something of a caller's can be refused, with the canary in it. */
const refusals: readonly (readonly [string, () => unknown])[] = [
  [
    'an argument that is an instance',
    () =>
      partId(
        keyFactoryOf(),
        new (class Order {
          readonly secret = CANARY;
        })(),
      ),
  ],
  [
    'an argument of a class called like a secret',
    () =>
      partId(
        keyFactoryOf(),
        Object.create(Object.defineProperty(class {}, 'name', { value: CANARY }).prototype as object),
      ),
  ],
  ['an argument under a secret name', () => partId(keyFactoryOf(), { [CANARY]: { [CANARY]: () => 1 } })],
  [
    'an argument whose getter throws',
    () =>
      partId(keyFactoryOf(), {
        get a() {
          throw new Error(CANARY);
        },
      }),
  ],
  ['an argument that is too long', () => partId(keyFactoryOf(), CANARY.repeat(10_000))],
  ['an argument with a lone surrogate', () => partId(keyFactoryOf(), `${CANARY}\ud800`)],
  ['an argument that is a symbol', () => partId(keyFactoryOf(), Symbol(CANARY))],
  ['an argument with a symbol', () => partId(keyFactoryOf(), { [Symbol(CANARY)]: CANARY })],
  ['a value that is an instance', () => new Copier().admit({ [CANARY]: new Error(CANARY) }, 'clone')],
  ['a value in a Map under a secret key', () => new Copier().admit(new Map([[CANARY, () => 1]]), 'clone')],
  [
    'a value whose getter throws',
    () =>
      new Copier().admit(
        {
          get a() {
            throw new Error(CANARY);
          },
        },
        'clone',
      ),
  ],
  ['a value that is too large', () => new Copier().admit(CANARY.repeat(100), 'clone', 10)],
  ['a tenant that is an object', () => scopeOf({ tenant: { [CANARY]: CANARY } })],
  ['a tenant that is too long', () => scopeOf({ tenant: CANARY.repeat(100) })],
  ['a tenant with a lone surrogate', () => scopeOf({ tenant: `${CANARY}\ud800` })],
  ['a tag that is too long', () => checkTags([CANARY.repeat(100)])],
  ['too many tags', () => checkTags(Array.from({ length: 5_000 }, (_, index) => CANARY + index))],
  ['a tag with a lone surrogate', () => checkTags([`${CANARY}\ud800`])],
  ['a pattern that is none', () => compileGlob(`${CANARY}[`)],
  ['a pattern that is too long', () => compileGlob(CANARY.repeat(100))],
  ['a namespace that is none', () => checkNamespace(`${CANARY}@`)],
  ['a duration that is none', () => parseDuration(CANARY, 'ttl')],
  ['a secret that is too short', () => keyFactoryOf({ hashSecret: CANARY.slice(0, 6) })],
  ['an option of another type', () => resolvePolicy(DEFAULT_POLICY, { isolate: CANARY as never }, 'defaults')],
];

describe('C26: an error says what happened and where, and repeats nothing that a caller gave', () => {
  it.each(refusals)('%s', (_, refuse) => {
    let error: unknown;
    try {
      refuse();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(errors.CacheError);
    const { stack = '', ...rest } = error as Error;
    // The stack quotes lines of this file when sources are mapped; the message is its first part.
    const told = inspect(rest, { depth: 9, showHidden: true }) + (error as Error).message + stack.split('\n    at ')[0];
    expect(told).not.toContain('canary');
    expect(told).not.toContain('7f3a');
  });

  it('names of properties are told when they are names, and left out when they look like data', () => {
    const placeOf = (name: string): string => {
      try {
        new Copier().admit({ [name]: () => 1 }, 'clone');
      } catch (error) {
        return (error as errors.UnserializableError).where;
      }
      return '';
    };
    for (const name of ['stream', 'createdAt', '_id', '$ref', 'line2', 'address_1'])
      expect(placeOf(name)).toBe(`value.${name}`);
    for (const name of [
      'bob@example.com',
      '4111111111111111',
      'sk_live_51H8',
      'user12345',
      'a b',
      'x'.repeat(40),
      'DE89370400440532013000',
      '',
    ]) {
      expect(placeOf(name)).toBe('value[…]');
    }
  });

  it('a place inside of something very deep is cut off', () => {
    let deep: unknown = () => 1;
    for (let level = 0; level < 60; level++) deep = { someLongName: deep };
    expect(() => new Copier().admit(deep, 'clone')).toThrow(/^value(\.someLongName)+.{0,20}… is a function/);
  });
});

describe('every error', () => {
  const made: readonly errors.CacheError[] = [
    new errors.CacheConfigError('defaults.ttl', 'must be something else'),
    new errors.ScopeMissingError('tenant', 'cats'),
    new errors.ScopeInvalidError('user', 'is not one'),
    new errors.ScopeLeakError('outer', 'inner'),
    new errors.KeyInvalidError('argument 0', 'is a function'),
    new errors.TagInvalidError('too many'),
    new errors.PatternInvalidError('is empty'),
    new errors.PatternUnsupportedError('names are digests'),
    new errors.UnserializableError('value.a', 'is a function'),
    new errors.ValueTooLargeError(5, 4),
    new errors.NotACounterError('cats'),
    new errors.ReentrantLoadError('cats'),
    new errors.NothingToRenewError('cats'),
    new errors.LoaderTimeoutError('cats', 5),
    new errors.BackendError('read', 'redis', { cause: new Error('down') }),
    new errors.InvalidationUnknownError('evict', 'redis'),
  ];

  it.each(made.map((error) => [error.constructor.name, error] as const))(
    '%s has its name, a code and a sentence',
    (name, error) => {
      expect(error).toBeInstanceOf(errors.CacheError);
      expect(error).toBeInstanceOf(Error);
      expect(error.name).toBe(name);
      expect(error.code).toMatch(/^CACHE_[A-Z_]+$/);
      expect(error.message.length).toBeGreaterThan(10);
      expect(String(error)).toBe(`${name}: ${error.message}`);
    },
  );

  it('has a code of its own', () => {
    expect(new Set(made.map(({ code }) => code)).size).toBe(made.length);
  });

  it('carries its cause', () => {
    expect(made.find(({ name }) => name === 'BackendError')?.cause).toEqual(new Error('down'));
  });
});

it('whatever text is refused, its error does not contain it', () => {
  const odd = fc.string({ minLength: 6, maxLength: 12, unit: fc.constantFrom(...'qxzjQXZJ0123456789-_ '.split('')) });
  fc.assert(
    fc.property(odd, (text) => {
      const tries = [
        () => parseDuration(text, 'ttl'),
        () => compileGlob(`[${text}`),
        () => checkNamespace(`${text}@`),
        () => partId(keyFactoryOf(), { [text]: () => 1 }),
      ];
      return tries.every((refuse) => {
        try {
          refuse();
        } catch (error) {
          // Six letters and no more than two digits after them are the name of a property.
          return /^[A-Za-z_]+\d{0,2}$/.test(text) || !(error as Error).message.includes(text);
        }
        return false;
      });
    }),
    runs(1_000),
  );
});
