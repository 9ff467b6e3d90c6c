/**
 * Whether a decorator's options fit the method under it, said in types. A decorator sees its method only after its
 * options have been typed, so their functions cannot take their parameter types from the method: they are annotated,
 * and compared here.
 *
 * Each decorator has two signatures. The first decides by a conditional type and has readable messages. The second
 * decides by a constraint, which also works where the method speaks of a type parameter of its class; the compiler
 * does not settle a conditional type there. Both refuse what does not fit.
 */

type AnyFunction = (...args: never[]) => unknown;

/** An rxjs Observable, without naming rxjs in the types of applications without it. */
export interface ObservableLike {
  subscribe(...args: never[]): unknown;
  pipe(...args: never[]): unknown;
}

/** What answers later, and so can be answered from a cache without its callers noticing. */
export type Later = PromiseLike<unknown> | ObservableLike;

/** A method or a getter that answers later. */
export type LaterMember = ((...args: never[]) => Later) | Later;

/** `unknown`, which demands nothing, of a method that answers later; else a type whose name says what to write. */
export type AnswersLater<M> = [M] extends [LaterMember]
  ? unknown
  : { readonly 'make it async or return a Promise': never };

/** Options that are never read are typing mistakes; the compiler shows the name of this type, and so theirs. */
export type NoOthers<O, Known> = { readonly [Name in Exclude<keyof O, keyof Known>]: NotAnOption<Name> };

/** What stands in the place of an option that is none. There is no such value. */
export interface NotAnOption<Name> {
  readonly 'is not an option': readonly [Name, never];
}

type OfArguments = 'key' | 'keys' | 'pattern' | 'tags' | 'context' | 'condition' | 'args';
type OfResult = 'ttl' | 'unless' | 'resultTags';

type FunctionAt<O, Name> = Name extends keyof O ? Extract<O[Name], AnyFunction> : never;

type ParamsOf<M> = M extends (...args: infer Params) => unknown ? Params : [];
type ResultOf<M> = M extends (...args: never[]) => infer R
  ? ResultOf<R>
  : M extends ObservableLike
    ? readonly unknown[]
    : Awaited<M>;

/** How the function of an option is called. A result that was not annotated is not compared. */
type CallOf<Name, F extends AnyFunction, Params extends readonly unknown[], Result> = Name extends OfResult
  ? (result: [Parameters<F>[0]] extends [never] ? never : Result, ...args: Params) => unknown
  : (...args: Params) => unknown;

/** Functions of options that were typed away from any method, `(...args: never[]) => …`, are taken as they are. */
type IsOpen<F extends AnyFunction> = number extends Parameters<F>['length']
  ? [Parameters<F>[number]] extends [never]
    ? true
    : false
  : false;

/** The names of the options that do not fit a method. */
type Mismatches<O, M> = {
  [Name in keyof O & (OfArguments | OfResult)]: [FunctionAt<O, Name>] extends [never]
    ? never
    : IsOpen<FunctionAt<O, Name>> extends true
      ? never
      : FunctionAt<O, Name> extends CallOf<Name, FunctionAt<O, Name>, ParamsOf<M>, ResultOf<M>>
        ? never
        : Name;
}[keyof O & (OfArguments | OfResult)];

/** `unknown`, which demands nothing, when all options fit; else a type that names those that do not. */
export type Fits<O, M> = [Mismatches<O, M>] extends [never]
  ? unknown
  : { readonly 'these options do not fit the method; annotate their parameters as the method does': Mismatches<O, M> };

/** What the parameters of a method must be for the function of one option. */
type Demand<F extends AnyFunction> = [F] extends [never]
  ? unknown
  : IsOpen<F> extends true
    ? unknown
    : number extends Parameters<F>['length']
      ? Readonly<Parameters<F>>
      : readonly [...Parameters<F>, ...unknown[]];

type DemandAfterResult<F extends AnyFunction> = [F] extends [never]
  ? unknown
  : F extends (result: never, ...args: infer Rest) => unknown
    ? Demand<(...args: Rest) => unknown>
    : unknown;

/** What the parameters of a method must be for all options. */
export type ParamsFor<O> = readonly unknown[] &
  Demand<FunctionAt<O, 'key'>> &
  Demand<FunctionAt<O, 'keys'>> &
  Demand<FunctionAt<O, 'pattern'>> &
  Demand<FunctionAt<O, 'tags'>> &
  Demand<FunctionAt<O, 'context'>> &
  Demand<FunctionAt<O, 'condition'>> &
  Demand<FunctionAt<O, 'args'>> &
  DemandAfterResult<FunctionAt<O, 'ttl'>> &
  DemandAfterResult<FunctionAt<O, 'unless'>> &
  DemandAfterResult<FunctionAt<O, 'resultTags'>>;

type DemandOnResult<F extends AnyFunction> = [F] extends [never]
  ? unknown
  : [Parameters<F>[0]] extends [never]
    ? unknown
    : Parameters<F>[0];

/** What a method must answer for all options. What an Observable emits is not compared here. */
export type LaterFor<O> =
  | PromiseLike<
      DemandOnResult<FunctionAt<O, 'ttl'>> &
        DemandOnResult<FunctionAt<O, 'unless'>> &
        DemandOnResult<FunctionAt<O, 'resultTags'>>
    >
  | ObservableLike;

type NameIn<O> = O extends { readonly method: infer Name extends string } ? Name : never;

/** The arguments an eviction names: those `args` gives, else as many of the method's own as the evicted one takes. */
type ArgsNamed<O, M, Taken extends readonly unknown[]> = O extends {
  readonly args: (...args: never[]) => infer Given;
}
  ? Given extends Readonly<Taken>
    ? true
    : false
  : ParamsOf<M> extends readonly [...Taken, ...unknown[]]
    ? true
    : false;

type NotAMethod<Name> = { readonly 'not a public async method or getter of this class (make it public)': Name };

type FitsMethod<O, M, Name, Evicted> = Evicted extends LaterMember
  ? O extends { readonly allEntries: true }
    ? unknown
    : ArgsNamed<O, M, ParamsOf<Evicted>> extends true
      ? unknown
      : { readonly 'say in `args` for which arguments; the evicted method takes': ParamsOf<Evicted> }
  : NotAMethod<Name>;

/** `unknown` when the class has the method that is to be evicted, and takes the arguments that are named. */
export type FitsTarget<O, M, T> = [NameIn<O>] extends [never]
  ? unknown
  : string extends NameIn<O>
    ? unknown
    : NameIn<O> extends keyof T
      ? FitsMethod<O, M, NameIn<O>, T[NameIn<O>]>
      : NotAMethod<NameIn<O>>;
