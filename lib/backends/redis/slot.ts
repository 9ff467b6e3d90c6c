/** The slots of a cluster. */
const SLOTS = 16_384;
/** Of CRC-16/XMODEM, which clusters spread hash tags by. */
const POLYNOMIAL = 0x1021;

/** The slot of a hash tag. */
export function slotOf(tag: string): number {
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ ((crc & 0x8000) === 0 ? 0 : POLYNOMIAL)) & 0xffff;
  }
  return crc % SLOTS;
}
