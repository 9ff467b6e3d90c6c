import { declaredParameters } from './metadata.js';
import type { MethodSite } from './method-site.js';
import { parameterNames } from './parameters/parameter-names.js';

/**
 * How many parameters a method may have; Infinity for any number. Its source tells, as long as it is its own: below this
 * library's decorators there may be the function of another one, which takes `...args`. Then the compiler's note tells,
 * where it left one, though not whether the last of them takes the rest. Undefined when neither does.
 */
export function parameterCounts(site: MethodSite): readonly number[] | undefined {
  const declared = declaredParameters(site);
  const names = isAsWritten(site) ? parameterNames(site.written) : undefined;
  // A build for old targets moves parameters into a function inside; the note was made before.
  if (names === undefined || (declared !== undefined && declared > names.length))
    return declared === undefined ? undefined : [declared, Infinity];
  return [names.some((name) => name.startsWith('...')) ? Infinity : names.length];
}

/** True when the source is that of a method or getter of this name in a class. */
function isAsWritten({ written, name }: MethodSite): boolean {
  const source = Function.prototype.toString.call(written);
  const [, found] = /^(?:(?:async|get)\b\s*)?(?:\*\s*)?([^\s(]+)\s*\(/.exec(source) ?? [];
  return found === name || found === `'${name}'` || found === `"${name}"`;
}
