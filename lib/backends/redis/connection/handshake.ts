/**
 * What a connection that ended before its first answer tells about TLS: a port that speaks it and a client that does
 * not, or the other way round, look like a server that hangs or hangs up.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** On sockets that were connected, and whose TLS handshake, if they have one, is not over. */
const TAKEN = Symbol('taken');

type Watched = Pick<TLSSocket, 'encrypted' | 'bytesRead'> & { [TAKEN]?: boolean };

/** How connections end in a handshake that the other side knows nothing of. */
const WITHOUT_TLS: ReadonlySet<string> = new Set(['ETIMEDOUT', 'ECONNRESET', 'ERR_SSL_WRONG_VERSION_NUMBER', 'EPROTO']);
/** How they end when the other side waits for a handshake. */
const WITHOUT_HANDSHAKE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

/** Has a new socket remember how far it came. */
export function watchHandshake(socket: Socket & Partial<Watched>): Socket {
  socket.once('connect', () => (socket[TAKEN] = true));
  socket.once('secureConnect', () => (socket[TAKEN] = false));
  return socket;
}

/** What to look at, when a socket ended with such a problem; '': nothing that could be told. */
export function tlsHint(socket: Partial<Watched> | undefined, problem: string): string {
  if (socket?.[TAKEN] !== true) return '';
  if (socket.encrypted === true)
    return WITHOUT_TLS.has(problem) ? ' in the TLS handshake; does this port speak TLS?' : '';
  const isUnanswered = socket.bytesRead === 0 && WITHOUT_HANDSHAKE.has(problem);
  return isUnanswered ? ' before anything was answered; does this port expect TLS?' : '';
}
