import { describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { createContext, runInContext } from 'node:vm';
import { registerClasses } from '../../../../lib/core/values/classes.js';
import type { Constructor } from '../../../../lib/core/values/canonical.js';
import { Copier } from '../../../../lib/core/values/copier.js';
import { CacheConfigError } from '../../../../lib/core/errors.js';
import { keyFactoryOf, partId } from '../support/key-factories.js';

class Cat {
  constructor(readonly name: unknown) {}
}
class Tiger extends Cat {}

describe('registered classes', () => {
  it('are known by their prototypes and names', () => {
    const classes = registerClasses([Cat, Tiger]);
    expect(classes.get(Cat.prototype)?.name).toBe('Cat');
    expect(classes.get(Tiger.prototype)?.name).toBe('Tiger');
  });

  it('may be given twice', () => {
    expect(registerClasses([Cat, Cat]).size).toBe(1);
  });

  it('two of one name are refused: they would read each other’s entries', () => {
    const other = (() => class Cat {})();
    expect(() => registerClasses([Cat, other])).toThrow(/^codec\.types: has two classes of the name Cat/);
    expect(() => keyFactoryOf({ types: [Cat, other] })).toThrow(CacheConfigError);
    expect(() => new Copier([Cat, other])).toThrow(CacheConfigError);
  });

  it('without a name are refused', () => {
    expect(() => registerClasses([(() => class {})()])).toThrow('codec.types: entry 0 needs a name');
    expect(() => registerClasses([Cat, Object.defineProperty(class {}, 'name', { value: '\ud800' })])).toThrow(
      'entry 1 needs a name',
    );
  });

  it.each<readonly [string, unknown]>([
    ['undefined, which a ring of imports leaves behind', undefined],
    ['null', null],
    ['a text', 'Cat'],
    ['an instance', new Cat('tom')],
    ['an arrow function', () => 1],
  ])('%s is refused', (_, type) => {
    expect(() => registerClasses([Cat, type as Constructor])).toThrow('codec.types: entry 1 is not a class');
  });

  it.each<readonly [string, unknown]>([
    ['Map', Map],
    ['Object', Object],
    ['Array', Array],
    ['Date', Date],
    ['Error', Error],
    ['Promise', Promise],
    ['URL', URL],
    ['Buffer', Buffer],
    ['URLSearchParams', URLSearchParams],
    ['Uint8Array', Uint8Array],
    ['what extends Map', class Registry extends Map {}],
    ['what extends Error', class Failure extends Error {}],
    ['what extends what extends Array', class Rows extends class List extends Array {} {}],
    ['a Map of another realm', runInContext('Map', createContext({}))],
  ])('%s is refused: its contents are not properties', (_, type) => {
    expect(() => registerClasses([type as Constructor])).toThrow(/^codec\.types: .* is, or extends, a built-in class/);
  });

  it('may extend classes that are no built-ins', () => {
    class Bus extends EventEmitter {}
    class Alone extends (null as unknown as ObjectConstructor) {}
    expect(registerClasses([Bus, Alone as unknown as Constructor]).size).toBe(2);
  });

  it('stand for themselves and not for what extends them', () => {
    const keyFactory = keyFactoryOf({ types: [Cat] });
    expect(partId(keyFactory, new Cat('tom'))).toBe(partId(keyFactory, new Cat('tom')));
    expect(() => partId(keyFactory, new Tiger('tom'))).toThrow('is an instance of a class that is not registered');
    expect(() => new Copier([Cat]).admit(new Tiger('tom'), 'clone')).toThrow(
      'is an instance of Tiger, a class that is not registered',
    );
  });

  it('have keys of their own, whatever they are called', () => {
    const odd = Object.defineProperty(
      class {
        readonly a = 1;
      },
      'name',
      { value: "Cat{name='x}" },
    ) as unknown as new () => object;
    const keyFactory = keyFactoryOf({ types: [Cat, Tiger, odd] });
    const ids = [new Cat('a'), new Tiger('a'), { name: 'a' }, new Cat({ name: 'a' }), new odd()].map((it) =>
      partId(keyFactory, it),
    );
    expect(new Set(ids).size).toBe(5);
  });
});

class Money {
  readonly #cents: number;
  constructor(cents: number) {
    this.#cents = cents;
  }
  get cents(): number {
    return this.#cents;
  }
}
const toJSON = (money: Money): number => money.cents;
const fromJSON = (cents: number): Money => new Money(cents);

describe('classes with state that neither a key nor a copy sees', () => {
  it('are refused by name when they have private fields, and told what to write', () => {
    expect(() => registerClasses([Money])).toThrow(
      'codec.types: Money has, or extends a class that has, private fields or methods, which neither a key nor a copy ' +
        'can see. Write { type: Money, toKey, toJSON, fromJSON } in its place',
    );
    class Salary extends Money {
      readonly per = 'month';
    }
    expect(() => keyFactoryOf({ types: [Salary] })).toThrow('codec.types: Salary has, or extends a class that has');
    expect(() => registerClasses([{ type: Money, toKey: (money: Money) => money.cents }])).toThrow(CacheConfigError);
  });

  it('are kept by what their registration says: equal ones have one key, different ones have two', () => {
    const keyFactory = keyFactoryOf({ types: [{ type: Money, toJSON, fromJSON }] });
    expect(partId(keyFactory, new Money(5))).toBe(partId(keyFactory, new Money(5)));
    const ids = [new Money(5), new Money(999), 5, [5], { toKey: 5 }].map((it) => partId(keyFactory, it));
    expect(new Set(ids).size).toBe(5);
    const rounded = keyFactoryOf({
      types: [{ type: Money, toKey: (it: Money) => Math.round(it.cents), toJSON, fromJSON }],
    });
    expect(partId(rounded, { of: new Money(5.1) })).toBe(partId(rounded, { of: new Money(4.9) }));
  });

  it('their keys are the same in every process: made of the name that was said, not of that of the class', () => {
    const Minified = (() =>
      class a {
        readonly cents = 5;
      })();
    const [one, other] = [Money, Minified].map((type) =>
      keyFactoryOf({ types: [{ type: type as typeof Money, name: 'Money', toJSON, fromJSON }] }),
    );
    expect(partId(one!, new Money(5))).toBe(partId(other!, new Minified()));
  });

  it('a class whose name a minifier may have made is refused until a name is said', () => {
    const Minified = (() => class Ab {})();
    expect(() => registerClasses([Minified])).toThrow(
      /^codec\.types: entry 0 is a class of the name Ab, which a minifier may have given it/,
    );
    expect(registerClasses([{ type: Minified, name: 'Id' }]).get(Minified.prototype)?.name).toBe('Id');
    expect(() => registerClasses([{ type: Minified, name: 'Cat' }, Cat])).toThrow('two classes of the name Cat');
  });

  it('instances without properties are refused when they come, with the name of their class', () => {
    const slots = new WeakMap<object, number>();
    class Instant {
      get ms(): number | undefined {
        return slots.get(this);
      }
    }
    class Nothing {}
    const keyFactory = keyFactoryOf({ types: [Instant, Nothing] });
    expect(() => partId(keyFactory, new Instant())).toThrow(/^argument 0 is a Instant without properties, whose state/);
    expect(() => new Copier([Instant]).admit({ at: new Instant() }, 'clone')).toThrow(
      /^value\.at is a Instant without properties, whose state/,
    );
    expect(partId(keyFactory, new Nothing())).toBe(partId(keyFactory, new Nothing()));
  });

  it.each<readonly [string, object, string]>([
    ['toJSON without fromJSON', { type: Money, toJSON }, 'codec.types[0]: needs toJSON and fromJSON, both or neither'],
    ['fromJSON without toJSON', { type: Money, fromJSON }, 'codec.types[0]: needs toJSON and fromJSON'],
    ['what is no function', { type: Money, toKey: 'cents' }, 'codec.types[0].toKey: must be a function'],
    ['an option that is none', { type: Money, fromJson: fromJSON }, 'codec.types[0].fromJson: is not an option'],
    ['a name that is none', { type: Money, name: '', toJSON, fromJSON }, 'needs a name of 1 to 128 characters'],
    ['no class', { type: 'Money', toJSON, fromJSON }, 'entry 0 is not a class'],
    ['Date', { type: Date, toJSON, fromJSON }, 'Date is, or extends, a built-in class that is stored as it is'],
    ['a subclass of Array', { type: class Rows extends Array {}, toJSON, fromJSON }, 'Rows is, or extends, a built-in'],
  ])('a registration with %s is refused', (_, entry, message) => {
    expect(() => registerClasses([entry as never])).toThrow(message);
  });

  it('one class in two forms is refused, the same form twice is not', () => {
    const form = { type: Money, toJSON, fromJSON };
    expect(registerClasses([form, { ...form }]).size).toBe(1);
    expect(() => registerClasses([form, { ...form, toKey: () => 1 }])).toThrow(
      'registers Money twice, in different ways',
    );
  });

  it.each<readonly [string, object, string]>([
    [
      'toKey throws',
      {
        toKey: () => {
          throw new Error('999');
        },
      },
      'toKey (or toJSON) of Money in codec.types throws',
    ],
    ['toKey gives nothing', { toKey: () => undefined }, 'toKey (or toJSON) of Money in codec.types gives undefined'],
    ['toKey gives the instance', { toKey: (it: Money) => it }, 'is nested too deeply'],
    ['toKey gives a promise', { toKey: async () => 5 }, 'is an instance of a class that is not registered'],
  ])('a key is refused when %s', (_, form, message) => {
    const keyFactory = keyFactoryOf({ types: [{ type: Money, toJSON, fromJSON, ...form }] });
    expect(() => partId(keyFactory, new Money(999))).toThrow(message);
    expect(() => partId(keyFactory, new Money(999))).not.toThrow('999');
  });
});
