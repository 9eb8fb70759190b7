import { chmodSync } from 'node:fs';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { type Found, OwnSocket } from '../server/own-socket.ts';
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
  #socket: OwnSocket | undefined;

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

  /** What is at the socket's path now. */
  look(): Found {
    return this.#socket?.look() ?? 'unknown';
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
    try {
      chmodSync(socket, 0o600);
    } catch (error) {
      // One that still listens would be taken for another driver's at the next attempt.
      this.close();
      throw error;
    }
    this.#socket = new OwnSocket(socket);
  }

  /** Closes it, and with it removes the socket, whoever's it is. */
  close(): void {
    this.#server.forceShutdown();
  }
}
