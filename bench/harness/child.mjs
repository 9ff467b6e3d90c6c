/** The other end of remote.mjs: one contestant of one bench file. */
import { importBefore, isBefore, plainName } from './before.mjs';

const [file, name] = process.argv.slice(2);
if (isBefore(name)) importBefore();
const started = import(file).then((bench) => bench.contestant(plainName(name)));

process.on('message', ({ id, method, args }) => {
  void answer(id, method, args);
});
// Whoever asked is gone; so is the reason to be here.
process.on('disconnect', () => process.exit());

async function answer(id, method, args) {
  try {
    const contestant = await started;
    process.send({ id, result: method === 'ready' ? true : await contestant[method](...args) });
  } catch (error) {
    process.send({ id, error: error instanceof Error ? error.stack : String(error) });
  }
}
