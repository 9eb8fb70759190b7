import { status } from '@grpc/grpc-js';
import { type Logger, stdSerializers } from 'pino';
import { CsiError } from '../errors/csi-error.ts';
import { type Call, type Interceptor, stringField } from './call.ts';

/** Asked every few seconds by kubelet and the sidecars: told at debug only. */
const frequent = new Set([
  'Probe',
  'GetPluginInfo',
  'GetPluginCapabilities',
  'ControllerGetCapabilities',
  'GroupControllerGetCapabilities',
  'NodeGetCapabilities',
  'NodeGetInfo',
  'NodeGetVolumeStats',
  'ListVolumes',
  'GetCapacity',
]);

/**
 * One line a call: method, volume, duration, code; the request only at debug and only redacted, since it may
 * hold secrets and mount options.
 */
export function callLog(log: Logger, redact: (path: string, request: object) => object): Interceptor {
  return async (call, next) => {
    const startedAt = performance.now();
    const line = (code: status) => ({
      method: call.method,
      volume: stringField(call, 'volume_id') || stringField(call, 'name') || undefined,
      node: stringField(call, 'node_id') || undefined,
      ms: Math.round(performance.now() - startedAt),
      code: status[code],
      request: log.isLevelEnabled('debug') ? redact(call.path, call.request) : undefined,
    });
    try {
      const response = await next();
      log[frequent.has(call.method) ? 'debug' : 'info'](line(status.OK), 'call');
      return response;
    } catch (error) {
      logFailure(log, call, error, line);
      throw error;
    }
  };
}

function logFailure(log: Logger, call: Call, error: unknown, line: (code: status) => object): void {
  if (!(error instanceof CsiError)) {
    log.error({ ...line(status.UNKNOWN), err: error }, 'call failed');
    return;
  }
  const serious = error.code === status.INTERNAL || error.code === status.DATA_LOSS;
  const fields = {
    ...line(error.code),
    reason: error.reason,
    cause: error.cause instanceof Error ? stdSerializers.err(error.cause) : error.cause,
  };
  log[serious ? 'error' : frequent.has(call.method) ? 'debug' : 'info'](fields, error.message);
}
