/**
 * Everything that can go wrong, on one screen. A message says what happened, where (an option, a namespace, an
 * argument position) and what to do about it; it never contains a value, an argument, a raw key or a password.
 */

/** The stable codes of {@link CacheError}s. A code never changes its meaning; new ones may be added. */
export type CacheErrorCode =
  | 'CACHE_CONFIG'
  | 'CACHE_SCOPE_MISSING'
  | 'CACHE_SCOPE_INVALID'
  | 'CACHE_SCOPE_LEAK'
  | 'CACHE_KEY_INVALID'
  | 'CACHE_TAG_INVALID'
  | 'CACHE_PATTERN_INVALID'
  | 'CACHE_PATTERN_UNSUPPORTED'
  | 'CACHE_UNSERIALIZABLE'
  | 'CACHE_VALUE_TOO_LARGE'
  | 'CACHE_QUOTA'
  | 'CACHE_NOT_A_COUNTER'
  | 'CACHE_REENTRANT'
  | 'CACHE_NOTHING_TO_RENEW'
  | 'CACHE_LOADER_TIMEOUT'
  | 'CACHE_BACKEND'
  | 'CACHE_INVALIDATION_UNKNOWN';

/** The ancestor of every error this library makes. Errors of your own loaders are never wrapped in it. */
export class CacheError extends Error {
  constructor(
    /** Stable, machine-readable reason. */
    readonly code: CacheErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * An error whose message may reach a client: GraphQL hands on the messages of whatever its resolvers throw. What is for the
 * developer alone stands in `hint`, and in the stack, which logs and test runners show.
 */
export class HintedError extends CacheError {
  constructor(
    code: CacheErrorCode,
    message: string,
    /** What to do about it, and what was found instead. Names only. */
    readonly hint: string,
  ) {
    super(code, `${message} ${hint}`);
    // Written when it is first looked at, with the message of that moment.
    void this.stack;
    this.message = message;
    Object.defineProperty(this, 'hint', { enumerable: false });
  }
}

/** An option is none, or unusable. Thrown when the module starts, a decorator is evaluated, or a call is given options. */
export class CacheConfigError extends CacheError {
  constructor(
    /** The option as the user wrote it, e.g. `defaults.ttl`. */
    readonly option: string,
    problem: string,
    options?: { cause?: unknown },
  ) {
    super('CACHE_CONFIG', `${option}: ${problem}`, options);
  }
}

/**
 * A scope is missing: the call needs a tenant (or user) and the context has none. Nothing was read or stored. `hint` says
 * which resolver looked for what and where, and which names were there.
 */
export class ScopeMissingError extends HintedError {
  constructor(
    /** Which id is missing. */
    readonly part: 'tenant' | 'user',
    /** The namespace of the call, where there is one. */
    readonly namespace?: string,
    hint = 'Resolve it with the `scope.resolve` option, wrap the work in runInScope({ tenant, user }, fn), or declare the scope that is meant (scope: "global").',
  ) {
    const where = namespace === undefined ? '' : `(Namespace "${namespace}".) `;
    super('CACHE_SCOPE_MISSING', `No ${part} in the current scope.`, `${where}${hint}`);
  }
}

/** An id of a scope is not one: not a string, not well-formed, or too long. */
export class ScopeInvalidError extends HintedError {
  constructor(
    readonly part: 'tenant' | 'user',
    problem: string,
    hint = 'Ids are texts of at most 256 bytes.',
  ) {
    super('CACHE_SCOPE_INVALID', `The ${part} of a scope ${problem}.`, hint);
  }
}

/** A loader read an entry that fewer people may see than its own. Told as a warning: its result is returned, not stored. */
export class ScopeLeakError extends CacheError {
  constructor(outerNamespace: string, innerNamespace: string) {
    super(
      'CACHE_SCOPE_LEAK',
      `The loader of namespace "${outerNamespace}" read from namespace "${innerNamespace}", which is scoped more narrowly. ` +
        'Cache the outer call at least as narrowly (scope: "user"), or pass the inner data in as an argument.',
    );
  }
}

/** A key or a call's arguments cannot be turned into a key. */
export class KeyInvalidError extends CacheError {
  constructor(
    /** Where in the key or arguments, e.g. `Cats.list: argument 0.filter.since`. */
    readonly where: string,
    problem: string,
  ) {
    super(
      'CACHE_KEY_INVALID',
      `${where} ${problem}. Give the call a \`key\` of its own, leave the argument out with \`ignoreArgs\`, declare it with its class, or register the class in \`codec.types\`.`,
    );
  }
}

/** A tag is empty, too long, not a string, or there are too many of them. */
export class TagInvalidError extends CacheError {
  constructor(problem: string) {
    super('CACHE_TAG_INVALID', `Tags: ${problem}.`);
  }
}

/** A pattern cannot be understood. */
export class PatternInvalidError extends CacheError {
  constructor(problem: string) {
    super('CACHE_PATTERN_INVALID', `Pattern: ${problem}.`);
  }
}

/** Patterns and listings are switched off (keys are stored as digests, or the backend keeps no index). */
export class PatternUnsupportedError extends CacheError {
  constructor(reason: string) {
    super(
      'CACHE_PATTERN_UNSUPPORTED',
      `Patterns and listings are not available: ${reason}. Use tags or clear() instead.`,
    );
  }
}

/** A value cannot be stored faithfully, so it is not stored at all. */
export class UnserializableError extends CacheError {
  constructor(
    /** Where in the value, e.g. `value.items[3].stream`. Property names only, never contents. */
    readonly where: string,
    problem: string,
    /** What to write instead; a sentence without its full stop. */
    remedy = 'Return plain data, or register the class in `codec.types`',
  ) {
    super('CACHE_UNSERIALIZABLE', `${where} ${problem}. ${remedy}.`);
  }
}

/** A value is larger than `limits.maxValueBytes`. */
export class ValueTooLargeError extends CacheError {
  constructor(
    readonly sizeBytes: number,
    readonly limitBytes: number,
  ) {
    super(
      'CACHE_VALUE_TOO_LARGE',
      `The value has at least ${sizeBytes} bytes (estimated); the limit is ${limitBytes}. Store less, or raise limits.maxValueBytes.`,
    );
  }
}

/** The tenant stores as much as `memory.quota` lets it, and `onExceeded` is 'reject'. */
export class QuotaExceededError extends CacheError {
  constructor(namespace: string) {
    super(
      'CACHE_QUOTA',
      `The tenant has reached its quota; a value of namespace "${namespace}" is not stored. Raise memory.quota, shorten ttls, or let its own entries be displaced (onExceeded: 'displace-own').`,
    );
  }
}

/** `increment` met an entry that does not hold a safe integer. */
export class NotACounterError extends CacheError {
  constructor(namespace: string) {
    super(
      'CACHE_NOT_A_COUNTER',
      `increment (namespace "${namespace}"): the entry does not hold a whole number, or would leave the safe range.`,
    );
  }
}

/** A loader asked, directly or through others, for the very entry it is loading. Without a cache this would never end. */
export class ReentrantLoadError extends CacheError {
  constructor(namespace: string) {
    super(
      'CACHE_REENTRANT',
      `The loader of namespace "${namespace}" waits for the entry it is itself loading. Split the method, or give the inner call another key.`,
    );
  }
}

/** `notModified()` was called, but there is no stored value to keep. */
export class NothingToRenewError extends CacheError {
  constructor(namespace: string) {
    super(
      'CACHE_NOTHING_TO_RENEW',
      `notModified() (namespace "${namespace}") needs a stored value: check \`previous\` first.`,
    );
  }
}

/** The loader did not finish within `hardTimeout`. Its signal was aborted. */
export class LoaderTimeoutError extends CacheError {
  constructor(
    namespace: string,
    readonly timeoutMs: number,
  ) {
    super(
      'CACHE_LOADER_TIMEOUT',
      `The loader of namespace "${namespace}" did not finish within its hardTimeout of ${timeoutMs} ms.`,
    );
  }
}

/** Why calls of a closed cache fail. */
export const CLOSED = 'closed';

/** A backend failed. Reads answer from their loader instead; other calls throw this. */
export class BackendError extends CacheError {
  /** In a word, where it is known: `ECONNREFUSED`, `no answer in time`. Never a value or a key. */
  readonly why: string | undefined;

  constructor(operation: string, backend: string, options: { why?: string; cause?: unknown } = {}) {
    const { why } = options;
    const reason = why === undefined ? '' : ` (${why})`;
    const what =
      why === CLOSED
        ? `${operation}: the cache is closed, and the ${backend} backend is asked nothing any more. Call before the application closes.`
        : `The ${backend} backend failed during ${operation}${reason}.`;
    super('CACHE_BACKEND', what, options);
    this.why = why;
  }
}

/** No server answered a call, or not in time. The backend says so once when it goes, and once when it is back. */
export class UnansweredError extends BackendError {
  constructor(operation: string, why: string, backend: string, options?: { cause?: unknown }) {
    super(operation, backend, { ...options, why });
  }
}

/** An invalidation was sent, and its outcome is unknown; or the cache was closed before. Treat the entries as still there. */
export class InvalidationUnknownError extends CacheError {
  constructor(operation: string, backend: string, options?: { cause?: unknown }) {
    const { cause } = options ?? {};
    const what =
      cause instanceof BackendError && cause.why === CLOSED
        ? `was not sent to the ${backend} backend: the cache is closed. Old entries may still be served; call it before the application closes.`
        : `could not be confirmed by the ${backend} backend. Old entries may still be served; repeat the call.`;
    super('CACHE_INVALIDATION_UNKNOWN', `${operation} ${what}`, options);
  }
}
