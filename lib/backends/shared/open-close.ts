/** Opening and closing what is made of several parts. */
import type { Awaitable } from '../../core/async/awaitable.js';
import type { Backend } from '../../core/backend.js';

/** Opens a part, or closes the whole: callers do not close what failed to open. @throws why the part did not open */
export async function openOrClose(part: Backend, whole: Backend): Promise<void> {
  try {
    await part.open?.();
  } catch (error) {
    await closeAll(() => whole.close()).catch(() => undefined);
    throw error;
  }
}

/** Closes one after the other, whether those before succeeded or not. @throws the first failure */
export async function closeAll(...closings: readonly (() => Awaitable<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closings) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
