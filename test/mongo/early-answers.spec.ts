/** Callers that get their value before the server has it (`answerEarly`). */
import { afterAll, afterEach, beforeAll, it, jest } from '@jest/globals';
import { MongoMachines } from '../support/mongo/mongo-machine.js';
import { MongoProcess } from '../support/mongo/mongo-process.js';
import { describeWithMongo } from '../support/mongo/require-mongo.js';
import { TcpProxy } from '../support/proxy/tcp-proxy.js';
import { proveEarlyAnswer, proveLateStoreLoses } from '../support/servers/early-answers.js';
import { watchUnhandled } from '../support/unhandled.js';

jest.setTimeout(60_000);
watchUnhandled();

/** Nothing here is about time running out. */
const PATIENT = { timeout: '10s', invalidationTimeout: '20s' } as const;

describeWithMongo('answers before MongoDB has stored the value', () => {
  let server: MongoProcess;
  let proxy: TcpProxy;
  const machines = new MongoMachines();
  beforeAll(async () => {
    server = await MongoProcess.start();
    proxy = await TcpProxy.before(server.port);
  });
  afterEach(async () => {
    proxy.thaw();
    await machines.close();
  });
  afterAll(async () => {
    await proxy.close();
    await server.stop();
  });

  const through = () => machines.ready({ uri: `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`, ...PATIENT });

  it('A100: the caller has it, this process waits for it, and what is stored is what was loaded', async () => {
    const direct = await machines.ready({ uri: server.url, ...PATIENT });
    await proveEarlyAnswer(await through(), proxy, direct);
  });

  it('A98: what is invalidated meanwhile, here or elsewhere, is not there when it has landed', async () => {
    const direct = await machines.ready({ uri: server.url, ...PATIENT });
    await proveLateStoreLoses(await through(), proxy, direct);
  });
});
