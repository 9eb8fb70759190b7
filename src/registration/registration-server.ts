import { chmodSync, lstatSync } from 'node:fs';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { PluginInfoInit, RegistrationStatus } from '../wire/generated/registration-types.ts';
import { registrationDefinition } from '../wire/registration.ts';

export interface RegistrationServerOptions {
  readonly info: PluginInfoInit;
  /** kubelet has asked who is there. */
  readonly onAsked: () => void;
  /** kubelet says how the registration went. */
  readonly onStatus: (registered: boolean, error: string) => void;
}

/** kubelet's plugin registration service on one socket. */
export class RegistrationServer {
  readonly #server = new Server({ 'grpc.enable_channelz': 0 });
  #identity: string | undefined;

  constructor({ info, onAsked, onStatus }: RegistrationServerOptions) {
    this.#server.addService(registrationDefinition(), {
      GetInfo: (_call: unknown, answer: (error: null, info: PluginInfoInit) => void) => {
        onAsked();
        answer(null, info);
      },
      NotifyRegistrationStatus: (
        { request }: { readonly request: RegistrationStatus },
        answer: (error: null, response: object) => void,
      ) => {
        onStatus(request.plugin_registered, request.error);
        answer(null, {});
      },
    });
  }

  /** Whether the socket at this path is the one that was made here. */
  owns(socket: string): boolean {
    return this.#identity !== undefined && identityOf(socket) === this.#identity;
  }

  /** The path has to be free. */
  async listen(socket: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.bindAsync(`unix://${socket}`, ServerCredentials.createInsecure(), (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
    // Not by the umask, as for the CSI socket: it counts for the whole process, where volumes are being made.
    chmodSync(socket, 0o600);
    this.#identity = identityOf(socket);
  }

  /** Closes it, and with it removes the socket, whoever's it is. */
  close(): void {
    this.#server.forceShutdown();
  }
}

/** The time too: inode numbers are used again. Undefined where nothing is there. */
function identityOf(socket: string): string | undefined {
  const stats = lstatSync(socket, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev} ${stats.ino} ${stats.birthtimeNs}`;
}
