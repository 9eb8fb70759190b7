import protobuf from 'protobufjs';

/** The well-known types that a contract may use, by the file it imports; from protobufjs's own copies. */
const wellKnown: Readonly<Record<string, readonly string[]>> = {
  'google/protobuf/timestamp.proto': ['Timestamp'],
  'google/protobuf/wrappers.proto': ['BoolValue', 'Int64Value'],
};

/**
 * The descriptor that the program loads: a package's messages and services with their options, and of google.protobuf
 * only what they use. Declarations of options are left out: the values stay on the fields, and without
 * google/protobuf/descriptor.proto the declarations could not be resolved.
 */
export function describe(
  { root, imports = [] }: protobuf.IParserResult,
  packageName: string,
): protobuf.INamespace {
  const parsed = root.lookup(packageName) as protobuf.Namespace;
  const messages: Record<string, protobuf.AnyNestedObject> = {};
  for (const child of parsed.nestedArray) {
    if (!(child instanceof protobuf.Field)) messages[child.name] = child.toJSON();
  }
  const types = wellKnownTypes(imports);
  return {
    nested: {
      ...nest(packageName.split('.'), messages),
      ...(Object.keys(types).length === 0 ? {} : nest(['google', 'protobuf'], types)),
    },
  };
}

function nest(
  [first = '', ...rest]: readonly string[],
  nested: Record<string, protobuf.AnyNestedObject>,
): Record<string, protobuf.AnyNestedObject> {
  return { [first]: { nested: rest.length === 0 ? nested : nest(rest, nested) } };
}

function wellKnownTypes(imports: readonly string[]): Record<string, protobuf.AnyNestedObject> {
  const types: Record<string, protobuf.AnyNestedObject> = {};
  for (const file of imports) {
    const names = wellKnown[file] ?? [];
    if (names.length === 0) continue;
    const declared = protobuf.Root.fromJSON(protobuf.common.get(file) as protobuf.INamespace);
    for (const name of names) types[name] = declared.lookupType(`google.protobuf.${name}`).toJSON();
  }
  return types;
}
