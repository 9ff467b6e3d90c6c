/** Large values on their way to a server: what packs them may be busy with other things, and the server may hang. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants, closeSync, mkdtempSync, open, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { Clock } from '../../../lib/core/clock.js';
import type { Rig } from '../machine/rig.js';
import type { TcpProxy } from '../proxy/tcp-proxy.js';
import { pause } from '../time.js';

/** Packed in the thread pool, large on its way, and unpacked without the pool. */
const PACKED_BYTES = 98_304;
const MIB = 1_048_576;
const THREADS = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);

/** A text of so many bytes that hardly becomes smaller. */
export function incompressible(bytes: number): string {
  return randomBytes(bytes * 0.75).toString('base64');
}

/** Keeps all threads of the pool waiting, without work for a processor, until the answer is called. */
function holdThreads(): () => Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'scoped-cache-threads-'));
  const paths = Array.from({ length: THREADS }, (_, at) => join(dir, `pipe-${at}`));
  execFileSync('mkfifo', paths);
  // To open a pipe lasts until somebody opens its other end.
  const opened = paths.map(
    (path) =>
      new Promise<void>((resolve, reject) => {
        open(path, 'r', (error, end) => {
          if (error !== null) {
            reject(error);
            return;
          }
          closeSync(end);
          resolve();
        });
      }),
  );
  return async () => {
    const ends = paths.map((path) => openSync(path, constants.O_RDWR | constants.O_NONBLOCK));
    await Promise.all(opened);
    for (const end of ends) closeSync(end);
    rmSync(dir, { recursive: true, force: true });
  };
}

/**
 * Packing takes longer than a call may. All of it is stored all the same, as another process finds, and nothing failed.
 * @param timeoutMs of the first of the two
 */
export async function provePacking(rig: Rig<Clock>, other: Rig<Clock>, timeoutMs: number): Promise<void> {
  const value = incompressible(PACKED_BYTES);
  const entries = (name: string): [string, string][] => [0, 1].map((at) => [`${name} ${at}`, value]);
  const draft = { value, labels: [], freshForMs: 60_000, keptForMs: 60_000, isolation: undefined };
  await rig.set('to expire', value);
  const release = holdThreads();
  try {
    const storing = Promise.all([
      rig.set('set', value),
      rig.load('loaded', () => value),
      rig.backend.writeMany(
        entries('many').map(([name]) => [rig.key(name), { ...draft, labels: rig.key(name).labels }]),
      ),
      rig.backend.expire(rig.key('to expire'), 30_000, 30_000),
    ]);
    // Failures of it are looked at below.
    storing.catch(() => undefined);
    await pause(1.4 * timeoutMs);
    await release();
    await storing;
  } finally {
    await release().catch(() => undefined);
  }
  for (const key of ['set', 'loaded', 'many 0', 'many 1', 'to expire'])
    expect([key, (await other.get(key)) === value]).toEqual([key, true]);
  expect(rig.recorded.of('error')).toEqual([]);
}

/** A server that takes everything and answers nothing gets few large values, and each caller is told in bounded time. */
export async function proveLine(rig: Rig<Clock>, proxy: TcpProxy): Promise<void> {
  const value = incompressible(MIB * 0.95);
  const keys = Array.from({ length: 8 }, (_, at) => `large ${at}`);
  proxy.mode = 'dropReplies';
  const before = proxy.bytesUp;
  const outcomes = await Promise.allSettled(keys.map((key) => rig.set(key, value)));
  expect(outcomes.map(({ status }) => status)).toEqual(keys.map(() => 'rejected'));
  // One was on its way, and as its time was up the next went.
  expect(proxy.bytesUp - before).toBeLessThan(3 * MIB);
  expect(proxy.bytesUp - before).toBeGreaterThan(MIB / 2);
  proxy.mode = 'pass';
}

/** Many of the largest at once cost another tenant no hit. */
export async function proveBeside(rig: Rig<Clock>, bytes: number, many: number): Promise<void> {
  const others = { tenant: 'beta' } as const;
  await rig.set('small', 'beta', others);
  const value = incompressible(bytes);
  const keys = Array.from({ length: many }, (_, at) => `large ${at}`);
  let isDone = false;
  const sets = Promise.all(keys.map((key) => rig.set(key, value))).finally(() => {
    isDone = true;
  });
  sets.catch(() => undefined);
  const loads: string[] = [];
  while (!isDone) {
    expect(await rig.load('small', () => loads.push('a load'), others)).toBe('beta');
    await pause(5);
  }
  await sets;
  expect(loads).toEqual([]);
  expect(rig.recorded.of('error')).toEqual([]);
}
