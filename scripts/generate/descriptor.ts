import protobuf from 'protobufjs';

/** The well-known types that CSI uses, from protobufjs's own copies. */
const wellKnown = {
  'google/protobuf/timestamp.proto': ['Timestamp'],
  'google/protobuf/wrappers.proto': ['BoolValue', 'Int64Value'],
} as const;

/**
 * The descriptor that the program loads: the CSI messages and services with their options, and of
 * google.protobuf only what they use. Declarations of options are left out: the values stay on the fields, and
 * without google/protobuf/descriptor.proto the declarations could not be resolved.
 */
export function describe(parsed: protobuf.Root): protobuf.INamespace {
  const csi = parsed.lookup('csi.v1') as protobuf.Namespace;
  const messages: Record<string, protobuf.AnyNestedObject> = {};
  for (const child of csi.nestedArray) {
    if (!(child instanceof protobuf.Field)) messages[child.name] = child.toJSON();
  }
  return {
    nested: {
      csi: { nested: { v1: { nested: messages } } },
      google: { nested: { protobuf: { nested: wellKnownTypes() } } },
    },
  };
}

function wellKnownTypes(): Record<string, protobuf.AnyNestedObject> {
  const types: Record<string, protobuf.AnyNestedObject> = {};
  for (const [file, names] of Object.entries(wellKnown)) {
    const declared = protobuf.Root.fromJSON(protobuf.common.get(file) as protobuf.INamespace);
    for (const name of names) types[name] = declared.lookupType(`google.protobuf.${name}`).toJSON();
  }
  return types;
}
