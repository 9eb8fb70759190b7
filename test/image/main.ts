// npm run image: builds the image and tells its size.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { ensureImage, imageName } from './ensure-image.ts';

const startedAt = performance.now();
const archive = await ensureImage((line) => console.log(`image: ${line}`));
const seconds = Math.round((performance.now() - startedAt) / 1000);
const { size } = await stat(archive);
console.log(
  `image: ${imageName} in ${archive}, ${megabytes(size)}, ${megabytes(await compressed(archive))} compressed, after ${seconds} s`,
);

/** As a registry would keep it: bytes after gzip. */
async function compressed(file: string): Promise<number> {
  let bytes = 0;
  await pipeline(createReadStream(file), createGzip(), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) bytes += chunk.length;
  });
  return bytes;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
