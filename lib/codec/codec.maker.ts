import type { Codec } from '../core/codec.js';
import { resolveCodecOptions, type CodecOptions } from './codec.options.js';
import { createCodec, type CodecParts } from './envelope.codec.js';

/** Makes the codec of a cache, once its backend asks for it. */
export type CodecMaker = (parts: CodecParts) => Codec;

/** Options are looked at here, whether or not a backend ever asks. @throws CacheConfigError naming the option */
export function codecMaker(options: CodecOptions): CodecMaker {
  const resolved = resolveCodecOptions(options);
  return (parts) => createCodec(resolved, parts);
}
