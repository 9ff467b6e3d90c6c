import { BackendError, CacheError, UnansweredError } from '../../core/errors.js';

const UNKNOWN = 'unknown problem';

/**
 * A server answered, and its answer is no: out of memory, a missing right, a key of another type. It is reachable, so
 * neither opening the circuit nor a retry would help.
 *
 * @example throw new RefusedError('write', 'file', { why: 'ENOSPC' });
 */
export class RefusedError extends BackendError {}

/** An answer that says no (a value that cannot be stored, a right that is missing) is an answer all the same. */
export function isAnswer(error: unknown): boolean {
  return error instanceof RefusedError || (error instanceof CacheError && error.code !== 'CACHE_BACKEND');
}

/** The same with the name of the call that failed. What is no error of a backend is a bug, and stays as it is. */
export function asUnanswered(operation: string, error: unknown, kind: string): Error {
  if (!(error instanceof BackendError) || isAnswer(error) || error instanceof UnansweredError) return error as Error;
  return new UnansweredError(operation, reasonOf(error), kind, { cause: error.cause });
}

/** What drivers and Node put into `code`: a name, never anything of a call's. */
const CODE = /^[A-Z][A-Z0-9_]{1,40}$/;

/** Why a call failed, in a word. */
export function reasonOf(error: unknown): string {
  if (error instanceof BackendError) return error.why ?? UNKNOWN;
  const code: unknown = (error as { readonly code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && CODE.test(code) ? code : UNKNOWN;
}
