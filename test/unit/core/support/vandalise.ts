/** Changes everything that can be changed in a value. */
export function vandalise(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof Date) value.setTime(99);
  else if (value instanceof URL) value.href = 'http://evil/';
  else if (value instanceof RegExp) value.lastIndex = 5;
  else if (ArrayBuffer.isView(value)) new Uint8Array(value.buffer, value.byteOffset, value.byteLength).fill(255);
  else if (value instanceof Map) {
    for (const pair of value) pair.forEach(vandalise);
    value.set('evil', 1);
  } else if (value instanceof Set) {
    value.forEach(vandalise);
    value.add('evil');
  } else {
    Object.values(value).forEach(vandalise);
    Object.defineProperty(value, Array.isArray(value) ? value.length : 'evil', { value: 'evil', enumerable: true });
  }
}
