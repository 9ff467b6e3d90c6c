import type { ResultRules } from '../../engine/call.js';

/**
 * The rules of a call with arguments that cannot be copied: where they make another key when its load begins, nothing is
 * stored.
 */
export class UnlessChanged implements ResultRules {
  private isChanged = false;

  /** @param positions of the arguments in `args` that are looked at as soon as the method is given them */
  constructor(
    args: unknown[],
    positions: readonly number[],
    isSame: (now: readonly unknown[]) => boolean,
    private readonly rules: ResultRules | undefined,
  ) {
    const held = [...args];
    const look = (position: number): unknown => {
      try {
        this.isChanged ||= !isSame(held);
      } catch {
        // No longer part of any key.
        this.isChanged = true;
      }
      return held[position];
    };
    for (const position of positions) Object.defineProperty(args, position, { get: () => look(position) });
  }

  get args(): readonly unknown[] {
    return this.rules?.args ?? [];
  }

  unless(result: unknown): boolean {
    return this.isChanged || this.rules?.unless?.(result) === true;
  }

  tags(result: unknown): readonly string[] {
    return this.rules?.tags?.(result) ?? [];
  }
}
