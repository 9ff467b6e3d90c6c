import { BackendError } from '../core/errors.js';

/**
 * A server answered, and its answer is no: out of memory, a missing right, a key of another type. It is there, so
 * nothing is gained by leaving it alone or by asking again.
 */
export class RefusedError extends BackendError {}
