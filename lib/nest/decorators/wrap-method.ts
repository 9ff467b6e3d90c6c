import { Inject } from '@nestjs/common';
import { CacheConfigError } from '../../core/errors.js';
import { CacheService } from '../cache.service.js';
import { carryMetadata, type Method, type MethodSite } from './metadata.js';

/**
 * Where each object finds its cache. Nest's own property injection puts it there, so the right cache is found with
 * inheritance, request-scoped providers and two applications in one process, and a missing module is Nest's own error.
 */
const SERVICE: unique symbol = Symbol.for('nestjs-scoped-cache:injected');

interface Served {
  readonly [SERVICE]?: CacheService;
}

/** Runs a decorated method of `self` through its cache. */
export type Invoke = (service: CacheService, self: unknown, args: unknown[]) => unknown;

/** Puts `invoke` in the place of a method or getter. An object that nobody injected simply runs its method. */
export function wrapMethod(
  target: object,
  name: string | symbol,
  descriptor: PropertyDescriptor,
  decorator: string,
  begin: (site: MethodSite) => Invoke,
): PropertyDescriptor {
  const title = `${(target as { constructor: { name: string } }).constructor.name}.${String(name)}`;
  if (typeof target === 'function')
    throw new CacheConfigError(
      decorator,
      `cannot be used on the static method ${String(name)}: only objects made by Nest have a cache`,
    );
  if (typeof name === 'symbol')
    throw new CacheConfigError(decorator, `cannot be used on ${title}: a method named by a symbol has no namespace`);
  const method = (descriptor.get ?? descriptor.value) as Method | undefined;
  if (typeof method !== 'function')
    throw new CacheConfigError(decorator, `can only be used on methods and getters, which ${title} is not`);
  const invoke = begin({ prototype: target, name, title, method });
  askForService(target);
  const wrapper = function (this: unknown, ...args: unknown[]): unknown {
    const service = (this as Served | undefined)?.[SERVICE];
    return service === undefined ? method.apply(this, args) : invoke(service, this, args);
  };
  disguise(wrapper, method);
  return descriptor.get === undefined
    ? { ...descriptor, value: wrapper }
    : { ...descriptor, get: wrapper as () => unknown };
}

/** Once per class: a second request would inject the same service twice. */
function askForService(target: object): void {
  if (Object.hasOwn(target, SERVICE)) return;
  Object.defineProperty(target, SERVICE, { value: undefined, writable: true, configurable: true });
  Inject(CacheService)(target, SERVICE);
}

function disguise(wrapper: Method, method: Method): void {
  Object.defineProperty(wrapper, 'name', { value: method.name, configurable: true });
  Object.defineProperty(wrapper, 'length', { value: method.length, configurable: true });
  carryMetadata(method, wrapper);
}
