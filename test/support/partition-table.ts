/** A DOS partition table with one Linux partition. */
export function partitionTable(): Buffer {
  const sector = Buffer.alloc(512);
  sector[446 + 4] = 0x83;
  sector.writeUInt32LE(2048, 446 + 8);
  sector.writeUInt32LE(4096, 446 + 12);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}
