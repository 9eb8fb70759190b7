/** Parts of csi.json that stand alone, so that a program can load one service without the others. */
import descriptor from './generated/csi.json' with { type: 'json' };

/** The parts of protobufjs's JSON that are read here. */
interface Declared {
  readonly nested?: Record<string, Declared>;
  readonly fields?: Record<string, { type: string }>;
  readonly methods?: Record<string, { requestType: string; responseType: string }>;
}

/** The descriptor of one service of csi.v1 and of the messages that its methods lead to. */
export function serviceDescriptor(service: string): object {
  const all = descriptor.nested.csi.nested.v1.nested as Record<string, Declared>;
  const needed: Record<string, Declared> = {};
  const take = (name: string) => {
    const declared = all[name];
    if (declared === undefined || name in needed) return;
    needed[name] = declared;
    // VolumeCapability.AccessMode comes with VolumeCapability; a name that is not here is nested or built in.
    for (const type of typesIn(declared)) take(type.replace(/\..*/, ''));
  };
  take(service);
  return { nested: { ...descriptor.nested, csi: { nested: { v1: { nested: needed } } } } };
}

function typesIn({ nested = {}, fields = {}, methods = {} }: Declared): string[] {
  return [
    ...Object.values(fields).map(({ type }) => type),
    ...Object.values(methods).flatMap(({ requestType, responseType }) => [requestType, responseType]),
    ...Object.values(nested).flatMap(typesIn),
  ];
}
