/**
 * Values that are arguments of commands. Tracers and loggers make texts of the arguments they see, among others the
 * instrumentation of OpenTelemetry, the diagnostics channels of ioredis and its debug output: a value is no text to them.
 * What is sent are the bytes themselves: the connection does not ask them for a text.
 */
import { inspect } from 'node:util';

/** All that is shown of a value: how long it is. */
function shown(this: Buffer): string {
  return `[${this.length} bytes]`;
}

const REDACTED = Object.create(
  Buffer.prototype,
  Object.fromEntries(['toString', 'toLocaleString', 'toJSON', inspect.custom].map((name) => [name, { value: shown }])),
) as Buffer;

/** The same bytes, not copied, that say no more than their length when they are turned into a text. */
export function redacted(bytes: Buffer): Buffer {
  return Object.setPrototypeOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), REDACTED) as Buffer;
}
