/**
 * Claims of a verified token, wherever a guard put them: on a plain object, an object of a class, a document of a database.
 */

/** A claim by its name; a dot goes deeper, unless a claim has it in its name. */
export function claimAt(claims: unknown, path: string | undefined): unknown {
  if (path === undefined) return undefined;
  return claim(claims, path) ?? path.split('.').reduce(claim, claims);
}

/** The names of all claims. */
export function claimNames(claims: object): readonly string[] {
  const names = new Set(Object.keys(claims));
  for (let level = above(claims); level !== undefined; level = above(level))
    for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(level)))
      if (get !== undefined) names.add(name);
  return [...names];
}

/**
 * Own properties, and what a class computes for its objects (getters; a document of mongoose has nothing else). Methods are
 * no claims, and what all objects have is none: a claim called "constructor" is not there.
 */
function claim(claims: unknown, name: string): unknown {
  if (typeof claims !== 'object' || claims === null) return undefined;
  if (Object.hasOwn(claims, name)) return (claims as Record<string, unknown>)[name];
  for (let level = above(claims); level !== undefined; level = above(level)) {
    const found = Object.getOwnPropertyDescriptor(level, name);
    if (found !== undefined) return found.get?.call(claims);
  }
  return undefined;
}

/** The class of an object, or the class that it inherits from. Undefined for what all objects inherit from. */
function above(object: object): object | undefined {
  const level = Object.getPrototypeOf(object) as object | null;
  return level === null || Object.getPrototypeOf(level) === null ? undefined : level;
}
