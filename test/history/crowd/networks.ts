/** What happens to networks in a history: each process is behind one of its own. */
import type { TcpProxy } from '../../support/proxy/tcp-proxy.js';
import { pause } from '../../support/time.js';
import type { Trouble } from './trouble.js';

const CUT_MS = 300;
const FROZEN_MS = 600;
const LATE_MS = 60;
const LATE_FOR_MS = 500;

/** Cut for a while, frozen for a while and then cut, answering late; or late and mixed up, as no network is that works. */
export function troublesOf(proxy: TcpProxy): readonly Trouble[] {
  const cut = async (forMs: number): Promise<void> => {
    proxy.mode = 'refuse';
    proxy.reset();
    await pause(forMs);
    proxy.mode = 'pass';
  };
  return [
    { name: 'cut', strike: (random) => cut(random() * CUT_MS) },
    {
      name: 'frozen',
      strike: async (random) => {
        proxy.freeze();
        await pause(random() * FROZEN_MS);
        proxy.reset();
        proxy.thaw();
      },
    },
    {
      name: 'late',
      strike: async (random) => {
        proxy.lateMs = random() * LATE_MS;
        await pause(random() * LATE_FOR_MS);
        proxy.lateMs = 0;
      },
    },
    {
      name: 'mixed',
      strike: async (random) => {
        proxy.mixesUp = true;
        proxy.lateMs = random() * LATE_MS;
        await pause(random() * LATE_FOR_MS);
        proxy.lateMs = 0;
        proxy.mixesUp = false;
      },
    },
  ];
}
