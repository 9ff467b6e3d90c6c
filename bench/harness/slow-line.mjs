/** A line to a server over which every answer takes so much longer: on it, round trips can be counted by the clock. */
import { connect, createServer } from 'node:net';

/** Runs `work` with the address of the line. */
export async function withSlowLine(port, delayMs, work) {
  const sockets = new Set();
  const line = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    near.pipe(far);
    far.on('data', (bytes) => setTimeout(() => near.destroyed || near.write(bytes), delayMs));
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => [near, far].forEach((each) => each.destroy()));
    }
  });
  await new Promise((resolve) => {
    line.listen(0, '127.0.0.1', resolve);
  });
  try {
    return await work(`redis://127.0.0.1:${line.address().port}`);
  } finally {
    sockets.forEach((socket) => socket.destroy());
    line.close();
  }
}
