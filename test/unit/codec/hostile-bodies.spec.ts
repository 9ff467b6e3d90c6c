import { describe, expect, it } from '@jest/globals';
import { Money } from '../core/support/values.js';
import { forge, rig } from './support/codecs.js';
import { identical } from './support/identical.js';

const FORMAT = { json: 0, tagged: 1, bytes: 2 };

describe('B13, B14: a body is data', () => {
  const hostile = [
    '{"__proto__":{"polluted":1}}',
    '{"constructor":{"prototype":{"polluted":1}}}',
    '{"a":{"__proto__":{"__proto__":{"polluted":1}}}}',
    '[{"__proto__":{"polluted":1,"length":9}}]',
    '{"~":{"__proto__":{"polluted":1}}}',
    '{"~O":{"__proto__":{"polluted":1}}}',
    '{"~C":["Money",{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}]}',
    '{"~M":["__proto__",{"polluted":1}]}',
    '{"then":"call me","toJSON":"me too"}',
    '{"a":"_$$ND_FUNC$$_function(){ globalThis.polluted = 1 }()"}',
  ];

  it.each(hostile)('%s pollutes nothing, also when the value is copied', async (body) => {
    const { open } = rig();
    for (const format of [FORMAT.json, FORMAT.tagged]) {
      const opened = await open(forge(body, { format }));
      const value = opened?.value as object;
      Object.assign({}, value);
      expect(Reflect.get({}, 'polluted')).toBeUndefined();
      expect(Reflect.get(globalThis, 'polluted')).toBeUndefined();
      expect(Reflect.get(Money.prototype, 'polluted')).toBeUndefined();
      expect(Reflect.get(value, 'polluted')).toBeUndefined();
    }
  });

  it.each([
    '{"~C":["__proto__",{}]}',
    '{"~C":["constructor",{}]}',
    '{"~C":["Object",{}]}',
    '{"~C":["Money"]}',
    '{"~C":"Money"}',
    '{"~J":["Money",{}]}',
    '{"~J":["__proto__",1]}',
    '{"~J":["Money",{"~h":0}]}',
    '{"~B":["constructor",""]}',
    '{"~B":["Function","YWxlcnQoMSk="]}',
    '{"~B":["SharedArrayBuffer",""]}',
    '{"~B":["Float64Array","AAAA"]}',
    '{"~n":"__proto__"}',
    '{"~n":1}',
    '{"~b":"0x10"}',
    '{"~b":""}',
    '{"~D":"now"}',
    '{"~R":["(",""]}',
    '{"~R":["a","zz"]}',
    '{"~U":"nowhere"}',
    '{"~M":[1]}',
    '{"~M":{"length":2}}',
    '{"~S":"abc"}',
    '{"~O":[1]}',
    '{"~O":null}',
    '{"~":5}',
    '{"~x":5}',
    '{"~F":"function () {}"}',
    '[[[[',
    '',
    'undefined',
  ])('%s is a miss', async (body) => {
    const { open, events } = rig();
    expect(await open(forge(body, { format: FORMAT.tagged }))).toBeUndefined();
    expect(events).toHaveLength(1);
  });

  it.each([70, 50_000])('a body nested %i deep, deeper than any value, is a miss', async (levels) => {
    const { open, events } = rig();
    const body = `{"~S":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    expect(await open(forge(body, { format: FORMAT.tagged }))).toBeUndefined();
    expect(events).toMatchObject([{ type: 'damaged', reason: 'unreadable' }]);
  });

  it('what other code put into Object.prototype changes nothing', async () => {
    const value = { a: new Date(5), b: { '~u': 1 }, c: [undefined], d: {} };
    const { seal, open, through } = rig();
    const before = await seal(value);
    Object.assign(Object.prototype, { '~u': 0, polluted: 1 });
    try {
      expect(identical(await through(value), value)).toBe(true);
      expect(identical((await open(before))?.value, value)).toBe(true);
    } finally {
      Reflect.deleteProperty(Object.prototype, '~u');
      Reflect.deleteProperty(Object.prototype, 'polluted');
    }
  });
});
