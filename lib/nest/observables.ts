/** True for the class Observable and those derived from it, whichever copy of rxjs they come from. */
export function isObservableClass(type: unknown): boolean {
  const prototype = typeof type === 'function' ? (type.prototype as Record<string, unknown> | undefined) : undefined;
  return typeof prototype?.['subscribe'] === 'function' && typeof prototype['pipe'] === 'function';
}
