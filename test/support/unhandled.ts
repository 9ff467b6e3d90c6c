import { afterEach, beforeEach } from '@jest/globals';

/** Fails each test of the file in which a promise was rejected that nothing listened to: outside of tests it ends the process. */
export function watchUnhandled(): void {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);

  beforeEach(() => {
    unhandled.length = 0;
    process.on('unhandledRejection', note);
  });

  afterEach(async () => {
    await turns();
    process.off('unhandledRejection', note);
    if (unhandled.length > 0) throw new Error(`Nothing listened to: ${unhandled.map(String).join(', ')}`);
  });
}

/** Node tells of such rejections after the promises of a turn. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
