/**
 * What the compiler accepts and refuses, as `npm run typecheck` sees it: a line under `@ts-expect-error` that compiles
 * is itself an error. Nothing here runs.
 */
import type { Observable } from 'rxjs';
import { Cacheable, type CacheableOptions, CacheConfig, CacheEvict, CachePut, CacheScope } from '../../lib/index.js';

interface Cat {
  readonly id: string;
  readonly age: number;
}
declare const cat: Promise<Cat>;
declare const none: Promise<Cat | null>;
declare const cats: Observable<Cat>;
const shared: CacheableOptions = { ttl: '5m' };

/** What fits. */
@CacheConfig({ namespace: 'cats', ttl: '5m', scope: 'tenant' })
@CacheScope('tenant')
export class Fitting {
  @Cacheable()
  bare(_id: string): Promise<Cat> {
    return cat;
  }
  @Cacheable({ cache: 'reports' })
  ofAnotherCache(_id: string): Promise<Cat> {
    return cat;
  }
  @Cacheable('5m')
  duration(_id: string): Promise<Cat> {
    return cat;
  }
  @Cacheable(300_000)
  observable(_id: string): Observable<Cat> {
    return cats;
  }
  @Cacheable({ key: (id: string) => id, tags: (id: string, age: number) => [`${id}${age}`] })
  lookingAtDifferentArguments(_id: string, _age: number): Promise<Cat> {
    return cat;
  }
  @Cacheable({ key: (id: string | number) => id, condition: (id: unknown) => id !== '' })
  lookingMoreWidely(_id: string): Promise<Cat> {
    return cat;
  }
  @Cacheable({
    unless: (found: Cat | null) => found === null,
    ttl: (found: Cat | null, id: string) => (found?.id === id ? '5m' : null),
  })
  lookingAtTheResult(_id: string): Promise<Cat | null> {
    return none;
  }
  @Cacheable({ unless: (found) => found === null })
  withoutAnnotatingTheResult(): Promise<Cat | null> {
    return none;
  }
  @Cacheable({ unless: (found: readonly Cat[]) => found.length === 0 })
  theResultOfAnObservable(): Observable<Cat> {
    return cats;
  }
  @Cacheable({ key: 'x', tags: ['a'], ignoreArgs: [0, 'id'], version: 2, verbose: true, isolate: 'freeze' })
  fixed(_id: string): Promise<Cat> {
    return cat;
  }
  @Cacheable({ key: (id?: string) => id ?? 'none' })
  optional(_id?: string): Promise<Cat> {
    return cat;
  }
  @Cacheable({ key: (...ids: string[]) => ids })
  rest(..._ids: string[]): Promise<Cat> {
    return cat;
  }
  @Cacheable({ key: (...ids: string[]) => ids })
  restOverFixed(_first: string, _second: string): Promise<Cat> {
    return cat;
  }
  @Cacheable()
  get getter(): Promise<Cat> {
    return cat;
  }
  @Cacheable({ unless: (found: readonly unknown[]) => found.length === 0 })
  get observableGetter(): Observable<Cat> {
    return cats;
  }
  @Cacheable({ key: (id: string) => [id] })
  async generic<T extends string>(id: T): Promise<T> {
    return id;
  }
  @Cacheable(shared)
  keptElsewhere(_id: string): Promise<Cat> {
    return cat;
  }
  @Cacheable({ ...shared, key: (id: string) => id })
  andMore(_id: string): Promise<Cat> {
    return cat;
  }
  @Cacheable({ context: (order: { tenantId: string }) => ({ tenant: order.tenantId }) })
  forWhom(_order: { tenantId: string; total: number }): Promise<Cat> {
    return cat;
  }
  @CachePut({ namespace: 'cats', key: (saved: Cat) => saved.id, resultTags: (saved: Cat) => [saved.id] })
  put(_cat: Cat): Promise<Cat> {
    return cat;
  }

  @CacheEvict({ method: 'bare' })
  sameArguments(_id: string): Promise<void> {
    return cat.then(() => undefined);
  }
  @CacheEvict({ method: 'bare' })
  moreArguments(_id: string, _cat: Cat): Promise<void> {
    return cat.then(() => undefined);
  }
  @CacheEvict({ method: 'bare', args: (saved: Cat) => [saved.id] })
  otherArguments(_cat: Cat): Promise<void> {
    return cat.then(() => undefined);
  }
  @CacheEvict({ method: 'lookingAtDifferentArguments', args: (saved: Cat) => [saved.id, saved.age] })
  twoArguments(_cat: Cat): Promise<void> {
    return cat.then(() => undefined);
  }
  @CacheEvict({ method: 'optional', args: (saved: Cat) => (saved.age > 1 ? [saved.id] : []) })
  sometimes(_cat: Cat): Promise<void> {
    return cat.then(() => undefined);
  }
  @CacheEvict({ method: 'bare', allEntries: true })
  allOfAMethod(_age: number): Promise<void> {
    return cat.then(() => undefined);
  }
  @CacheEvict({ method: 'getter' })
  ofAGetter(_age: number): Observable<Cat> {
    return cats;
  }
  @CacheEvict({ namespace: 'x', key: (saved: Cat) => saved.id, keys: [['a', 1], 2], tags: (saved: Cat) => [saved.id] })
  severalWays(_cat: Cat): Promise<void> {
    return cat.then(() => undefined);
  }
}

/** A base class whose methods speak of a type parameter. */
export abstract class Repository<T extends { readonly id: string }> {
  declare readonly entity: Promise<T>;

  @Cacheable({ key: (id: string) => id, unless: (found: { readonly id: string } | null) => found === null })
  findOne(_id: string): Promise<T | null> {
    return this.entity;
  }
  @CachePut({ key: (saved: { readonly id: string }) => saved.id })
  put(_entity: T): Promise<T> {
    return this.entity;
  }
  @CacheEvict({ method: 'findOne', args: (saved: { readonly id: string }) => [saved.id] })
  save(_entity: T): Promise<T> {
    return this.entity;
  }
  // @ts-expect-error T has an id, but no age
  @CachePut({ key: (saved: { readonly age: number }) => saved.age })
  putByAge(_entity: T): Promise<T> {
    return this.entity;
  }
  // @ts-expect-error the key looks at more arguments than there are
  @CachePut({ key: (saved: { readonly id: string }, age: number) => [saved.id, age] })
  putByMore(_entity: T): Promise<T> {
    return this.entity;
  }
  // @ts-expect-error findOne takes a text
  @CacheEvict({ method: 'findOne', args: (_saved: { readonly id: string }) => [7] })
  saveWrongly(_entity: T): Promise<T> {
    return this.entity;
  }
}

/** What does not. */
export class Misfitting {
  name = 'Tom';

  @Cacheable()
  find(_id: string): Promise<Cat> {
    return cat;
  }

  // @ts-expect-error a synchronous method would become a promise
  @Cacheable()
  sync(_id: string): Cat | undefined {
    return undefined;
  }
  // @ts-expect-error a synchronous method, with options
  @Cacheable({ key: (id: string) => id })
  syncWithOptions(id: string): string {
    return id;
  }
  // @ts-expect-error now and then a promise is not always one
  @Cacheable()
  sometimesSync(id: string): string | Promise<string> {
    return id;
  }
  // @ts-expect-error a synchronous getter
  @Cacheable()
  get syncGetter(): string {
    return '';
  }
  // @ts-expect-error a synchronous put
  @CachePut({ key: 'x' })
  syncPut(id: string): string {
    return id;
  }
  // @ts-expect-error a generator of results is no promise
  @Cacheable()
  async *generator(): AsyncGenerator<number> {
    yield 1;
  }
  // @ts-expect-error the id is a text
  @Cacheable({ key: (id: number) => id })
  keyOfAnotherType(_id: string): Promise<Cat> {
    return cat;
  }
  // @ts-expect-error there is no second argument
  @Cacheable({ key: (id: string, age: number) => [id, age] })
  keyOfMoreArguments(_id: string): Promise<Cat> {
    return cat;
  }
  // @ts-expect-error the parameter of an option must be annotated
  @Cacheable({ key: (id) => id })
  keyWithoutAnnotation(_id: string): Promise<Cat> {
    return cat;
  }
  // @ts-expect-error tags look at the arguments too
  @Cacheable({ key: (id: string) => id, tags: (id: number) => [`${id}`] })
  tagsOfAnotherType(_id: string): Promise<Cat> {
    return cat;
  }
  // @ts-expect-error tags are a list
  @Cacheable({ tags: (id: string) => id })
  tagsThatAreNone(_id: string): Promise<Cat> {
    return cat;
  }
  // @ts-expect-error the condition looks at an argument of another type
  @Cacheable({ condition: (id: Date) => id.getTime() > 0 })
  conditionOfAnotherType(_id: string): Promise<Cat> {
    return cat;
  }
  // @ts-expect-error the context looks at an argument of another type
  @Cacheable({ context: (order: { tenantId: string }) => ({ tenant: order.tenantId }) })
  contextOfAnotherType(_id: string): Promise<Cat> {
    return cat;
  }
  // @ts-expect-error a tenant is a text
  @Cacheable({ context: (id: number) => ({ tenant: id }) })
  contextThatIsNone(_id: number): Promise<Cat> {
    return cat;
  }
  // @ts-expect-error the result is a cat
  @Cacheable({ unless: (found: string) => found === '' })
  unlessOfAnotherType(_id: string): Promise<Cat> {
    return cat;
  }
  // @ts-expect-error the result may be null
  @Cacheable({ ttl: (found: Cat) => found.age * 1_000 })
  ttlOfANarrowerType(_id: string): Promise<Cat | null> {
    return none;
  }
  // @ts-expect-error after the result come the arguments of the method
  @Cacheable({ resultTags: (found: Cat, id: number) => [`${found.id}${id}`] })
  resultTagsOfAnotherType(_id: string): Promise<Cat> {
    return cat;
  }
  // @ts-expect-error not an option
  @Cacheable({ tll: '5m' })
  unknownOption(_id: string): Promise<Cat> {
    return cat;
  }
  // @ts-expect-error not an option, beside one that is
  @Cacheable({ ttl: '5m', tag: ['x'] })
  oneUnknownOption(_id: string): Promise<Cat> {
    return cat;
  }
  // @ts-expect-error not a duration
  @Cacheable('5 minutes')
  notADuration(_id: string): Promise<Cat> {
    return cat;
  }
  // @ts-expect-error not a duration either
  @Cacheable({ ttl: '5 minutes' })
  norHere(_id: string): Promise<Cat> {
    return cat;
  }
  // @ts-expect-error not a width
  @Cacheable({ scope: 'organisation' })
  notAWidth(_id: string): Promise<Cat> {
    return cat;
  }
  // @ts-expect-error not a width either
  @CacheScope('organisation')
  @Cacheable()
  norThis(_id: string): Promise<Cat> {
    return cat;
  }

  // @ts-expect-error there is no such method
  @CacheEvict({ method: 'nope' })
  ofNoMethod(_id: string): Promise<void> {
    return cat.then(() => undefined);
  }
  // @ts-expect-error not a method
  @CacheEvict({ method: 'name' })
  ofAField(_id: string): Promise<void> {
    return cat.then(() => undefined);
  }
  // @ts-expect-error not a public method
  @CacheEvict({ method: 'hidden' })
  ofAPrivateMethod(_id: string): Promise<void> {
    return this.hidden(_id).then(() => undefined);
  }
  // @ts-expect-error find takes a text
  @CacheEvict({ method: 'find', args: (saved: Cat) => [saved.age] })
  argsOfAnotherType(_cat: Cat): Promise<void> {
    return cat.then(() => undefined);
  }
  // @ts-expect-error find takes one argument
  @CacheEvict({ method: 'find', args: (saved: Cat) => [saved.id, saved.age] })
  tooManyArgs(_cat: Cat): Promise<void> {
    return cat.then(() => undefined);
  }
  // @ts-expect-error find takes an argument
  @CacheEvict({ method: 'find', args: () => [] })
  tooFewArgs(_cat: Cat): Promise<void> {
    return cat.then(() => undefined);
  }
  // @ts-expect-error without args the own arguments have to fit
  @CacheEvict({ method: 'find' })
  ownArgsThatDoNotFit(_cat: Cat): Promise<void> {
    return cat.then(() => undefined);
  }
  // @ts-expect-error args look at the arguments of this method
  @CacheEvict({ method: 'find', args: (id: string) => [id] })
  argsOfOtherArguments(_cat: Cat): Promise<void> {
    return cat.then(() => undefined);
  }
  // @ts-expect-error the end of a synchronous method cannot wait for the removal
  @CacheEvict({ method: 'find' })
  syncEvict(_id: string): void {}
  // @ts-expect-error not an option of evictions
  @CacheEvict({ method: 'find', ttl: '5m' })
  evictWithTtl(_id: string): Promise<void> {
    return cat.then(() => undefined);
  }
  // @ts-expect-error keys are a list
  @CacheEvict({ namespace: 'x', keys: 'a' })
  keysThatAreNone(_id: string): Promise<void> {
    return cat.then(() => undefined);
  }

  private hidden(_id: string): Promise<Cat> {
    return cat;
  }
}
