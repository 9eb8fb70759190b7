import { fromJSON } from '@grpc/proto-loader';
import type { ServerDefinition } from './csi.ts';
import descriptor from './generated/registration.json' with { type: 'json' };
import type { Services } from './generated/registration-types.ts';

/** The definition of kubelet's plugin registration service. Made when it is asked for: few programs need it. */
export function registrationDefinition(): ServerDefinition<Services['Registration']> {
  const definitions = fromJSON(descriptor as object, { keepCase: true, defaults: true });
  const definition: unknown = definitions['pluginregistration.Registration'];
  // The cast: the generated types come from the same descriptor.
  return definition as ServerDefinition<Services['Registration']>;
}
