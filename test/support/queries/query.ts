// oxlint-disable unicorn/no-thenable -- queries that begin at `then` are what this is about
/** A query as the builders of mongoose, knex and drizzle make them: no promise; it begins at `then`, at each one anew. */
export class Query<T> implements PromiseLike<T> {
  static runs = 0;

  constructor(private readonly run: () => T | PromiseLike<T>) {}

  then<A = T, B = never>(
    take?: ((value: T) => A | PromiseLike<A>) | null,
    fail?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    Query.runs++;
    const { run } = this;
    return (async () => run())().then(take, fail);
  }
}

/** One that throws where others begin. */
export class BrokenQuery implements PromiseLike<never> {
  then(): never {
    throw new Error('no such table');
  }
}

/** One that does not even let itself be looked at. */
export class UnreadableQuery implements PromiseLike<never> {
  get then(): never {
    throw new Error('no such table');
  }
}

/** One whose answer comes out of a pool: in the surroundings of whoever empties it, as it is, without waiting for it. */
export class PooledQuery implements PromiseLike<unknown> {
  private static readonly waiting: (() => void)[] = [];

  constructor(private readonly answer: unknown) {}

  static empty(): void {
    for (const take of PooledQuery.waiting.splice(0)) take();
  }

  then<A = unknown>(take?: ((value: unknown) => A | PromiseLike<A>) | null): Promise<never> {
    PooledQuery.waiting.push(() => void take?.(this.answer));
    return new Promise<never>(() => undefined);
  }
}
