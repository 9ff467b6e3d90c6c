/**
 * 32 bits that tell names apart well enough to find what may be meant, and that do not give them away. Two names with one
 * fingerprint cost a needless look at the server, never a wrong answer. (FNV-1a.)
 */
export function fingerprint(...texts: readonly string[]): number {
  let hash = 0x811c9dc5;
  for (const text of texts) {
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    // Sets texts apart: no name contains it.
    hash = Math.imul(hash ^ 0x0a, 0x01000193);
  }
  return hash >>> 0;
}

/** One fingerprint of two, for a process that knows the second name by its fingerprint alone. */
export function joined(one: number, other: number): number {
  return (Math.imul(one ^ 0x0a, 0x01000193) ^ other) >>> 0;
}
