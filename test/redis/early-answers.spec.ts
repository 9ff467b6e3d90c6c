/** Callers that get their value before the server has it (`answerEarly`). */
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { levelOf, TieredMachines } from '../support/bus/tiered-machines.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { Machines } from '../support/redis/machines.js';
import { randomPrefix, RedisProcess } from '../support/redis/redis-process.js';
import { describeWithRedis } from '../support/redis/require-redis.js';
import { proveEarlyAnswer, proveLateStoreLoses } from '../support/servers/early-answers.js';
import { watchUnhandled } from '../support/unhandled.js';

jest.setTimeout(60_000);
watchUnhandled();

const CHILDREN = fileURLToPath(new URL('../support/children/', import.meta.url));
/** Nothing here is about time running out. */
const PATIENT = { timeout: '10s', invalidationTimeout: '20s' } as const;

describeWithRedis('answers before the value is stored', () => {
  let server: RedisProcess;
  let proxy: TcpProxy;
  let machines = new Machines();
  const tiered = new TieredMachines();
  beforeAll(async () => {
    server = await RedisProcess.start();
    proxy = await TcpProxy.before(server.port);
  });
  afterEach(async () => {
    proxy.thaw();
    await machines.close();
    machines = new Machines();
  });
  afterAll(async () => {
    await tiered.close();
    await proxy.close();
    await server.stop();
  });

  it('A100: the caller has it, this process waits for it, and what is stored is what was loaded', async () => {
    const direct = await machines.ready({ url: server.url });
    await proveEarlyAnswer(await machines.ready({ url: proxy.url, ...PATIENT }), proxy, direct);
  });

  it('A100: the copy of two levels is of what was loaded, whatever its caller does with it', async () => {
    const far = await machines.ready({ url: server.url }, undefined, tiered.prefix);
    const near = await tiered.ready({ url: proxy.url, bus: false, ...PATIENT });
    await proveEarlyAnswer(near, proxy, far);
    await near.load('leo', () => 'Leo', { answerEarly: true });
    // Counting waits for what is being stored, and reads no entry.
    await near.machine.engine.holdings(near.view());
    expect(await levelOf(near, 'leo')).toBe('l1');
  });

  it('A98: what is invalidated meanwhile, here or elsewhere, is not there when it has landed', async () => {
    const direct = await machines.ready({ url: server.url });
    await proveLateStoreLoses(await machines.ready({ url: proxy.url, ...PATIENT }), proxy, direct);
  });

  it('A97: a process killed between answer and store has stored nothing, and keeps others waiting no longer than its lease', async () => {
    const prefix = randomPrefix();
    const rig = await machines.ready({ url: server.url, timeout: '5s' }, undefined, prefix);
    const args = ['--import', `${CHILDREN}typescript.mjs`, `${CHILDREN}crashing.mjs`, proxy.url, prefix, 'answered'];
    const child = spawn(process.execPath, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    expect(String(said)).toContain('loading');
    proxy.freeze();
    child.stdin.write('go on\n');
    const [answered] = (await once(child.stdout, 'data')) as [Buffer];
    expect(String(answered)).toContain('answered "Tom"');
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    proxy.reset();
    proxy.thaw();
    expect(await rig.get('tom')).toBeUndefined();
    expect(await rig.load('tom', () => 'by another')).toBe('by another');
  });
});
