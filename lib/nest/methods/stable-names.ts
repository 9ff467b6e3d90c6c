/** What `mixin()` of Nest calls a class: other hex digits in every process. */
const RANDOM = /^(?=.*\d)[\da-f]{12,}$/;
/** What compilers call a class that has no name. */
const MADE_UP = /^_?default$|^(default|class)_\d+$/;
const SHORTEST = 3;

/**
 * Why the name of a class cannot be part of keys: other processes and other releases would know the class by another one,
 * or another class by this one. Undefined when it can, as far as its name shows.
 */
export function instabilityOf(name: string): string | undefined {
  if (name === '') return 'a class without a name';
  if (MADE_UP.test(name)) return 'a class without a name of its own, which its compiler calls so';
  if (isMadeAtStart(name))
    return 'a class with a name that is another one in every process, as those that mixin() makes';
  // A class that is called Db costs one line of configuration; a bundle calls another class so in its next release.
  if (name.length < SHORTEST)
    return 'a class with a name as short as those that bundlers make, which change with every build';
  return undefined;
}

/** Whether a class has a name as `mixin()` gives it. */
export function isMadeAtStart(name: string): boolean {
  return RANDOM.test(name);
}
