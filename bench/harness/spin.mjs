/** The other end of awake.mjs: busy for as long as whoever started it is there. */
process.on('disconnect', () => process.exit());

function turn() {
  setImmediate(turn);
}

turn();
