/** Has the library find version 5 of its driver. */
export function resolve(specifier, context, next) {
  return next(specifier === 'ioredis' ? 'ioredis-5' : specifier, context);
}
