/** What a process has used, for the benches that ask what something costs it. */

/** Nanoseconds of processor time that `work` takes. */
export async function processorNs(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000;
}

/** Bytes of heap and buffers after garbage collections. Needs --expose-gc. */
export async function occupied() {
  for (let pass = 0; pass < 2; pass++) {
    globalThis.gc();
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
