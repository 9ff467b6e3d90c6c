import { CacheConfigError } from '../../core/errors.js';
import type { MethodSite } from './metadata.js';

/**
 * Turns `ignoreArgs` into positions. Names are read from the method's own source; where a build has renamed or
 * restructured the parameters, this says so when the method is decorated, not by a wrong key later.
 */
export function ignoredPositions(
  ignoreArgs: readonly (number | string)[] | undefined,
  site: MethodSite,
  option: string,
): ReadonlySet<number> {
  const positions = new Set<number>();
  const names = ignoreArgs?.some((arg) => typeof arg === 'string') === true ? parameterNames(site.method) : [];
  for (const arg of ignoreArgs ?? []) {
    const position = typeof arg === 'string' ? names.indexOf(arg) : arg;
    if (!Number.isInteger(position) || position < 0) {
      const known =
        typeof arg === 'string'
          ? `"${arg}" is not one of its parameters (${names.join(', ') || 'none'})`
          : 'positions are whole numbers from 0';
      throw new CacheConfigError(option, known);
    }
    positions.add(position);
  }
  return positions;
}

/** The names of plain parameters in their order; '' where a parameter is taken apart ({ id }, [first]). */
export function parameterNames(method: (...args: never[]) => unknown): string[] {
  const list = parameterList(Function.prototype.toString.call(method));
  return list.map((parameter) => /^(?:\.\.\.)?\s*([\p{ID_Start}$_][\p{ID_Continue}$]*)/u.exec(parameter)?.[1] ?? '');
}

const CLOSING: Readonly<Record<string, string>> = Object.freeze({ '(': ')', '[': ']', '{': '}' });

/** Splits at the commas of the outermost parentheses, minding nested brackets, texts and comments. */
function parameterList(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  const parameters: string[] = [];
  const open: string[] = [];
  let current = '';
  let quote = '';
  for (let at = code.indexOf('('); at >= 0 && at < code.length; at++) {
    const char = code[at] as string;
    if (quote !== '') {
      if (char === '\\') current += char + (code[++at] ?? '');
      else current += char;
      if (char === quote) quote = '';
      continue;
    }
    if (char === '"' || char === "'" || char === '`') quote = char;
    const closing = CLOSING[char];
    if (closing !== undefined) open.push(closing);
    else if (char === open.at(-1)) open.pop();
    if (open.length === 0) break;
    if (char === ',' && open.length === 1) {
      parameters.push(current.trim());
      current = '';
    } else if (open.length > 1 || closing === undefined) current += char;
  }
  return [...parameters, current.trim()].filter((parameter) => parameter !== '');
}
