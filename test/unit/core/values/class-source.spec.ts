import { describe, expect, it } from '@jest/globals';
import { transformSync } from '@swc/core';
import { inherits } from 'node:util';
import { runInThisContext } from 'node:vm';
import ts from 'typescript';
import { handsOut, hiddenStateOf } from '../../../../lib/core/values/class-source.js';

type Class = Parameters<typeof hiddenStateOf>[0];

const PRIVATE = 'private fields or methods';
const WEAK = 'a WeakMap or WeakSet of its instances';

/** A class from its source: compilers and formatters leave alone what stands in a text. */
function classOf(source: string): Class {
  return runInThisContext(`(() => { ${source} })()`) as Class;
}

const state = new WeakMap<object, unknown>();

describe('what a class keeps where nobody sees it is found in its source', () => {
  it.each<readonly [string, string, string]>([
    ['a private field', 'return class Money { #amount; constructor(a) { this.#amount = a } }', PRIVATE],
    ['one with a value', 'return class Money { label = "#"; #amount = 1 }', PRIVATE],
    [
      'one without a semicolon before it',
      'return class Money {\n  label = f(1)\n  #amount\n}; function f() {}',
      PRIVATE,
    ],
    ['a private method', 'return class Money { constructor(a) { this.a = a } #check() {} }', PRIVATE],
    ['a private accessor', 'return class Money { a = 1; get #b() { return 1 } }', PRIVATE],
    ['a private method that is async', 'return class Money { a = 1; async *#b() {} }', PRIVATE],
    ['a minified one', 'return class a{#b;constructor(c){this.#b=c}get d(){return this.#b}}', PRIVATE],
    ['behind a static one', 'return class Money { static #count = 0; #amount = 1 }', PRIVATE],
    ['behind a template', 'return class Money { a() { return `}${`{${1}`}"` } #amount = 1 }', PRIVATE],
    ['behind a regular expression', 'return class Money { a = /["\'`{]/; #amount = 1 }', PRIVATE],
    ['behind a division', 'return class Money { a(b) { return (b) / 2 + "/" } #amount = 1 }', PRIVATE],
    ['behind comments', 'return class Money { /* { */ a = 1; // "\n #amount = 1 }', PRIVATE],
    ['of the class that it extends', 'class Base { #a = 1 } return class Money extends Base { b = 1 }', PRIVATE],
    ['of a mixin', 'const M = (B) => class extends B { #a = 1 }; return class Money extends M(class {}) {}', PRIVATE],
    ['an own WeakMap', 'const s = new WeakMap(); return class Money { constructor(a) { s.set(this, a) } }', WEAK],
    ['a WeakSet', 'const s = new WeakSet(); return class Money {\n constructor(a)\n {\n s.add(this) } }', WEAK],
    ['a WeakMap of a function', 'const s = new WeakMap(); return function Money(a) { s.set(this, a) }', WEAK],
    ['a class behind a proxy', 'return new Proxy(class Money { a = 1 }, {})', 'source code that cannot be read'],
  ])('%s', (_, source, hidden) => {
    expect(hiddenStateOf(classOf(source))).toBe(hidden);
  });

  const written = `class Money {
    #amount: number;
    constructor(amount: number) { this.#amount = amount; }
    get amount(): number { return this.#amount; }
    #check(): void {}
  }
  return Money;`;

  it.each([ts.ScriptTarget.ES2015, ts.ScriptTarget.ES2020, ts.ScriptTarget.ES2021, ts.ScriptTarget.ES2022])(
    'a private field as TypeScript writes it for target %s',
    (target) => {
      const { outputText } = ts.transpileModule(`function make() { ${written} }`, { compilerOptions: { target } });
      expect(hiddenStateOf(classOf(`${outputText}; return make();`))).toBe(PRIVATE);
    },
  );

  it.each(['es2015', 'es2020', 'es2022'] as const)('a private field as SWC writes it for %s', (target) => {
    const { code } = transformSync(`function make() { ${written} }`, {
      jsc: { target, parser: { syntax: 'typescript' } },
      isModule: false,
      configFile: false,
      swcrc: false,
    });
    expect(hiddenStateOf(classOf(`${code}; return make();`))).toBe(PRIVATE);
  });

  it('of a class that inherits by its prototype', () => {
    const Base = classOf('const s = new WeakMap(); return function Base(a) { s.set(this, a) }');
    function Money(): void {}
    inherits(Money, Base);
    expect(hiddenStateOf(Money)).toBe(WEAK);
  });
});

describe('what hides nothing is let pass', () => {
  it.each<readonly [string, string]>([
    ['properties', 'return class Cat { name = "#tag"; constructor(a) { this.a = a } }'],
    ['private members of the class itself', 'return class Cat { static #count = 0; static #next() {} a = Cat.#count }'],
    [
      'a hash in texts, comments, templates and expressions',
      'return class Cat { a = "#b"; /* #c */ d = `#e`; f = /#g/; }',
    ],
    ['a static block', 'return class Cat { static #n = 0; static { Cat.#n = 1 } a = 1 }'],
    ['sets of its own', 'return class Cat { all = []; add(o) { this.all.push(o); new Set().add(o) } }'],
    ['a Map that is not by instance', 'return class Cat { put(m, k) { m.set(k, this) } }'],
    ['a class that only joins a set when told', 'return class Cat { a = 1; join(set) { set.add(this) } }'],
  ])('%s', (_, source) => {
    expect(hiddenStateOf(classOf(source))).toBeUndefined();
  });

  it('what TypeScript calls private', () => {
    class Cat {
      constructor(
        private readonly name: string,
        protected lives = 9,
      ) {}
      describe(): string {
        return `${this.name} ${this.lives}`;
      }
    }
    expect(hiddenStateOf(Cat)).toBeUndefined();
    expect(state.has(new Cat('Tom'))).toBe(false);
  });
});

describe('code that hands instances of a class to other code', () => {
  it.each<readonly [string, string]>([
    ['to a function', 'return class Day { get day() { return dayOf(this) } }; function dayOf() {}'],
    ['in a text', 'return class Day { toString() { return `${nameOf(this)}` } }; function nameOf() {}'],
    ['in its constructor', 'return class Day { constructor() { keep({ of: this }) } }; function keep() {}'],
    ['under another name', 'return class Day { get day() { const that = this; return that } }'],
    ['in a class that it extends', 'class Base { get day() { return f(this) } }; return class Day extends Base {}'],
    ['as functions used as classes may', 'return function Day() {}'],
  ])('%s', (_, source) => {
    expect(handsOut(classOf(source))).toBe(true);
  });

  it.each<readonly [string, string]>([
    ['members', 'return class Day { get day() { return this.a + this?.b + this[1] + this\n.c } }'],
    ['words like it', 'return class Day { get day() { return this.$this.this + thistle + _this } }'],
    ['texts and comments', 'return class Day { /* f(this) */ get day() { return "f(this)" } } // f(this)\n'],
    ['what it is given', 'return class Day { constructor(given) { Object.assign(this, given) } get day() {} }'],
  ])('is none with %s', (_, source) => {
    expect(handsOut(classOf(source))).toBe(false);
  });
});
