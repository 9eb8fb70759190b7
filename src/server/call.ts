/** One RPC on its way through the interceptors. */
export interface Call {
  /** As on the wire: `/csi.v1.Controller/CreateVolume`. */
  readonly path: string;
  /** `CreateVolume`. */
  readonly method: string;
  /** `Controller`. */
  readonly service: string;
  readonly request: Readonly<Record<string, unknown>>;
}

export type Next = () => Promise<object>;
export type Interceptor = (call: Call, next: Next) => Promise<object>;

/** Runs a call through the interceptors, the first one outermost, and then through `handler`. */
export function intercept(interceptors: readonly Interceptor[], call: Call, handler: Next): Promise<object> {
  const step = (index: number): Promise<object> => {
    const interceptor = interceptors[index];
    return interceptor === undefined ? handler() : interceptor(call, () => step(index + 1));
  };
  return step(0);
}

/** Reads a string field of a request; empty where there is none. */
export function stringField(call: Call, name: string): string {
  const value = call.request[name];
  return typeof value === 'string' ? value : '';
}
