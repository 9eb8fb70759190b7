import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromJSON } from '@grpc/proto-loader';
import { serviceDescriptor } from '../../../src/wire/service-descriptor.ts';

/** What of csi.v1 can be loaded from the descriptor of a service. */
function declaredWith(service: string): string[] {
  return Object.keys(fromJSON(serviceDescriptor(service)))
    .filter((name) => name.startsWith('csi.v1.'))
    .map((name) => name.replace('csi.v1.', ''));
}

test('the descriptor of a service has the messages that its methods lead to, at any depth', () => {
  const declared = declaredWith('Node');
  for (const name of ['Node', 'NodePublishVolumeRequest', 'VolumeCapability', 'Topology', 'VolumeUsage']) {
    assert.ok(declared.includes(name), name);
  }
});

test('the descriptor of a service has nothing of the others', () => {
  assert.deepEqual(declaredWith('Identity').sort(), [
    'GetPluginCapabilitiesRequest',
    'GetPluginCapabilitiesResponse',
    'GetPluginInfoRequest',
    'GetPluginInfoResponse',
    'Identity',
    'PluginCapability',
    'ProbeRequest',
    'ProbeResponse',
  ]);
});
