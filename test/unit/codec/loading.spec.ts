import { describe, expect, it } from '@jest/globals';
import { buildBackend, DEFAULT_CORE_SETTINGS, layFoundation, loadCodecMaker } from '../../../lib/assemble.js';
import { memory } from '../../../lib/backends/memory/memory.backend.js';
import type { BackendFactory } from '../../../lib/core/backend.js';

/** A backend that writes bytes, under whatever kind. */
function asking(kind: string): BackendFactory {
  return { kind, create: (parts) => Object.assign(memory().create(parts), { codec: parts.codec() }) };
}

describe('what writes values as bytes', () => {
  it('is loaded for no cache that keeps them in memory, and for none that is off', () => {
    expect(loadCodecMaker(DEFAULT_CORE_SETTINGS)).toBeUndefined();
    expect(loadCodecMaker({ ...DEFAULT_CORE_SETTINGS, backend: memory() })).toBeUndefined();
    expect(loadCodecMaker({ ...DEFAULT_CORE_SETTINGS, backend: asking('mine'), isEnabled: false })).toBeUndefined();
  });

  it('is loaded for every other backend', async () => {
    const settings = { ...DEFAULT_CORE_SETTINGS, backend: asking('mine') };
    const backend = buildBackend(layFoundation(settings), await loadCodecMaker(settings));
    expect(backend).toMatchObject({ codec: { keyChecks: new Map() } });
  });

  it('has its options looked at, also where nothing uses them', async () => {
    const settings = { ...DEFAULT_CORE_SETTINGS, codec: { compression: { level: -1 } } };
    await expect(loadCodecMaker(settings)).rejects.toThrow('codec.compression.level');
  });

  it('is not there for a backend that calls itself memory, and says so', () => {
    const foundation = layFoundation({ ...DEFAULT_CORE_SETTINGS, backend: asking('memory') });
    expect(() => buildBackend(foundation, undefined)).toThrow("backend: is of kind 'memory' and asks for a codec");
  });
});
