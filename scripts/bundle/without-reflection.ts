import type { Plugin } from 'esbuild';

/**
 * Leaves out of the bundle that proto-loader describes every message for gRPC's server reflection, which Berth does not
 * serve: it is a sixth of the time to the first answer. The part of protobufjs that makes these descriptions, and loads
 * a descriptor of descriptors for it, is replaced by one that describes everything as nothing.
 */
export const withoutReflection: Plugin = {
  name: 'without-reflection',
  setup(build) {
    build.onLoad({ filter: /\/protobufjs\/ext\/descriptor\/index\.js$/ }, () => ({
      contents: noDescriptions,
    }));
  },
};

const noDescriptions = `
const { Root, Type, Enum } = require('../..');
Root.prototype.toDescriptor = () => ({ file: [] });
Type.prototype.toDescriptor = Enum.prototype.toDescriptor = () => ({ $type: { toObject: () => ({}) } });
`;
