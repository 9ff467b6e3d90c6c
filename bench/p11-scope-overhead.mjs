import 'reflect-metadata';
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { withBefore } from './harness/before.mjs';
import { HttpLoad } from './harness/http-load.mjs';
import { withRemotes } from './harness/remote.mjs';
import { median, summary } from './harness/stats.mjs';
import { fixed, percent, whole } from './harness/table.mjs';

export const about = {
  title: 'What scopes cost requests that cache nothing',
  question:
    'A Nest handler that returns a small object, with and without CacheModule and a scope resolver in the application. Nothing is cached: ' +
    'the difference is the price of knowing who is asking. Beside them an application that has entered an AsyncLocalStorage once, while it ' +
    'started, and knows nothing of us: on Node before 24 every promise pays for that. Fifty connections from another process, both servers up, turns of ' +
    '3,000 requests; and, on Fastify, requests injected in-process one after the other.',
  packages: ['@nestjs/core', '@nestjs/platform-fastify', '@nestjs/platform-express', 'fastify', 'express'],
};

const PLATFORMS = ['fastify', 'express'];
const BARE = 'bare';
const SCOPED = 'with scopes';
const KINDS = [BARE, SCOPED, 'with scopes, by a function', 'bare, a context entered once'];
const CONNECTIONS = 50;
const REQUESTS = 3_000;
const ROUNDS = 25;
const INJECTED = 1_000;
const BODY = { id: 1, name: 'Tom', likes: ['milk', 'naps'] };

export async function contestant(name) {
  const [platform, kind] = name.split(': ');
  if (kind.endsWith('once')) new AsyncLocalStorage().run({}, () => undefined);
  const app = await createApp(platform, kind.startsWith(SCOPED) ? await scopeModules(kind) : []);
  await app.listen(0, '127.0.0.1');
  // Connections rest while the other lanes have their turns; Node would close them after five seconds.
  app.getHttpServer().keepAliveTimeout = 0;
  const { port } = app.getHttpServer().address();
  let injected;
  return {
    port: () => port,
    /** Microseconds of processor time since the last call. */
    cpu: (() => {
      let before = process.cpuUsage();
      return () => {
        const { user, system } = process.cpuUsage(before);
        before = process.cpuUsage();
        return user + system;
      };
    })(),
    /** Microseconds of processor time per injected request. Fastify only. */
    async inject(requests) {
      injected ??= app.getHttpAdapter().getInstance();
      const before = process.cpuUsage();
      for (let request = 0; request < requests; request++) {
        const { statusCode } = await injected.inject({ url: '/cats/1', headers: { 'x-tenant': 'acme' } });
        assert.equal(statusCode, 200);
      }
      const { user, system } = process.cpuUsage(before);
      return (user + system) / requests;
    },
  };
}

async function createApp(platform, imports) {
  class CatsController {
    findOne() {
      return BODY;
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(CatsController.prototype, 'findOne');
  Get(':id')(CatsController.prototype, 'findOne', descriptor);
  Controller('cats')(CatsController);
  class AppModule {}
  Module({ imports, controllers: [CatsController] })(AppModule);
  const options = { logger: false };
  if (platform === 'express') return NestFactory.create(AppModule, options);
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  return NestFactory.create(AppModule, new FastifyAdapter(), options);
}

async function scopeModules(kind) {
  const { CacheModule, fromHeader, fromRequest } = await import('nestjs-scoped-cache');
  const resolve =
    kind === SCOPED
      ? fromHeader('x-tenant', { trusted: true })
      : fromRequest(({ headers }) => ({ tenant: headers['x-tenant'] }));
  return [CacheModule.forRoot({ scope: { resolve } })];
}

export async function run(report) {
  const rows = [];
  for (const platform of PLATFORMS) {
    const names = withBefore(
      KINDS.map((kind) => `${platform}: ${kind}`),
      (name) => name.includes(SCOPED),
    );
    await withRemotes(import.meta.url, names, async (remotes) => {
      const lanes = await Promise.all(remotes.map(openLane));
      for (let round = -3; round < ROUNDS; round++) {
        for (const lane of round % 2 === 0 ? lanes : lanes.toReversed()) await turn(lane, platform, round < 0);
      }
      rows.push(...lanes.map((lane) => rowOf(lane, lanes[0])));
      for (const { load } of lanes) load.close();
    });
  }
  report.table(
    'processor time of the server per request; requests per second; the same injected in-process',
    [
      ['', 'µs', 'spread', 'over bare', 'requests/s', 'injected µs', 'over bare'],
      ...rows.map(({ name, cpu, over, rate, injected, injectedOver }) => [
        name,
        fixed(cpu.median),
        percent(cpu.spread),
        percent(over),
        whole(rate),
        ...(injected === undefined ? [] : [fixed(injected), percent(injectedOver)]),
      ]),
    ],
    rows.map(({ cpu, ...row }) => ({ ...row, ...cpu })),
  );
  for (const platform of PLATFORMS) {
    const { over } = rows.find(({ name }) => name === `${platform}: ${SCOPED}`);
    report.target(`more than a bare ${platform} handler`, over * 100, { most: 2, unit: ' %' });
  }
}

async function openLane(remote) {
  const load = new HttpLoad(await remote.call('port'), '/cats/1', { 'x-tenant': 'acme' });
  const first = await load.open(CONNECTIONS);
  assert.ok(first.endsWith(JSON.stringify(BODY)), first);
  return { remote, load, cpuUs: [], rates: [], injectedUs: [] };
}

async function turn({ remote, load, cpuUs, rates, injectedUs }, platform, isWarmUp) {
  await remote.call('cpu');
  const ms = await load.send(REQUESTS);
  const us = (await remote.call('cpu')) / REQUESTS;
  const injected = platform === 'fastify' ? await remote.call('inject', INJECTED) : undefined;
  if (isWarmUp) return;
  cpuUs.push(us);
  rates.push((REQUESTS / ms) * 1_000);
  if (injected !== undefined) injectedUs.push(injected);
}

function rowOf({ remote, cpuUs, rates, injectedUs }, bare) {
  const more = (own, floor) => median(own.map((us, round) => us / floor[round])) - 1;
  const isInjected = injectedUs.length > 0;
  return {
    name: remote.name,
    cpu: summary(cpuUs),
    over: more(cpuUs, bare.cpuUs),
    rate: median(rates),
    injected: isInjected ? median(injectedUs) : undefined,
    injectedOver: isInjected ? more(injectedUs, bare.injectedUs) : undefined,
  };
}
