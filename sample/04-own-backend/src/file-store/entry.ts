import type { Copier, Entry, KeyId, Opened } from 'nestjs-scoped-cache/backend';

/** What the codec has opened, as an entry with its times on the clock of this process. */
export function entryOf(id: KeyId, opened: Opened, aheadMs: number, copier: Copier): Entry {
  const freshUntilMs = opened.freshUntilServerMs - aheadMs;
  return {
    ...opened,
    identity: id,
    freshUntilMs,
    keptUntilMs: freshUntilMs + opened.graceMs,
    level: 'l2',
    // The codec has proven whose it is: bytes that were put under another key do not open.
    isOf: (key) => key.id === id,
    // A copy for each look: what one caller does to its own, no other sees.
    get value() {
      return copier.copy(opened.value);
    },
  };
}
