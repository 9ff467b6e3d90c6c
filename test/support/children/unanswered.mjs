// A script that asks a server which is not there, one call after the other, and says when all of them have ended.
const [kind, url] = process.argv.slice(2);
const { assemble } = await import('../machine/assemble.ts');
const { mongo } = await import('../../../lib/backends/mongo/mongo.backend.ts');
const { redis } = await import('../../../lib/backends/redis/redis.backend.ts');

const { backend, keyFactory, scopes, close } = assemble({
  backend: kind === 'mongo' ? mongo({ uri: url }) : redis({ url }),
});
await backend.open();
const key = keyFactory.key(keyFactory.space(scopes.of({ tenant: 'acme' }), 'tenant', 'cats'), ['tom'], undefined);
const outcomes = [];
for (let asked = 0; asked < 4; asked++) {
  for (const call of [() => backend.read(key), () => backend.evict([key]), () => backend.ping()])
    outcomes.push(
      await call().then(
        () => 'answered',
        () => 'failed',
      ),
    );
}
await close();
process.stdout.write(outcomes.join());
