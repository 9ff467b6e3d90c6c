import { CacheConfigError } from '../../../core/errors.js';
import type { MethodSite } from '../method-site.js';
import { parameterList } from './parameter-list.js';

/** Which arguments stay out of a key. */
export class IgnoredArgs {
  private readonly positions = new Set<number>();
  /** A rest parameter stands for all arguments from its position on. */
  private readonly from: number = Infinity;

  /**
   * Names are read from the method's own source; where a build has renamed or restructured the parameters, this says so
   * when the method is decorated, not by a wrong key later.
   * @throws CacheConfigError
   */
  constructor(ignoreArgs: readonly (number | string)[] | undefined, { written }: MethodSite, option: string) {
    if (ignoreArgs === undefined) return;
    if (!Array.isArray(ignoreArgs))
      throw new CacheConfigError(option, 'must be a list of positions or parameter names');
    const names = parameterNames(written);
    for (const arg of ignoreArgs as readonly unknown[]) {
      const rest = typeof arg === 'string' ? names?.indexOf(`...${arg}`) : undefined;
      if (rest !== undefined && rest >= 0) this.from = rest;
      else this.positions.add(positionOf(arg, names, option));
    }
  }

  get areNone(): boolean {
    return this.positions.size === 0 && this.from === Infinity;
  }

  has(position: number): boolean {
    return position >= this.from || this.positions.has(position);
  }
}

function positionOf(arg: unknown, names: readonly string[] | undefined, option: string): number {
  if (typeof arg === 'string' && names === undefined)
    throw new CacheConfigError(
      option,
      `"${arg}" is looked for among parameters that cannot be read from the source of the method with certainty; say its position instead, from 0`,
    );
  const position = typeof arg === 'string' ? names?.indexOf(arg) : arg;
  if (typeof position === 'number' && Number.isInteger(position) && position >= 0) return position;
  const problem =
    typeof arg === 'string'
      ? `"${arg}" is not one of its parameters (${names?.join(', ') || 'none'}); say its position where a build or a decorator below has renamed them`
      : 'positions are whole numbers from 0';
  throw new CacheConfigError(option, problem);
}

const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*/u;
/** `id => …`: the one form without parentheses. */
const BARE_ARROW = /^(?:async\s+)?([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*=>/u;

const NATIVE = /\{\s*\[native code\]\s*\}\s*$/;

/**
 * The names of the parameters in their order: `...ids` for the rest, '' for one that is taken apart ({ id }, [first]).
 * Undefined where the source does not tell: of bound functions and proxies, or where it cannot be read with certainty.
 */
export function parameterNames(method: (...args: never[]) => unknown): string[] | undefined {
  const source = Function.prototype.toString.call(method);
  if (NATIVE.test(source)) return undefined;
  const bare = BARE_ARROW.exec(source)?.[1];
  if (bare !== undefined) return [bare];
  return parameterList(source)?.map((parameter) => {
    const rest = parameter.startsWith('...') ? '...' : '';
    const name = NAME.exec(parameter.slice(rest.length).trimStart())?.[0] ?? '';
    return rest + name;
  });
}
