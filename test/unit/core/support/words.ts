import fc from 'fast-check';

/** Texts that have broken the keys of other caches, or would break a careless encoding of ours. */
export const HOSTILE_WORDS: readonly string[] = Object.freeze(
  [
    // Pairs that become one when joined (Mercure CVE-2026-39972, fast-jwt CVE-2026-35039).
    ['a_b', 'c', 'a', 'b_c', 'a:b', 'b:c', 'a.b', 'b.c', 'a,b', 'b,c', 'a/b', 'b/c', 'a|b', 'b|c', 'a@b', 'b@c'],
    // What our own encodings look like.
    ["'a", "'", "a'", "','", "'a,'b", '42', '-0', '42n', 'NaN', 'Inf', '-Inf', 'true', 'null', 'undef', 'hole'],
    ['[', ']', '[]', "['a]", "['a;'b]", '{}', '{a=1}', '{a:1}', 'M()', 'S()', 'D0', 'DNaN', "U'a", "R'a'g", "C'Cat{}"],
    ['#', '##', '#4.abcd', '%', '%20', '%2520', '%41', '%2E', '%3A', '%40', '=', ';', 'a=b', 'a;b'],
    ['g', 't', 'u', 'g/', 't.', 't.a', 'u.a.b', '@', '@2', 'a@2', '2'],
    // Patterns, paths, protocols.
    ['*', '?', '[a]', '[a-z]', '\\', '../', '..', '.', '%2e', '{x}', '}{', ':', '|', ','],
    ['\0', '\n', '\r\nFLUSHALL\r\n', '$ne', '$where'],
    // Names that objects already have.
    ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'prototype', 'then', 'length'],
    // Names that a library might use for itself.
    ['@global', 'global', 'default', 'm', '0', '1', 'tenant', 'user'],
    // Letters that are equal to some.
    ['Acme', 'acme', 'ACME', 'İ', 'i', 'ı', 'K', '\u212A', 'k', 'ß', 'ss', 'ẞ'],
    [
      '\u00e9',
      'e\u0301',
      '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}',
      '\u{1F468}\u{1F469}\u{1F467}',
      '\u202Ea',
      'a\u200B',
    ],
    [' ', '  ', 'a ', ' a', '\t', '\u00a0', '\ufeff', '', '😀', '漢字'],
  ].flat(),
);

const hostile = fc.constantFrom(...HOSTILE_WORDS);

/** Well-formed texts: hostile ones, their neighbours, and anything else. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: hostile },
  { weight: 2, arbitrary: fc.tuple(hostile, hostile).map(([a, b]) => a + b) },
  { weight: 2, arbitrary: fc.string({ maxLength: 6 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
);

/** Texts that are ids of tenants and users: not blank, at most 256 bytes. */
export const anyId: fc.Arbitrary<string> = anyText.filter(
  (text) => text.trim() !== '' && Buffer.byteLength(text) <= 256,
);

/** Texts that are names of namespaces. */
export const anyNamespace: fc.Arbitrary<string> = anyText.filter((text) => text !== '' && !text.includes('@'));
