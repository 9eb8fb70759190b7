import { Gauge, type Registry } from 'prom-client';
import type { RegistrationState } from '../registration/kubelet-registration.ts';

/** Only where the driver registers itself. */
export function registrationMetric(registry: Registry, state: () => RegistrationState | undefined): void {
  const gauge: Gauge = new Gauge({
    name: 'berth_node_registered',
    help: 'Whether kubelet has registered the driver, where Berth registers itself.',
    registers: [registry],
    collect() {
      const now = state()?.state;
      if (now === undefined) gauge.remove();
      else gauge.set(now === 'registered' ? 1 : 0);
    },
  });
}
