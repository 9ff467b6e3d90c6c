// What sealing and opening cost, beside JSON alone: node bench/codec-speed.mjs
// Not one of the numbered questions: it has no peers and no target, and times one part that no entry point exports.
// So it compiles that part from `lib/` itself: the built library is packed into few files, without a name for each part.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as zlib from 'node:zlib';
import { rolldown } from 'rolldown';

const { createCodec, resolveCodecOptions, resolveLimits } = await compiled(`
  export { createCodec } from './codec/envelope.codec.js';
  export { resolveCodecOptions } from './codec/codec.options.js';
  export { resolveLimits } from './core/limits.js';
`);

const ROUNDS = 15;
const id = "t.acme/Cats.findOne/'some-id-42";
const header = {
  generation: 'a1b2c3d4e5f6a7b8',
  stamp: 1_700_000_000_000_000,
  labels: ['n:Cats.findOne'],
  freshUntilServerMs: 1.7e12,
  graceMs: 0,
};
const keys = [{ id: 'k1', secret: randomBytes(32) }];
const codecs = {
  'not compressed': codecOf({ compression: false }),
  'by default': codecOf({}),
  signed: codecOf({ compression: false, encryption: { keys, mode: 'sign' } }),
  encrypted: codecOf({ encryption: { keys } }),
};
const values = {
  '200 B': rows(2),
  '4 KB': rows(32),
  '100 KB': rows(780),
  '100 KB with dates': rows(620).map((row) => ({ ...row, born: new Date(1e12 + row.id) })),
};

console.log('microseconds, best of the rounds; in brackets: times JSON.stringify to bytes, times JSON.parse of bytes');
for (const [size, value] of Object.entries(values)) {
  const json = Buffer.from(JSON.stringify(value));
  const calls = json.length < 1_000 ? 20_000 : json.length < 10_000 ? 2_000 : 100;
  const write = best(calls, () => Buffer.from(JSON.stringify(value)));
  const read = best(calls, () => JSON.parse(json.toString()));
  console.log(`${size}: JSON ${json.length} bytes, write ${write.toFixed(2)}, read ${read.toFixed(2)}`);
  for (const [name, codec] of Object.entries(codecs)) {
    const sealed = await codec.seal({ ...header, value }, id);
    const opened = await codec.open(sealed, id);
    if (JSON.stringify(opened?.value) !== json.toString()) throw new Error(`${name} does not give back ${size}`);
    const isAtOnce = Buffer.isBuffer(codec.seal({ ...header, value }, id));
    const seal = isAtOnce ? best(calls, () => codec.seal({ ...header, value }, id)) : undefined;
    const open = best(calls, () => codec.open(sealed, id));
    const sealing = seal === undefined ? 'in the thread pool' : `${seal.toFixed(2)} (${(seal / write).toFixed(2)} x)`;
    console.log(
      `  ${name.padEnd(15)} ${String(sealed.length).padStart(6)} bytes, seal ${sealing}, open ${open.toFixed(2)} (${(open / read).toFixed(2)} x)`,
    );
  }
}

const LINES_GBIT = [1, 10, 25];
const sync = (deflate, inflate, options) =>
  deflate && { deflate: (body) => deflate(body, options), inflate: (body) => inflate(body) };
const ways = {
  'deflate 1': sync(zlib.deflateRawSync, zlib.inflateRawSync, { level: 1 }),
  'deflate 6': sync(zlib.deflateRawSync, zlib.inflateRawSync, { level: 6 }),
  'zstd 3': sync(zlib.zstdCompressSync, zlib.zstdDecompressSync, {
    params: { [zlib.constants.ZSTD_c_compressionLevel]: 3 },
  }),
  'brotli 1': sync(zlib.brotliCompressSync, zlib.brotliDecompressSync, {
    params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 },
  }),
};
console.log(
  '\nJSON of records: size, microseconds to deflate and to inflate; what one read gains on a line of so many Gbit/s',
);
for (const count of [8, 32, 128, 512, 800]) {
  const body = Buffer.from(JSON.stringify(rows(count)));
  console.log(`${(body.length / 1_024).toFixed(1)} KiB`);
  for (const [name, way] of Object.entries(ways)) {
    if (way === undefined) continue;
    const small = way.deflate(body);
    if (!way.inflate(small).equals(body)) throw new Error(`${name} does not give back what it got`);
    const calls = Math.ceil(2_000_000 / body.length);
    const [deflate, inflate] = [best(calls, () => way.deflate(body)), best(calls, () => way.inflate(small))];
    const gains = LINES_GBIT.map((gbit) => ((body.length - small.length) * 8) / (gbit * 1_000) - inflate);
    console.log(
      `  ${name.padEnd(10)} ${((small.length / body.length) * 100).toFixed(0).padStart(3)} %, ${deflate.toFixed(0)}, ${inflate.toFixed(0)}; ${gains.map((gain, at) => `${LINES_GBIT[at]}: ${gain.toFixed(0)}`).join(', ')}`,
    );
  }
}

/** What this source exports, as if it were a file in `lib/`. */
async function compiled(source) {
  const input = fileURLToPath(new URL('../lib/codec-speed.ts', import.meta.url));
  const bundle = await rolldown({
    input,
    platform: 'node',
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    plugins: [
      { name: 'source', resolveId: (id) => (id === input ? id : null), load: (id) => (id === input ? source : null) },
    ],
  });
  const dir = mkdtempSync(join(tmpdir(), 'codec-speed-'));
  try {
    await bundle.write({ dir, format: 'es', entryFileNames: 'codec.mjs' });
    return await import(pathToFileURL(join(dir, 'codec.mjs')).href);
  } finally {
    await bundle.close();
    rmSync(dir, { recursive: true });
  }
}

function codecOf(options) {
  const emit = { isHeard: false, event: (event) => console.error(event) };
  return createCodec(resolveCodecOptions(options), { limits: resolveLimits(), emit, prefix: 'bench' });
}

function rows(count) {
  return Array.from({ length: count }, (_, at) => ({
    id: at,
    name: `Cat number ${at}`,
    colour: ['grey', 'black', 'white'][at % 3],
    price: at * 1.25,
    owner: { id: at % 17, mail: `user${at}@example.com` },
    tags: [`a${at}`, 'b'],
  }));
}

function best(calls, work) {
  let found = Infinity;
  for (let round = 0; round <= ROUNDS; round++) {
    const startedAt = process.hrtime.bigint();
    for (let call = 0; call < calls; call++) work();
    const spent = Number(process.hrtime.bigint() - startedAt) / calls / 1_000;
    // The first round is for warming up.
    if (round > 0) found = Math.min(found, spent);
  }
  return found;
}
