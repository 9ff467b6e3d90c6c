import type { CodecOptions } from '../../../../lib/codec/codec.options.js';
import { ENCRYPTED, SIGNED } from './codecs.js';

/** Each way an envelope can look, with a value that takes it. */
export const KINDS: readonly (readonly [string, CodecOptions, unknown])[] = [
  ['plain JSON', {}, { name: 'Felix', lives: 9 }],
  ['text beyond ASCII', {}, { name: 'Minka 漢字' }],
  ['tagged', {}, { born: new Date(0), lives: 9n }],
  ['bytes', {}, new Uint16Array([1, 2, 3])],
  ['deflate', {}, 'cat '.repeat(3_000)],
  ['gzip', { compression: { algorithm: 'gzip' } }, 'cat '.repeat(3_000)],
  ['brotli', { compression: { algorithm: 'brotli' } }, 'cat '.repeat(3_000)],
  ['signed', SIGNED, { name: 'Felix', lives: 9 }],
  ['signed and deflated', SIGNED, 'cat '.repeat(3_000)],
  ['encrypted', ENCRYPTED, { name: 'Felix', lives: 9 }],
  ['encrypted and deflated', { ...ENCRYPTED, compression: {} }, 'cat '.repeat(3_000)],
];
