/** What can be found out, of something that may throw because of what a caller gave it. */
export function ifAny<T>(find: () => T): T | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}
