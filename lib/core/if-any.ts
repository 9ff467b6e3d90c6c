/** What can be found out, of something that may throw because of whatever somebody gave it. */
export function ifAny<T>(find: () => T): T | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}
