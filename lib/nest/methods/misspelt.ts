import type { Warn } from '../../core/policy.js';

/** Changes of a letter that a slip of the hand makes. */
const MOST_CHANGES = 2;

/**
 * Tells of options for a namespace that no decorated method uses, where one of almost that name is used: its policy would
 * silently be that of the module. A name that is like none may be used by hand.
 */
export function tellMisspelt(
  { named, warn }: { readonly named: readonly string[]; readonly warn: Warn },
  used: readonly string[],
): void {
  for (const name of named) {
    const meant = used.includes(name) ? undefined : used.find((other) => areAlike(name, other));
    if (meant === undefined) continue;
    warn(`namespaces.${name}`, `is used by no decorated method: write '${meant}', if that is meant`);
  }
}

/** Whether so few letters have to be changed, added or left out. Names of some letters only differ in each of them. */
function areAlike(one: string, other: string): boolean {
  if (one.toLowerCase() === other.toLowerCase()) return true;
  const most = Math.min(MOST_CHANGES, Math.floor(Math.min(one.length, other.length) / 3));
  if (Math.abs(one.length - other.length) > most || one.length > 100) return false;
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let from = 0; from < one.length; from++) {
    const next = [from + 1];
    for (let to = 0; to < other.length; to++)
      next.push(
        Math.min((row[to] ?? 0) + Number(one[from] !== other[to]), (row[to + 1] ?? 0) + 1, (next[to] ?? 0) + 1),
      );
    row = next;
  }
  return (row.at(-1) ?? Infinity) <= most;
}
