/** A16, answer by answer: whatever cannot belong to its question ends the connection, and is no value. */
import { describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { RedisConnection, type Client } from '../../lib/backends/redis.connection.js';
import { script } from '../../lib/backends/redis.script.js';

const ECHO_AT = 4;
const LIFE = Buffer.from('abcdefghijklmnop');

/** A client whose answers are given by the test. */
class Puppet extends EventEmitter {
  status = 'wait';
  isCluster = false;
  options = {};
  drops = 0;
  answers: unknown[] = [];

  disconnect(): void {
    this.drops++;
  }

  callBuffer = (..._said: unknown[]): Promise<unknown> => Promise.resolve(this.answers.shift());
  mgetBuffer = this.callBuffer;
  hmgetBuffer = this.callBuffer;
}

function connected(...answers: unknown[]): { readonly puppet: Puppet; readonly connection: RedisConnection } {
  const puppet = new Puppet();
  puppet.answers = answers;
  const events = {
    onError: () => undefined,
    onReborn: () => undefined,
    onOpen: () => undefined,
    onTime: () => undefined,
  };
  const connection = new RedisConnection(puppet as unknown as Client, false, { ...events, monotonicMs: () => 0 });
  return { puppet, connection };
}

describe('answers out of step', () => {
  it('a reading in order is believed', async () => {
    const { connection, puppet } = connected([Buffer.from('x')], [LIFE, Buffer.from('5')]);
    expect(await connection.readWithFields(['e'], 'm', ['i', 'f'])).toEqual([[Buffer.from('x')], [String(LIFE), '5']]);
    expect(puppet.drops).toBe(0);
  });

  it.each([
    ['values that are too many', [Buffer.from('x'), null], [LIFE, null]],
    ['values that are none', 'OK', [LIFE, null]],
    ['a number for a value', [7], [LIFE, null]],
    ['fields that are too few', [null], [LIFE]],
    ['fields that are an error of another', [null], 42],
    ['a value where the incarnation should be', [null], [Buffer.from('{"name":"Tom"}'), null]],
  ])('%s end the connection', async (_, values, fields) => {
    const { connection, puppet } = connected(values, fields);
    await expect(connection.readWithFields(['e'], 'm', ['i', 'f'])).rejects.toThrow('out of step');
    expect(puppet.drops).toBe(1);
    expect(connection.isUp).toBe(false);
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

  it('a question asked to find out is answered by nobody else', async () => {
    const { connection, puppet } = connected(Buffer.from('PONG'));
    connection.verify();
    await new Promise((resolve) => setImmediate(resolve));
    expect(puppet.drops).toBe(1);
  });
});
