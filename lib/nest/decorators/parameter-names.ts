import { CacheConfigError } from '../../core/errors.js';
import type { MethodSite } from './method-site.js';

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
      if (typeof arg === 'string' && names.includes(`...${arg}`)) this.from = names.indexOf(`...${arg}`);
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

function positionOf(arg: unknown, names: readonly string[], option: string): number {
  const position = typeof arg === 'string' ? names.indexOf(arg) : arg;
  if (typeof position === 'number' && Number.isInteger(position) && position >= 0) return position;
  const problem =
    typeof arg === 'string'
      ? `"${arg}" is not one of its parameters (${names.join(', ') || 'none'})`
      : 'positions are whole numbers from 0';
  throw new CacheConfigError(option, problem);
}

const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*/u;
/** `id => …`: the one form without parentheses. */
const BARE_ARROW = /^(?:async\s+)?([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*=>/u;

/** The names of the parameters in their order: `...ids` for the rest, '' for one that is taken apart ({ id }, [first]). */
export function parameterNames(method: (...args: never[]) => unknown): string[] {
  const source = Function.prototype.toString.call(method);
  const bare = BARE_ARROW.exec(source)?.[1];
  if (bare !== undefined) return [bare];
  return parameterList(source).map((parameter) => {
    const rest = parameter.startsWith('...') ? '...' : '';
    const name = NAME.exec(parameter.slice(rest.length).trimStart())?.[0] ?? '';
    return rest + name;
  });
}

/** Comments, texts and single characters: whatever stands inside the first two is no bracket and no comma. */
const TOKEN =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|`(?:\\[\s\S]|[^`\\])*`|[\s\S]/g;
const CLOSING: Readonly<Record<string, string>> = Object.freeze({ '(': ')', '[': ']', '{': '}' });

/** What stands between the first outermost parentheses, split at its outermost commas. */
function parameterList(source: string): string[] {
  const parameters: string[] = [];
  const open: string[] = [];
  let current: string | undefined;
  for (const [token] of source.matchAll(TOKEN)) {
    const isComment = token.startsWith('/*') || token.startsWith('//');
    const closing = CLOSING[token];
    if (closing !== undefined) open.push(closing);
    else if (token === open.at(-1)) open.pop();
    if (current === undefined) {
      // A computed name, `['find' + x](id)`, has its brackets before the parentheses.
      if (token === '(' && open.length === 1) current = '';
    } else if (open.length === 0) break;
    else if (token === ',' && open.length === 1) {
      parameters.push(current.trim());
      current = '';
    } else if (!isComment) current += token;
  }
  return [...parameters, (current ?? '').trim()].filter((parameter) => parameter !== '');
}
