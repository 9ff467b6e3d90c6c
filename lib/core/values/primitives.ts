/** A value that is no text and no object, as keys have it. */
export function encodePrimitive(value: number | boolean | bigint | undefined): string {
  switch (typeof value) {
    case 'number':
      return encodeNumber(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'bigint':
      return `${value}n`;
    default:
      return 'undef';
  }
}

export function encodeNumber(value: number): string {
  if (Number.isFinite(value)) return value === 0 && Object.is(value, -0) ? '-0' : `${value}`;
  return value > 0 ? 'Inf' : value < 0 ? '-Inf' : 'NaN';
}
