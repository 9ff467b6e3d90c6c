import { beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as zlib from 'node:zlib';
import { WIRE_CASES, WIRE_ENTRY, WIRE_ID, writeWire } from '../../fixtures/wire/cases.js';
import { rig, secret } from './support/codecs.js';
import { identical } from './support/identical.js';

const FILE = fileURLToPath(new URL('../../fixtures/wire/v1.json', import.meta.url));
const READS_ALL = {
  encryption: {
    keys: [
      { id: 'k2', secret: secret(2) },
      { id: 'k1', secret: secret(1) },
    ],
  },
};
const HAS_ZSTD = 'zstdDecompressSync' in zlib;

const stored: Record<string, string> = existsSync(FILE)
  ? (JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, string>)
  : {};

/** See test/fixtures/wire/README.md. Adds, and never replaces. */
beforeAll(async () => {
  if (process.env['WRITE_WIRE'] === undefined) return;
  for (const wireCase of WIRE_CASES) stored[wireCase.name] ??= (await writeWire(wireCase)).toString('base64');
  writeFileSync(FILE, `${JSON.stringify(stored, null, 2)}\n`);
});

describe('B17: envelopes of version 1 open for ever', () => {
  it.each(WIRE_CASES)('$name', async ({ name, options, value, needs }) => {
    const bytes = Buffer.from(stored[name] ?? '', 'base64');
    const { codec, open, events } = rig(options.encryption === undefined ? {} : READS_ALL);
    if (needs === 'zstd' && !HAS_ZSTD) {
      expect(await open(bytes, WIRE_ID)).toBeUndefined();
      expect(events).toMatchObject([{ type: 'warning' }]);
      return;
    }
    const opened = await open(bytes, WIRE_ID);
    expect(events).toEqual([]);
    expect(identical(opened?.value, value)).toBe(true);
    const { value: _value, ...header } = WIRE_ENTRY;
    expect(opened).toMatchObject({ ...header, sizeBytes: bytes.length });
    expect(codec.peek(bytes, WIRE_ID)).toEqual(header);
  });

  it('and those written today look the same, apart from what is random', async () => {
    for (const wireCase of WIRE_CASES.filter(({ options }) => options.encryption === undefined)) {
      const [then, now] = [Buffer.from(stored[wireCase.name] ?? '', 'base64'), await writeWire(wireCase)];
      // What zlib makes of a body may change with Node; what stands before it may not.
      const end = wireCase.options.compression === false ? -4 : then.readUInt16LE(16);
      now.copy(then, 4, 4, 16);
      expect(now.subarray(0, end).toString('latin1')).toBe(then.subarray(0, end).toString('latin1'));
    }
  });

  it('none of them is missing, none is unknown', () => {
    expect(Object.keys(stored)).toEqual(WIRE_CASES.map(({ name }) => name));
  });
});
