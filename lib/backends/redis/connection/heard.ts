/**
 * ioredis gives sockets up by timers of its own: that of a connection which is being made, and where `clientOptions` asks for
 * it that of one which is silent (otherwise see silence-watch.ts). After a long computation they come before what has arrived meanwhile: here
 * that is read first, and a socket that has heard something, or has connected, is not given up. Otherwise one blocked event
 * loop would drop healthy connections, and everything under way on them.
 */
import type { Socket } from 'node:net';
import { machineClock } from '../../../core/clock.js';

/** How the error begins with which ioredis drops a connection that owes answers, in both of its versions. */
const SILENT = 'Socket timeout';

/** By which ioredis has a socket told that it took too long to connect. No timer of this process: a socket's own. */
const OWN_TIMEOUT = 'setTimeout';

type Timeout = (timeoutMs: number, callback?: () => void) => Socket;

export function givenUpUnheard(socket: Socket): Socket {
  const destroy = socket.destroy.bind(socket);
  const wait = socket[OWN_TIMEOUT].bind(socket) as Timeout;
  socket.destroy = (error) => {
    if (error?.message.startsWith(SILENT) !== true) return destroy(error);
    void unlessHeard(socket, 'data', () => destroy(error));
    return socket;
  };
  // Until it has connected: ioredis asks for nothing else.
  const heedful: Timeout = (timeoutMs, callback) =>
    wait(timeoutMs, callback && (() => void unlessHeard(socket, 'connect', callback)));
  return Object.assign(socket, { [OWN_TIMEOUT]: heedful });
}

async function unlessHeard(socket: Socket, sign: 'data' | 'connect', giveUp: () => void): Promise<void> {
  let isHeard = false;
  const hear = (): void => {
    isHeard = true;
  };
  socket.once(sign, hear);
  await machineClock.breathe();
  await machineClock.breathe();
  socket.off(sign, hear);
  if (!isHeard && !socket.destroyed) giveUp();
}
