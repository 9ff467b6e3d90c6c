import { describe, expect, it } from '@jest/globals';
import { CacheConfigError, Cacheable } from '../../../../lib/index.js';
import { parameterNames } from '../../../../lib/nest/methods/parameters/parameter-names.js';

type AnyFunction = (...args: never[]) => unknown;

/** From source, as a build might have left it: what is tested must not be printed anew by ours. */
function method(parameters: string, body = ''): AnyFunction {
  // oxlint-disable-next-line no-implied-eval, no-new-func -- source text is what is being tested
  const make = new Function(`return { async find(${parameters}) {${body}} }.find`) as () => AnyFunction;
  return make();
}

describe('the names of parameters are read from the source', () => {
  it.each<readonly [string, readonly string[]]>([
    ['id, trace', ['id', 'trace']],
    ['id, separator = /,/, trace', ['id', 'separator', 'trace']],
    ['id, re = /[/,)\\]]/gu, trace', ['id', 're', 'trace']],
    ['re = a => /\\/,/.test(a), last', ['re', 'last']],
    ['re = typeof /,/, last', ['re', 'last']],
    ['half = 4 / 2, third = 9 / 3, last', ['half', 'third', 'last']],
    ['half = (1 + 3) / 2, last', ['half', 'last']],
    ['half = [4][0] / 2, third = x.in / 3, last', ['half', 'third', 'last']],
    ['f = (s) => { if (s) /,/.test(s); return 1; }, last', ['f', 'last']],
    ['text = `a ${`,${"}"}`} )`, last', ['text', 'last']],
    ['text = `${{ a: "," }.a}`, last', ['text', 'last']],
    ['a = "\\",", b = \',\', last', ['a', 'b', 'last']],
    ['/* , */ a, // , ) "\n b, last', ['a', 'b', 'last']],
    ['{ a, b: [c] }, [d, e] = [1, 2], ...rest', ['', '', '...rest']],
    ['$a, _b, ñ, last', ['$a', '_b', 'ñ', 'last']],
    ['', []],
  ])('of (%s)', (parameters, names) => {
    expect(parameterNames(method(parameters))).toEqual(names);
  });

  it('of functions and arrows, bare and not', () => {
    const arrow = (id: string, re = /,/, last = 1): unknown => [id, re, last];
    expect(parameterNames(arrow)).toEqual(['id', 're', 'last']);
    expect(parameterNames(((id) => id) as AnyFunction)).toEqual(['id']);
    expect(parameterNames(async (id: string) => id)).toEqual(['id']);
    expect(
      parameterNames(function named(this: void, id: string) {
        return id;
      }),
    ).toEqual(['id']);
  });

  it.each([
    ['a slash behind a brace', method('f = function () {} / 2, last')],
    ['a slash behind a word that may be a name', method('a, of, b = of / 2, last = of / 2')],
    ['a slash behind a step', method('a, b = a++ / 2, last')],
    ['a bound function', method('id').bind(undefined)],
    ['a proxy', new Proxy(method('id'), {})],
  ])('and said to be unknown where they cannot be with certainty: %s', (_, unsure) => {
    expect(parameterNames(unsure)).toBeUndefined();
  });
});

describe('ignoreArgs by name', () => {
  const decorate = (find: AnyFunction, ignoreArgs: (string | number)[]): (() => unknown) => {
    class Cats {}
    return () =>
      (Cacheable({ ignoreArgs }) as MethodDecorator)(Cats.prototype, 'find', { value: find, configurable: true });
  };

  it('is refused, naming positions, where the parameters cannot be read with certainty', () => {
    const unsure = method('f = function () {} / 2, trace');
    expect(decorate(unsure, ['trace'])).toThrow(CacheConfigError);
    expect(decorate(unsure, ['trace'])).toThrow(/@Cacheable Cats\.find\.ignoreArgs: "trace" .*say its position/);
    expect(decorate(unsure, [1])).not.toThrow();
  });

  it('is refused where a decorator below has put a function of other parameters there', () => {
    const traced = (...args: unknown[]): unknown => args;
    expect(decorate(traced, ['trace'])).toThrow(/"trace" is not one of its parameters \(\.\.\.args\).*position/);
  });
});
