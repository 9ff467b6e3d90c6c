import { describe, expect, it } from '@jest/globals';
import { assemble } from '../../support/machine/assemble.js';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import type { CodecOptions } from '../../../lib/codec/codec.options.js';
import type { BackendFactory, BackendParts } from '../../../lib/core/backend.js';
import type { Codec, Opened } from '../../../lib/core/codec.js';
import { CacheConfigError } from '../../../lib/core/errors.js';
import type { CacheEvent } from '../../../lib/core/observer.js';
import { resolveLimits } from '../../../lib/core/limits.js';
import { resolveSettings } from '../../../lib/nest/cache.settings.js';
import { Money } from '../core/support/values.js';
import { ENCRYPTED, entryOf, ID, rig } from './support/codecs.js';

/** Memory, and what it was given to be built from. */
function spied(): { backend: BackendFactory; parts: BackendParts[] } {
  const parts: BackendParts[] = [];
  const backend = { kind: 'spied', create: (given: BackendParts) => (parts.push(given), memory().create(given)) };
  return { backend, parts };
}

const log = { log: () => undefined, warn: () => undefined };

describe('how a backend gets its codec', () => {
  it('made when first used, and stays the same', async () => {
    const { backend, parts } = spied();
    const machine = assemble({ backend });
    const [first, second] = [parts[0]!.codec(), parts[0]!.codec()];
    expect(first).toBe(second);
    await machine.close();
  });

  it('with the classes, limits, prefix and observers of the cache', async () => {
    const { backend, parts } = spied();
    const events: CacheEvent[] = [];
    const { limits } = resolveSettings({ limits: { maxValueBytes: 2_000 } }, log, undefined, {});
    const machine = assemble({
      backend,
      types: [Money],
      codec: ENCRYPTED,
      prefix: 'test',
      limits,
      observers: [(event) => void events.push(event)],
    });
    const codec: Codec = parts[0]!.codec();
    const sealed = await codec.seal(entryOf(new Money(1, 'EUR')), ID);
    expect((await rig(ENCRYPTED, { prefix: 'test' }).open(sealed))?.value).toEqual(new Money(1, 'EUR'));
    expect(() => codec.seal(entryOf('x'.repeat(3_000)), ID)).toThrow('limits.maxValueBytes');
    expect(await codec.open(Buffer.alloc(5), ID)).toBeUndefined();
    expect(events).toMatchObject([{ type: 'damaged', reason: 'malformed' }]);
    await machine.close();
  });

  it('A74: values that would keep all others waiting stop the start where they leave the process, and only there', async () => {
    const [{ backend, parts }, limits] = [spied(), resolveLimits({ maxValueBytes: 8_388_609 })];
    const machine = assemble({ backend, limits });
    expect(() => parts[0]!.codec()).toThrow(CacheConfigError);
    expect(() => parts[0]!.codec()).toThrow('limits.maxValueBytes: must not exceed 8388608');
    await machine.close();
  });

  it.each<readonly [unknown, string]>([
    [{ encryption: { keys: [{ id: 'a', secret: 'short' }] } }, 'codec.encryption.keys[0].secret'],
    [{ compression: { level: 99 } }, 'codec.compression.level'],
    [{ serializer: {} }, 'codec.serializer'],
  ])('options that cannot work stop the start, whatever the backend: %#', (codec, option) => {
    for (const backend of [undefined, memory()]) {
      const start = (): unknown => assemble({ backend, codec: codec as CodecOptions });
      expect(start).toThrow(CacheConfigError);
      expect(start).toThrow(`${option}: `);
    }
  });

  it('options of the module arrive: classes beside the rest', () => {
    const settings = resolveSettings(
      { codec: { types: [Money], compression: false, ...ENCRYPTED } },
      log,
      undefined,
      {},
    );
    expect(settings.types).toEqual([Money]);
    expect(settings.codec).toEqual({ compression: false, ...ENCRYPTED });
    expect(() => resolveSettings({ codec: { compresion: false } as CodecOptions }, log, undefined, {})).toThrow(
      'codec.compresion: is not an option',
    );
  });

  it('damage reaches the log, and the same kind of it only once in a while', async () => {
    const { backend, parts } = spied();
    const lines: string[] = [];
    const machine = assemble({ backend, log: { log: () => undefined, warn: (line) => void lines.push(line) } });
    for (let time = 0; time < 10; time++) await parts[0]!.codec().open(Buffer.alloc(5), ID);
    expect(lines).toEqual([
      expect.stringMatching(
        /^Stored bytes of namespace "Cats\.find" were not served: malformed \(key [0-9a-f]{8}\)\.$/,
      ),
    ]);
    const opened: Opened | undefined = await parts[0]!.codec().open(await rig().seal(1), ID);
    expect(opened?.value).toBe(1);
    await machine.close();
  });
});
