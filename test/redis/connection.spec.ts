/** A16, answer by answer: whatever cannot belong to its question ends the connection, and is no value. */
import { describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { RedisConnection } from '../../lib/backends/redis/connection/connection.js';
import type { Client } from '../../lib/backends/redis/connection/send-command.js';
import { systemClock } from '../../lib/core/clock.js';
import { script } from '../../lib/backends/redis/scripts/script.js';

const ECHO_AT = 4;
const LIFE = Buffer.from('abcdefghijklmnop');
const STATE = Buffer.from('2|abcdefghijklmnop|1|0000000000000001|0000000000000001|');
/** What the fields behind those of a request say of the first one: see `ECHOES` of the connection. */
const FIRST = [null, null];

/** A client whose answers are given by the test. */
class Puppet extends EventEmitter {
  status = 'wait';
  isCluster = false;
  options = {};
  drops = 0;
  answers: unknown[] = [];
  /** Of a cluster: who keeps each slot. */
  slots: string[][] = [];

  disconnect(): void {
    this.drops++;
  }

  async connect(): Promise<void> {
    this.status = 'ready';
    this.emit('ready');
  }

  info = (): Promise<string> => Promise.resolve('run_id:one');
  time = (): Promise<number[]> => Promise.resolve([1, 0]);

  callBuffer = (..._said: unknown[]): Promise<unknown> => Promise.resolve(this.answers.shift());
  mgetBuffer = this.callBuffer;
  hmgetBuffer = this.callBuffer;
}

class Node extends EventEmitter {
  status = 'ready';
  readonly options: { readonly host: string; readonly port: number };

  constructor(port = 0) {
    super();
    this.options = { host: 'node', port };
  }

  time = (): Promise<number[]> => Promise.resolve([1, 0]);
  callBuffer = async (): Promise<Buffer> => Buffer.from('role:master\r\nmaster_replid:one\r\n');
}

/** A client of a cluster keeps one for each node. */
function masterOn(masters: Map<number, Node>, port: number): Node {
  const known = masters.get(port) ?? new Node(port);
  masters.set(port, known);
  return known;
}

function connected(...answers: unknown[]): { readonly puppet: Puppet; readonly connection: RedisConnection } {
  const puppet = new Puppet();
  puppet.answers = answers;
  const events = {
    onError: () => undefined,
    onWarning: () => undefined,
    onOddity: () => undefined,
    onReborn: () => undefined,
    onOpen: () => undefined,
    onTime: () => undefined,
  };
  const connection = new RedisConnection(puppet as unknown as Client, false, {
    ...events,
    clock: systemClock,
    where: 'redis.client',
  });
  return { puppet, connection };
}

describe('a master that was not asked for two seconds whether it still is one', () => {
  const tom = Buffer.from('Tom');
  it.each([
    ['slave', false],
    ['master', true],
  ])('A69: its answers are believed behind the next one to that question only (role:%s)', async (role, isBelieved) => {
    let nowMs = 0;
    const clock = { ...systemClock, monotonicMs: () => nowMs, after: () => () => undefined };
    const puppet = new Puppet();
    puppet.info = () => Promise.resolve('run_id:one\r\nrole:master');
    const where = 'redis.client';
    const ignored = {
      onWarning: () => undefined,
      onOddity: () => undefined,
      onOpen: () => undefined,
      onTime: () => undefined,
    };
    const heard: string[] = [];
    const events = {
      ...ignored,
      onError: (problem: string) => heard.push(problem),
      onReborn: () => heard.push('reborn'),
    };
    const connection = new RedisConnection(puppet as unknown as Client, false, { ...events, clock, where });
    puppet.answers = [tom];
    expect(await connection.command('GET', 'cat')).toEqual(tom);
    nowMs = 2_001;
    puppet.answers = [Buffer.from(`role:${role}\r\n`), tom];
    const reading = connection.command('GET', 'cat');
    if (isBelieved) expect(await reading).toEqual(tom);
    else await expect(reading).rejects.toThrow('not connected');
    expect(heard).toEqual(isBelieved ? [] : ['redis.client leads to a replica', 'reborn']);
    await connection.close();
  });
});

describe('a process that is kept from its work for longer than a master is taken for one', () => {
  it('A69: believes what is answered behind the question, however late; one asked too long ago is asked again', async () => {
    let nowMs = 0;
    const clock = { ...systemClock, monotonicMs: () => nowMs, after: () => () => undefined };
    const puppet = new Puppet();
    puppet.info = () => Promise.resolve('run_id:one\r\nrole:master');
    const heard: string[] = [];
    const connection = new RedisConnection(puppet as unknown as Client, false, {
      onError: (problem: string) => heard.push(problem),
      onWarning: () => undefined,
      onOddity: () => undefined,
      onReborn: () => heard.push('reborn'),
      onOpen: () => undefined,
      onTime: () => undefined,
      clock,
      where: 'redis.client',
    });
    await connection.ready();
    const looks: ((role: string) => void)[] = [];
    puppet.callBuffer = (name) =>
      name === 'INFO'
        ? new Promise((resolve) => looks.push((role) => resolve(Buffer.from(`role:${role}`))))
        : Promise.resolve(Buffer.from('Tom'));
    const read = (): Promise<unknown> => connection.command('GET', 'cat');
    nowMs = 3_000;
    const reading = [read(), read()];
    nowMs = 6_000;
    const later = read();
    expect(looks).toHaveLength(2);
    looks[0]?.('master');
    expect(await Promise.all(reading)).toEqual([Buffer.from('Tom'), Buffer.from('Tom')]);
    expect(heard).toEqual([]);
    looks[1]?.('slave');
    await expect(later).rejects.toThrow('not connected');
    await connection.close();
  });
});

describe('a server of one run whose data has another history', () => {
  /** What it answers to the next look, and what is heard of the answer of the call behind it. */
  const lookAt = async (said: string, also: readonly unknown[] = []): Promise<readonly string[]> => {
    let nowMs = 0;
    const clock = { ...systemClock, monotonicMs: () => nowMs, after: () => () => undefined };
    const puppet = new Puppet();
    puppet.info = () => Promise.resolve('run_id:one\r\nrole:master\r\nmaster_replid:first');
    const heard: string[] = [];
    const connection = new RedisConnection(puppet as unknown as Client, false, {
      onError: (problem: string) => heard.push(problem),
      onWarning: (problem: string) => heard.push(/master_replid/.exec(problem)?.[0] ?? problem),
      onOddity: () => undefined,
      onReborn: (identity) => heard.push(`reborn ${identity?.runId} ${identity?.replid}`),
      onOpen: () => undefined,
      onTime: () => undefined,
      clock,
      where: 'redis.client',
    });
    puppet.answers = [Buffer.from('Tom'), ...also];
    await connection.command('GET', 'cat');
    if (also.length === 0) nowMs = 2_001;
    else await connection.command('SET', 'cat', 'Kit').catch(() => undefined);
    puppet.answers = [Buffer.from(said), Buffer.from('Kit')];
    await connection.command('GET', 'cat');
    heard.push('answered');
    await connection.close();
    return heard;
  };

  it('A76: is met anew before an answer is handed over that was asked for two seconds after the last look', async () => {
    const met = ['master_replid', 'reborn one second', 'answered'];
    expect(await lookAt('role:master\r\nmaster_replid:second')).toEqual(met);
    expect(await lookAt('role:master\r\nmaster_replid:first')).toEqual(['answered']);
  });

  it('A76: is looked at as soon as it answers READONLY', async () => {
    const readonly = Promise.reject(Object.assign(new Error("READONLY You can't"), { name: 'ReplyError' }));
    readonly.catch(() => undefined);
    const said = Buffer.from('role:master\r\nmaster_replid:second');
    const met = ['master_replid', 'reborn one second', 'answered'];
    expect(await lookAt(String(said), [readonly, said])).toEqual(met);
  });
});

describe('a server that has not said who it is', () => {
  it('A3: is asked nothing else, and the guard hears of it before any call is answered', async () => {
    const heard: string[] = [];
    const puppet = new Puppet();
    let say: (info: string) => void = () => undefined;
    Object.assign(puppet, {
      info: () => new Promise<string>((resolve) => (say = resolve)),
      time: () => Promise.resolve([1, 0]),
      callBuffer: (_name: string, echo: string) => {
        heard.push('asked');
        return Promise.resolve(Buffer.from(echo));
      },
    });
    const connection = new RedisConnection(puppet as unknown as Client, false, {
      onError: () => undefined,
      onWarning: () => undefined,
      onOddity: () => undefined,
      onReborn: () => heard.push('reborn'),
      onOpen: () => heard.push('open'),
      onTime: () => undefined,
      clock: systemClock,
      where: 'redis.client',
    });
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    for (const [id, before] of [
      ['first', []],
      ['second', ['open', 'asked']],
    ] as const) {
      puppet.emit('close');
      puppet.emit('ready');
      const asked = connection.ping();
      await turn();
      expect(heard).toEqual(before);
      say(`# Server\r\nrun_id:${id}\r\n`);
      await asked;
    }
    expect(heard).toEqual(['open', 'asked', 'reborn', 'open', 'asked']);
  });
});

describe('a cluster', () => {
  it('A30: whose masters are others than before is told the last invalidations again', () => {
    let reborn = 0;
    const returned: string[] = [];
    const puppet = new Puppet();
    const masters = new Map<number, Node>();
    let ports = [1, 2, 3];
    Object.assign(puppet, { isCluster: true, nodes: () => ports.map((port) => masterOn(masters, port)) });
    const events = {
      onError: () => undefined,
      onWarning: () => undefined,
      onOddity: () => undefined,
      onOpen: () => undefined,
      onTime: () => undefined,
    };
    const onReturned = (master: string): void => void returned.push(master);
    const all = { ...events, onReborn: () => reborn++, onReturned, clock: systemClock, where: 'redis.client' };
    expect(new RedisConnection(puppet as unknown as Client, false, all).isUp).toBe(true);
    for (const [now, times] of [
      [[1, 2, 3], 0],
      [[3, 2, 1], 0],
      [[1, 2, 6], 1],
      [[1, 2, 6], 1],
    ] as const) {
      ports = [...now];
      puppet.emit('refresh');
      expect(reborn).toBe(times);
    }
    // Started again in the same place: nothing of it is new but the connection, and the others are as they were.
    masters.get(2)?.emit('close');
    for (const again of ['first', 'second']) {
      puppet.emit('refresh');
      expect([again, returned]).toEqual([again, ['node:2']]);
    }
    masters.delete(1);
    puppet.emit('refresh');
    expect(returned).toEqual(['node:2', 'node:1']);
    expect(reborn).toBe(1);
  });

  it('A79: a master that is dead concerns the others neither while connections to it are made nor when it is back', () => {
    let reborn = 0;
    const returned: string[] = [];
    const puppet = new Puppet();
    const masters = new Map<number, Node>();
    let ports = [1, 2, 6];
    Object.assign(puppet, { isCluster: true, nodes: () => ports.map((port) => masterOn(masters, port)) });
    const onReturned = (master: string): void => void returned.push(master);
    const events = {
      onError: () => undefined,
      onWarning: () => undefined,
      onOddity: () => undefined,
      onOpen: () => undefined,
      onTime: () => undefined,
    };
    const all = { ...events, onReborn: () => reborn++, onReturned, clock: systemClock, where: 'redis.client' };
    expect(new RedisConnection(puppet as unknown as Client, false, all).isUp).toBe(true);
    puppet.emit('refresh');
    puppet.slots = [['node:1'], ['node:2'], ['node:6']];
    for (let attempt = 0; attempt < 3; attempt++) {
      masterOn(masters, 2).emit('close');
      masters.delete(2);
      ports = [1, 6];
      puppet.emit('refresh');
      masterOn(masters, 2).status = 'connecting';
      ports = [1, 2, 6];
      puppet.emit('refresh');
    }
    expect(returned).toEqual([]);
    masters.get(2)?.emit('ready');
    expect([returned, reborn]).toEqual([['node:2'], 0]);
  });
});

describe('a cluster whose answer', () => {
  it('A30: comes from a master that was not known says so before it is handed over', async () => {
    const heard: string[] = [];
    const puppet = new Puppet();
    const masters = new Map<number, Node>();
    let ports = [1, 2, 3];
    Object.assign(puppet, { isCluster: true, nodes: () => ports.map((port) => masterOn(masters, port)) });
    const events = {
      onError: () => undefined,
      onWarning: () => undefined,
      onOddity: () => undefined,
      onOpen: () => undefined,
      onTime: () => undefined,
    };
    const onReborn = (): void => void heard.push('reborn');
    const connection = new RedisConnection(puppet as unknown as Client, false, {
      ...events,
      onReborn,
      clock: systemClock,
      where: 'redis.client',
    });
    puppet.callBuffer = async (name, ...rest) => {
      // The client was sent elsewhere on its way.
      if (name === 'elsewhere') ports = [1, 2, 6];
      if (name === 'gone') ports = [1, 2];
      if (name === 'back') ports = [1, 2, 3];
      return [name, ...rest];
    };
    for (const name of ['here', 'elsewhere', 'here', 'gone', 'back']) {
      await connection.command(name);
      heard.push(name);
    }
    // What was gone and kept nothing is new when it is back.
    expect(heard).toEqual(['here', 'reborn', 'elsewhere', 'here', 'gone', 'reborn', 'back']);
  });
});

describe('a client of yours', () => {
  it('that gives up on the probe of a slow server is probed again', async () => {
    const { connection, puppet } = connected();
    let asked = 0;
    Object.assign(puppet, {
      info: () =>
        asked++ === 0 ? Promise.reject(new Error('Command timed out')) : Promise.resolve('# Server\r\nrun_id:x\r\n'),
      time: () => Promise.resolve([1, 0]),
      callBuffer: (_name: string, echo: string) => Promise.resolve(Buffer.from(echo)),
    });
    puppet.emit('ready');
    await connection.ping();
    expect(asked).toBe(2);
  });

  it('keeps nothing of ours at the nodes of its cluster', async () => {
    const { connection, puppet } = connected('x', 'x');
    const master = new Node(1);
    let masters = [master, new Node(2)];
    Object.assign(puppet, { isCluster: true, nodes: () => masters });
    await connection.command('x');
    expect(master.listenerCount('close')).toBe(1);
    masters = [master];
    await connection.command('x');
    expect(master.listenerCount('close')).toBe(1);
    const late = connection.command('x');
    await connection.close();
    await late;
    expect(master.listenerCount('close')).toBe(0);
  });
});

describe('answers out of step', () => {
  const asked = (connection: RedisConnection, keys: readonly string[]): Promise<unknown> =>
    new Promise((resolve, reject) =>
      connection.values(keys, 's', (values, last) => resolve([[...values], last]), reject),
    );

  it('values in order are believed', async () => {
    const { connection, puppet } = connected([Buffer.from('x'), STATE]);
    expect(await asked(connection, ['e'])).toEqual([[Buffer.from('x'), STATE], STATE]);
    expect(puppet.drops).toBe(0);
  });

  it('fields in order are believed', async () => {
    const { connection, puppet } = connected([LIFE, Buffer.from('5'), ...FIRST]);
    expect((await connection.fields('m', ['i', 'f'])).slice(0, 2)).toEqual([String(LIFE), '5']);
    expect(puppet.drops).toBe(0);
  });

  it.each([
    ['values that are too many', [Buffer.from('x'), null, STATE]],
    ['values that are none', 'OK'],
    ['a number for a value', [7, STATE]],
    ['the number of another question', [Buffer.from('x'), STATE, STATE]],
    ['the fields of a hash', [Buffer.from('x')]],
  ])('%s in the place of values end the connection', async (_, values) => {
    const { connection, puppet } = connected(values);
    await expect(asked(connection, ['e'])).rejects.toThrow('out of step');
    expect(puppet.drops).toBe(1);
    expect(connection.isUp).toBe(false);
  });

  it.each([
    ['fields that are too few', [LIFE, ...FIRST]],
    ['fields that are an error of another', 42],
    ['the number of another question', [LIFE, null, LIFE, null]],
    ['a value where the generation should be', [Buffer.from('{"name":"Tom"}'), null, ...FIRST]],
  ])('%s end the connection', async (_, fields) => {
    const { connection, puppet } = connected(fields);
    await expect(connection.fields('m', ['i', 'f'])).rejects.toThrow('out of step');
    expect(puppet.drops).toBe(1);
    expect(connection.isUp).toBe(false);
  });

  it('each question asks for as many values as its number says', async () => {
    const { connection, puppet } = connected();
    const lengths: number[] = [];
    puppet.mgetBuffer = (...said) => {
      const [keys] = said as [string[]];
      lengths.push(keys.length);
      return Promise.resolve(keys.map(() => null));
    };
    for (let times = 0; times < 5; times++) await asked(connection, ['e']);
    expect(lengths).toEqual([2, 3, 4, 5, 2]);
  });

  it.each([
    ['the answer of another script', [Buffer.from('echo of another'), 1]],
    ['an answer without an echo', 1],
    ['nothing', null],
  ])('%s ends the connection', async (_, answer) => {
    const { connection, puppet } = connected(answer);
    await expect(connection.run(script('return 1'), ['e'], [])).rejects.toThrow('out of step');
    expect(puppet.drops).toBe(1);
  });

  it('the answer with the echo of its own call is believed', async () => {
    const { connection, puppet } = connected();
    puppet.callBuffer = (...said) => Promise.resolve([Buffer.from(String(said[ECHO_AT])), 7]);
    expect(await connection.run(script('return 7'), ['e'], [])).toBe(7);
  });

  it('a question asked to find out is answered by no other server', async () => {
    const { connection, puppet } = connected(Buffer.from('PONG'));
    connection.verify();
    await new Promise((resolve) => setImmediate(resolve));
    expect(puppet.drops).toBe(1);
  });
});
