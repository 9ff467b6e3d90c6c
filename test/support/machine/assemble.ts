import {
  buildBackend,
  buildEngine,
  DEFAULT_CORE_SETTINGS,
  layFoundation,
  type CoreSettings,
  type Machine,
} from '../../../lib/assemble.js';
import { nullBackend } from '../../../lib/backends/null.backend.js';
import { codecMaker } from '../../../lib/codec/codec.maker.js';
import type { Clock } from '../../../lib/core/clock.js';

/** The whole machine at once, without Nest around it. */
export function assemble(coreSettings: Partial<CoreSettings> = {}, clock?: Clock, random?: () => number): Machine {
  const settings = { ...DEFAULT_CORE_SETTINGS, ...coreSettings };
  const foundation = layFoundation(settings, clock, undefined, random);
  const backend = buildBackend(
    foundation,
    codecMaker({ ...settings.codec, types: settings.types }),
    settings.isEnabled ? undefined : nullBackend,
  );
  const engine = buildEngine(foundation, backend);
  const close = async (): Promise<void> => {
    await engine.close();
    foundation.context.close();
  };
  return { ...foundation, backend, engine, close };
}
