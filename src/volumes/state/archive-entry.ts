import type { VolumeRecord } from './record.ts';

/** The name of a record beside what it is of. */
const recordSuffix = '.record';

/** The name of an archived directory: of which volume it was, and when it was archived. */
export function archiveEntry(key: string, { id }: VolumeRecord, now = new Date()): string {
  const time = now
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '');
  return `${key}-${time}-${id}`;
}

/** The name of the record of an archived directory. */
export function archiveRecordName(entry: string): string {
  return `${entry}${recordSuffix}`;
}

/**
 * What the name of an archived record says: the entry, the volume's id, and when it was archived, in milliseconds since
 * 1970. Undefined where it is no such name.
 */
export function readArchiveRecordName(
  name: string,
): { readonly entry: string; readonly id: string; readonly archivedMs: number } | undefined {
  const found = /^(.+-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-([A-Za-z0-9_-]{8}))\.record$/.exec(name);
  if (found === null) return undefined;
  const [, entry = '', year, month, day, hours, minutes, seconds, id = ''] = found;
  const archivedMs = Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`);
  return Number.isNaN(archivedMs) ? undefined : { entry, id, archivedMs };
}
