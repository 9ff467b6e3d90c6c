/** Classes whose instances may stand in one place of a key. */
import { describe, expect, it } from '@jest/globals';
import { PartialType } from '@nestjs/mapped-types';
import { Canonical, type Constructor } from '../../../../lib/core/values/canonical.js';
import { registerClasses } from '../../../../lib/core/values/classes.js';
import { DataClasses } from '../../../../lib/core/values/data-classes.js';
import { SeenShape } from '../../../../lib/core/values/seen-shape.js';

const CANNOT_BE_TOLD = 'is an instance of a class that its name does not tell from others';

/** Writes values into a place where arguments of a type are declared. */
function place(declared: Constructor, types: readonly Constructor[] = []): (value: unknown) => string {
  const registered = registerClasses(types);
  const seen = new SeenShape(new DataClasses(registered, declared));
  const canonical = new Canonical(registered);
  return (value) => canonical.encode(value, 'argument', 0, seen);
}

class Cat {
  constructor(readonly name?: unknown) {}
  get loud(): string {
    return String(this.name).toUpperCase();
  }
}
class Tiger extends Cat {}
class Pair {
  constructor(
    readonly a: unknown,
    readonly b?: unknown,
  ) {}
}

describe('an instance in a place of its own', () => {
  it('is written without the name of the declared class, with that of any other, and apart from registered ones', () => {
    const write = place(Cat);
    expect(write(new Cat('tom'))).toBe("C''{name='tom}");
    expect(write(new Tiger(new Cat('tom')))).toBe("C''Tiger{name=C''{name='tom}}");
    expect(write({ name: 'tom' })).toBe("{name='tom}");
    expect(place(Pair)(new Pair(1, new Tiger('x')))).toBe("{a=1;b=C''Tiger{name='x}}");
    expect(place(Pair)({ a: 1, b: new Pair(2) })).toBe('{a=1;b={a=2}}');
    expect(place(Pair, [Tiger])(new Pair(1, new Tiger('x')))).toBe("{a=1;b=C'Tiger{name='x}}");
    expect(place(Array as unknown as Constructor)([new Pair(1), new Cat()])).toBe("[C''Pair{a=1};C''Cat{}]");
    expect(place(Cat)([new Date(0), new Map([[1, new Cat(2)]])])).toBe("[D0;M(1=C''{name=2})]");
  });

  it('has a name that says one class, whatever that is called', () => {
    const named = (name: string): Cat => {
      const type = Object.defineProperty(class extends Cat {}, 'name', { value: name });
      return new type(1);
    };
    const write = place(Cat);
    expect(write(named("Cat{name='x}"))).toBe("C''Cat%7Bname%3D%27x%7D{name=1}");
    for (const name of ['Ab', 'a', '', 'Cat\ud800']) expect(() => write(named(name))).toThrow(CANNOT_BE_TOLD);
    expect(write(named('Abc'))).toBe("C''Abc{name=1}");
    expect(() => write(named('Abc'))).toThrow(CANNOT_BE_TOLD);
    expect(place(Cat)(named('Abc'))).toBe("C''Abc{name=1}");
    expect(() => write(named(class {} as never))).toThrow(CANNOT_BE_TOLD);
  });

  it('is refused when too many classes come: they are made anew for each call', () => {
    const write = place(Cat);
    const of = (at: number): Cat =>
      new (Object.defineProperty(class extends Cat {}, 'name', { value: `Cat${at}` }))(at);
    for (let at = 0; at < 64; at++) write(of(at));
    expect(() => write(of(64))).toThrow(CANNOT_BE_TOLD);
    expect(write(new Cat(1))).toBe("C''{name=1}");
  });

  it('is refused where its class cannot be told', () => {
    const write = place(Cat);
    class Other {}
    for (const instance of [
      Object.create(Object.create(Cat.prototype) as object),
      Object.create(Object.defineProperty(Object.create(Cat.prototype) as object, 'constructor', { value: Other })),
      Object.create({
        get constructor() {
          return Cat;
        },
      }),
    ] as object[])
      expect(() => write(instance)).toThrow(`argument 0 ${CANNOT_BE_TOLD}`);
  });

  it('is refused when it has more than properties: built-in classes, hidden state and properties, symbols', () => {
    const state = new WeakMap<object, unknown>();
    class Kept extends Cat {
      constructor(kept: unknown) {
        super(1);
        state.set(this, kept);
      }
    }
    const write = place(Cat);
    expect(() => write(new Kept(1))).toThrow(
      'is an instance of Kept, which has, or extends a class that has, a WeakMap',
    );
    expect(() => write(Object.defineProperty(new Cat(1), 'hidden', { value: 1 }))).toThrow('has hidden properties');
    expect(() => write(Object.assign(new Cat(1), { [Symbol('s')]: 1 }))).toThrow('has symbol properties');
    expect(() => write(new Cat(() => 1))).toThrow('argument 0.name is a function');
    expect(() => write(new (class Failure extends Error {})())).toThrow(
      'that is not registered (Failure), or a built-in',
    );
    expect(() => write(Object.assign(new Date(0), { zone: 1 }))).toThrow(
      'that is not registered (Date), or a built-in',
    );
    expect(() => place(Map as unknown as Constructor)(new (class Registry extends Map {})())).toThrow('(Registry)');
  });

  it('is refused where the code of its class hands instances out, with and without properties', () => {
    const days = new WeakMap<object, number>();
    const keep = (day: object, value: number): void => void days.set(day, value);
    class Day {
      get day(): number | undefined {
        return days.get(this);
      }
    }
    class Lone extends Day {}
    class Dated extends Day {
      readonly page = 1;
    }
    class Kept {
      constructor(day: number) {
        keep(this, day);
      }
    }
    for (const type of [Day, Lone, Dated, Kept] as readonly (new (day: number) => object)[])
      expect(() => place(type)(new type(1))).toThrow(`${type.name}, which hands its instances to other code`);
    class Query {
      get offset(): number {
        return 1;
      }
    }
    expect(place(Query)(new Query())).toBe("C''{}");
  });

  it('is refused where something else has put members onto the prototype of its class', () => {
    const owners = new WeakMap<object, unknown>();
    class Owned {
      readonly page = 1;
    }
    class Sub extends Owned {}
    // As decorators of properties do that keep a value behind an accessor.
    Object.defineProperty(Owned.prototype, 'owner', {
      configurable: true,
      get(this: object) {
        return owners.get(this);
      },
      set(this: object, owner: unknown) {
        owners.set(this, owner);
      },
    });
    for (const type of [Owned, Sub]) {
      const instance = Object.assign(new type(), { owner: 'ann' });
      expect(Object.keys(instance)).toEqual(['page']);
      expect(() => place(type)(instance)).toThrow(`${type.name}, which hands its instances to other code`);
    }
  });

  it('is data where Nest has made its class of another one', () => {
    class ListDto extends PartialType(Pair) {
      declare page?: number;
    }
    expect(place(ListDto)(new ListDto())).toBe('{}');
    expect(place(ListDto)(Object.assign(new ListDto(), { page: 2 }))).toBe('{page=2}');
  });
});

it('tells the name of a class where it looks like one, and runs no code of the class for it', () => {
  class Said {
    readonly #page = 1;
    static {
      Object.defineProperty(this, 'name', { value: 'p4ssw0rd of acme!' });
    }
    get page(): number {
      return this.#page;
    }
  }
  class Thrown {
    readonly #page = 1;
    static get name(): string {
      throw new Error('p4ssw0rd');
    }
    get page(): number {
      return this.#page;
    }
  }
  for (const type of [Said, Thrown])
    expect(() => place(type)(new type())).toThrow('is an instance of without a name, which has');
});
