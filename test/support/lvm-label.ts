/** The sector that makes a device a physical volume of LVM2; it is the device's second one. */
export function lvmLabel(): Buffer {
  const sector = Buffer.alloc(512);
  sector.write('LABELONE', 0, 'latin1');
  sector.writeBigUInt64LE(1n, 8);
  sector.writeUInt32LE(32, 20);
  sector.write('LVM2 001', 24, 'latin1');
  sector.write('0123456789abcdefghijklmnopqrstuv', 32, 'latin1');
  sector.writeUInt32LE(crcOfLvm(sector.subarray(20)), 16);
  return sector;
}

/** CRC-32 as LVM begins it. */
function crcOfLvm(bytes: Uint8Array): number {
  let crc = 0xf597a6cf;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return crc >>> 0;
}
