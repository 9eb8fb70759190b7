import { status } from '@grpc/grpc-js';
import { CsiError } from '../errors/csi-error.ts';
import type { FilesystemType } from '../host/filesystem.ts';
import { isFilesystemType } from './capability.ts';
import { isOnDelete, type OnDelete, onDeleteValues } from './state/record.ts';
import { unrecordedMode } from './state/unrecorded-mode.ts';
import { subDirProblem } from './sub-dir.ts';

/** The StorageClass parameters, read and checked; see docs/parameters.md. */
export interface VolumeParameters {
  readonly pool?: string;
  readonly subDir?: string;
  readonly onDelete?: OnDelete;
  /** How long what was archived of the volume is kept. Seconds; undefined: for ever. */
  readonly archiveTtl?: number;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Asks for an image with this filesystem. */
  readonly fsType?: FilesystemType;
  /** Of an image: whether its space is taken from the pool at once. */
  readonly thick?: boolean;
}

const fsTypeKey = 'csi.storage.k8s.io/fstype';
const allowed = ['pool', 'subDir', 'onDelete', 'archiveTTL', 'mode', 'uid', 'gid', 'allocation', fsTypeKey];

/** What external-provisioner adds with --extra-create-metadata; the values of subDir's tokens. */
const metadata = {
  pvcName: 'csi.storage.k8s.io/pvc/name',
  pvcNamespace: 'csi.storage.k8s.io/pvc/namespace',
  pvName: 'csi.storage.k8s.io/pv/name',
};

const secondsOf = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3_600],
  ['d', 86_400],
]);

/** Keys that people bring along from other drivers, and what to write here. */
const foreign: Readonly<Record<string, string>> = {
  server: 'the server is part of the pool in the config; name the pool with "pool"',
  share: 'the export is part of the pool in the config; name the pool with "pool"',
  mountPermissions: 'write "mode", for example "0777"',
  archiveOnDelete: 'write "onDelete": "archive" for "true", "delete" for "false"',
  pathPattern: 'write "subDir", with ${pvc.metadata.namespace} and ${pvc.metadata.name}',
};

/** Reads the parameters of CreateVolume or GetCapacity. Throws INVALID_ARGUMENT for any that is not right. */
export function readParameters(
  parameters: Readonly<Record<string, string>>,
  volumeName: string,
): VolumeParameters {
  refuseUnknown(parameters);
  const { pool, subDir, onDelete, archiveTTL, mode, uid, gid, allocation } = parameters;
  const fsType = readFsType(parameters[fsTypeKey]);
  return {
    ...(pool === undefined ? {} : { pool }),
    ...(subDir === undefined ? {} : { subDir: expand(subDir, parameters, volumeName) }),
    ...(onDelete === undefined ? {} : { onDelete: readOnDelete(onDelete) }),
    ...(archiveTTL === undefined ? {} : { archiveTtl: readArchiveTtl(archiveTTL) }),
    ...(mode === undefined ? {} : { mode: readMode(mode) }),
    ...(uid === undefined ? {} : { uid: readOwner('uid', uid) }),
    ...(gid === undefined ? {} : { gid: readOwner('gid', gid) }),
    ...(fsType === undefined ? {} : { fsType }),
    ...(allocation === undefined ? {} : { thick: readAllocation(allocation) }),
  };
}

/** None, or "nfs", asks for a shared directory. */
function readFsType(text = ''): FilesystemType | undefined {
  if (text === '' || text === 'nfs') return undefined;
  if (isFilesystemType(text)) return text;
  throw invalid(
    fsTypeKey,
    'has a value that is not known; use ext4 or xfs, or leave it out for a shared directory',
  );
}

function readAllocation(text: string): boolean {
  if (text === 'thick' || text === 'thin') return text === 'thick';
  throw invalid('allocation', 'has a value that is not known; use thin or thick');
}

/** Reads what a VolumeAttributesClass may change. Throws INVALID_ARGUMENT for anything else, nothing applied. */
export function readMutableParameters(parameters: Readonly<Record<string, string>>): { onDelete?: OnDelete } {
  for (const key of Object.keys(parameters)) {
    if (key !== 'onDelete') {
      throw invalid(key, 'cannot be changed; the parameter that can is onDelete');
    }
  }
  return parameters.onDelete === undefined ? {} : { onDelete: readOnDelete(parameters.onDelete) };
}

function refuseUnknown(parameters: Readonly<Record<string, string>>): void {
  const known = [...allowed, ...Object.values(metadata)];
  for (const key of Object.keys(parameters)) {
    if (known.includes(key)) continue;
    const instead = Object.hasOwn(foreign, key) ? foreign[key] : undefined;
    throw invalid(
      key,
      instead === undefined
        ? `is not known; allowed are ${allowed.join(', ')}`
        : `is not one of Berth's: ${instead}`,
    );
  }
}

function expand(template: string, parameters: Readonly<Record<string, string>>, volumeName: string): string {
  const values: Readonly<Record<string, string | undefined>> = {
    'pvc.metadata.namespace': parameters[metadata.pvcNamespace],
    'pvc.metadata.name': parameters[metadata.pvcName],
    'pv.metadata.name': parameters[metadata.pvName] ?? volumeName,
  };
  const subDir = template.replaceAll(/\$\{([^}]*)\}/g, (_, token: string) => {
    if (!Object.hasOwn(values, token)) {
      throw invalid(
        'subDir',
        `has a token that is not known; known are ${Object.keys(values)
          .map((name) => `\${${name}}`)
          .join(', ')}`,
      );
    }
    const value = values[token];
    if (value === undefined || value === '') {
      throw invalid(
        'subDir',
        `needs \${${token}}, which the request does not carry; run external-provisioner with --extra-create-metadata`,
      );
    }
    // A value is one part of the path at most: it must not lead elsewhere.
    if (value.includes('/'))
      throw invalid('subDir', `has a token whose value contains "/"; a token stands for a name`);
    return value;
  });
  const problem = subDirProblem(subDir);
  if (problem !== undefined) throw invalid('subDir', `cannot be used: ${problem}`);
  return subDir;
}

function readOnDelete(text: string): OnDelete {
  if (isOnDelete(text)) return text;
  throw invalid('onDelete', `has a value that is not known; use ${onDeleteValues.join(', ')}`);
}

function readArchiveTtl(text: string): number {
  const [, count = '', unit = ''] = /^([1-9]\d{0,4})([smhd])$/.exec(text) ?? [];
  const seconds = secondsOf.get(unit);
  if (seconds !== undefined) return Number(count) * seconds;
  throw invalid(
    'archiveTTL',
    'is no time; write a number from 1 to 99999 and its unit (s, m, h or d), for example "30d"',
  );
}

function readMode(text: string): number {
  if (!/^[0-7]{3,4}$/.test(text))
    throw invalid('mode', 'is no file mode; write three or four octal digits, for example "0777"');
  const mode = Number.parseInt(text, 8);
  if (!Object.values(unrecordedMode).includes(mode)) return mode;
  throw invalid('mode', 'is one by which Berth knows directories that are not complete; choose another');
}

function readOwner(key: string, text: string): number {
  const id = Number(text);
  // 2^32 - 1 means "leave as it is" to chown(2).
  if (/^\d{1,10}$/.test(text) && id < 4_294_967_295) return id;
  throw invalid(key, 'is no user or group id; write a number from 0 to 4294967294');
}

function invalid(key: string, what: string): CsiError {
  const shown = key.replace(/[^\x20-\x7e]/g, '?').slice(0, 60);
  return new CsiError(status.INVALID_ARGUMENT, 'parameter-invalid', `The parameter "${shown}" ${what}.`);
}
