import { type ServiceName, services } from '../../../src/wire/csi.ts';

interface Codec {
  requestSerialize(value: object): Buffer;
  requestDeserialize(bytes: Buffer): object;
}

/** A request as a server gets it: sent over the wire and decoded again. */
export function arriving(methodPath: string, request: object): object {
  const [, service = '', method = ''] = methodPath.split('/');
  const definitions = services[service.replace('csi.v1.', '') as ServiceName] as unknown as Record<
    string,
    Codec
  >;
  const codec = definitions[method];
  if (!codec) throw new Error(`no method ${methodPath}`);
  return codec.requestDeserialize(codec.requestSerialize(request));
}
