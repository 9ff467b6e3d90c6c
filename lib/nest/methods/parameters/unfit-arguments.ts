/**
 * Finds arguments that can never be part of a key when the application starts: each call would fail. A file that is loaded
 * then, and by nothing else.
 */
import { EventEmitter } from 'node:events';
import { CacheConfigError } from '../../../core/errors.js';
import type { Constructor } from '../../../core/values/canonical.js';
import { problemOfData } from '../../../core/values/data-classes.js';
import { isBuiltIn } from '../../../core/values/classes.js';
import { isBuiltinKind, typeName, type Classes } from '../../../core/values/plain.js';
import { answersByHand, declaredTypes, methodOf, parametersOf } from '../metadata.js';
import type { KeyedMethod, PlanSetting } from '../method-plan.js';
import type { Member } from '../method-site.js';

/** What is handed over whole and is no data: by what a handler is marked with, and the kind of the parameter. */
const NO_DATA: readonly (readonly [mark: string, kind: string, decorator: string])[] = Object.freeze([
  ['path', '0', '@Req()'],
  ['path', '1', '@Res()'],
  ['path', '2', '@Next()'],
  ['graphql:resolver_type', '1', '@Context()'],
  ['graphql:resolver_type', '2', '@Info()'],
  ['graphql:resolve_property', '1', '@Context()'],
  ['graphql:resolve_property', '2', '@Info()'],
  ['websockets:message_mapping', '0', '@ConnectedSocket()'],
  ['websockets:message_mapping', '13', '@Ack()'],
  ['microservices:pattern', '6', '@Ctx()'],
] as const);

/** Why a route handler goes without the cache. */
const BY_HAND = Object.freeze({
  response:
    'is handed the response by @Res() or @Next(), and what it does to that would be missing on a hit; it is not cached. Say headers and status with @Header() and @HttpCode(), or cache a method of a service that it calls',
  events: 'sends events by @Sse(), which have no end; it is not cached. Cache what the events are made of',
});
/** What the compiler notes of texts and the like, and of functions. */
const NO_CLASSES: ReadonlySet<unknown> = new Set([String, Number, Boolean, BigInt, Function]);
/** The compiler notes the same of both. */
const FUNCTION =
  'is declared as a function, which cannot be part of a key, or by a class that is imported with `import type`: import that without `type`';

/** @throws CacheConfigError naming the method, the argument, and what to write */
export function checkArguments({ keyed, parts }: PlanSetting): void {
  const { foundation, settings } = parts;
  for (const key of keyed) {
    const { member, ignored, decorator, isOwn } = key;
    const byHand = decorator === '@Cacheable' ? answersByHand(member) : undefined;
    if (byHand !== undefined) settings.warn(`@Cacheable ${member.title}`, BY_HAND[byHand]);
    // No key is made, or not of the arguments as they are.
    if (byHand !== undefined || isOwn) continue;
    for (const [position, by] of handedWhole(member)) if (!ignored.has(position)) throw refusal(key, position, by, '');
    for (const [position, type] of (declaredTypes(member) ?? []).entries()) {
      if (ignored.has(position)) continue;
      if (type === Function)
        settings.warn(
          `Argument ${position} of ${decorator} ${member.title}`,
          `${FUNCTION}, or write ignoreArgs: [${position}]`,
        );
      const problem = problemOf(type, foundation.keyFactory.classes);
      if (problem !== undefined) throw refusal(key, position, problem, ', or register the class in `codec.types`');
    }
  }
}

function refusal({ member, decorator }: KeyedMethod, position: number, what: string, more: string): CacheConfigError {
  return new CacheConfigError(
    `${decorator} ${member.title}.ignoreArgs`,
    `argument ${position} (${what}) cannot be part of a key; write ignoreArgs: [${position}], or say with \`key\` what counts of it${more}`,
  );
}

/** By the positions of parameters: the decorators of Nest that hand over a request, a socket or the like, whole. */
function handedWhole({ type, name }: Member): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  const handler = methodOf(type.prototype as object, name);
  if (handler === undefined) return found;
  for (const [param, { index, data, pipes }] of Object.entries(parametersOf(type, name))) {
    const by = NO_DATA.find(([mark, kind]) => param.startsWith(`${kind}:`) && Reflect.hasMetadata(mark, handler));
    if (by !== undefined && !data && !pipes?.length) found.set(index, by[2]);
  }
  return found;
}

/** Why nothing that is declared so can be part of a key; undefined where something can. */
function problemOf(type: unknown, registered: Classes): string | undefined {
  if (typeof type !== 'function' || NO_CLASSES.has(type)) return undefined;
  const prototype: unknown = type.prototype;
  if (typeof prototype !== 'object' || prototype === null || isBuiltinKind(prototype)) return undefined;
  const inherits = Object.prototype.isPrototypeOf.bind(prototype);
  if ([...registered.keys()].some((known) => known === prototype || inherits(known))) return undefined;
  const problem = problemOfClass(type as Constructor, prototype);
  return problem && `a ${typeName(type)}, which ${problem}`;
}

function problemOfClass(type: Constructor, prototype: object): string | undefined {
  if (type === EventEmitter || prototype instanceof EventEmitter) return 'is, or extends, EventEmitter';
  if (isBuiltIn(prototype)) return 'is, or extends, a built-in class';
  return problemOfData(type);
}
