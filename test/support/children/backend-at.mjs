// The backend at an address, for processes that are led from elsewhere. With `near`, the options of tiered(), memory lies over it.
const { memory } = await import('../../../lib/backends/memory/memory.backend.ts');
const { tiered } = await import('../../../lib/backends/tiered/tiered.backend.ts');

export async function backendAt(address, { timeout, near, nodes }) {
  const l2 = await serverAt(address, timeout, nodes);
  return near === undefined ? l2 : tiered({ l1: memory(), l2, ...near });
}

async function serverAt(address, timeout, nodes) {
  if (address.startsWith('mongodb:')) {
    const { mongo } = await import('../../../lib/backends/mongo/mongo.backend.ts');
    return mongo({ uri: address, timeout });
  }
  const { redis } = await import('../../../lib/backends/redis/redis.backend.ts');
  return redis(nodes === undefined ? { url: address, timeout } : { cluster: nodes, timeout });
}
