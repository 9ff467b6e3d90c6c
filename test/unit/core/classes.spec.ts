import { describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { createContext, runInContext } from 'node:vm';
import { registerClasses } from '../../../lib/core/classes.js';
import type { Constructor } from '../../../lib/core/canonical.js';
import { Copier } from '../../../lib/core/copier.js';
import { CacheConfigError } from '../../../lib/core/errors.js';
import { mintOf, partId } from './support/mints.js';

class Cat {
  constructor(readonly name: unknown) {}
}
class Tiger extends Cat {}

describe('registered classes', () => {
  it('are known by their prototypes and names', () => {
    const classes = registerClasses([Cat, Tiger]);
    expect(classes.get(Cat.prototype)).toBe('Cat');
    expect(classes.get(Tiger.prototype)).toBe('Tiger');
  });

  it('may be given twice', () => {
    expect(registerClasses([Cat, Cat]).size).toBe(1);
  });

  it('two of one name are refused: they would read each other’s entries', () => {
    const other = (() => class Cat {})();
    expect(() => registerClasses([Cat, other])).toThrow(/^codec\.types: has two classes of the name Cat/);
    expect(() => mintOf({ types: [Cat, other] })).toThrow(CacheConfigError);
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
    const mint = mintOf({ types: [Cat] });
    expect(partId(mint, new Cat('tom'))).toBe(partId(mint, new Cat('tom')));
    expect(() => partId(mint, new Tiger('tom'))).toThrow('is an instance of a class that is not registered');
    expect(() => new Copier([Cat]).admit(new Tiger('tom'), 'clone')).toThrow(
      'is an instance of a class that is not registered',
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
    const mint = mintOf({ types: [Cat, Tiger, odd] });
    const ids = [new Cat('a'), new Tiger('a'), { name: 'a' }, new Cat({ name: 'a' }), new odd()].map((it) =>
      partId(mint, it),
    );
    expect(new Set(ids).size).toBe(5);
  });
});
