import type { Cluster, Redis } from 'ioredis';

export type Client = Redis | Cluster;

/**
 * One command by its name, answered in bytes. A client of the application may put commands together by itself
 * (`enableAutoPipelining`); it then forgets the name of one that is called by it, and sends a script to the slot of its
 * digest. A pipeline of one command is not put together with others.
 */
export function sendCommand(
  client: Client,
  name: string,
  ...args: readonly (string | Buffer | number)[]
): Promise<unknown> {
  return client.options.enableAutoPipelining === true ? alone(client, name, args) : client.callBuffer(name, ...args);
}

async function alone(client: Client, name: string, args: readonly (string | Buffer | number)[]): Promise<unknown> {
  const pipeline = client.pipeline().callBuffer(name, ...args);
  const [[error, reply] = [new Error('Connection is closed.')]] = (await pipeline.exec()) ?? [];
  if (error !== null) throw error;
  return reply;
}
