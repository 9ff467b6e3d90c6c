import {
  buildBackend,
  buildEngine,
  DEFAULT_CORE_SETTINGS,
  layFoundation,
  type CoreSettings,
  type Machine,
} from '../../../lib/assemble.js';
import { createCodec } from '../../../lib/codec/envelope.codec.js';
import type { Clock } from '../../../lib/core/clock.js';

/** The whole machine at once, without Nest around it. */
export function assemble(coreSettings: Partial<CoreSettings> = {}, clock?: Clock, random?: () => number): Machine {
  const foundation = layFoundation({ ...DEFAULT_CORE_SETTINGS, ...coreSettings }, clock, undefined, random);
  const backend = buildBackend(foundation, createCodec);
  const engine = buildEngine(foundation, backend);
  const close = async (): Promise<void> => {
    await engine.close();
    foundation.context.close();
  };
  return { ...foundation, backend, engine, close };
}
