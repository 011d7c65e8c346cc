/** What an NMS is given before it starts. */
export interface Site {
  /** A folder of its own. */
  readonly folder: string;
  /** The public host keys of the devices, a line each; its comment is the device's id. */
  readonly hostKeys: readonly string[];
  /** Without data from a device, before it is probed. Seconds. */
  readonly keepalive: number;
}

/** Rpcs that were answered, and how long it took. */
export interface Answered {
  readonly rpcs: number;
  readonly seconds: number;
}

/** An NMS under measure. */
export interface Nms {
  /** Of the process whose CPU time and memory count. */
  readonly pid: number;
  /** Where devices call. */
  readonly port: number;
  /** Resolves when it has so many NETCONF sessions, since its start. */
  sessions(count: number): Promise<void>;
  /** Asks each of the first `sessions` devices for little, one rpc after the other, for some seconds. */
  rpcs(sessions: number, seconds: number): Promise<Answered>;
  /** Asks the first device for the large reply; resolves with the bytes of it and how long it took, in seconds. */
  reply(): Promise<{ readonly bytes: number; readonly seconds: number }>;
  stop(): Promise<void>;
}

/** A kind of NMS. */
export interface NmsKind {
  readonly name: string;
  start(site: Site): Promise<Nms>;
}

/** Answered with nothing. */
export const smallOperation = '<get/>';
/** Answered with the large reply. */
export const largeOperation = '<get-config><source><running/></source></get-config>';

/** What is sent by each of `senders`, one after the other, for some seconds. */
export async function sendFor(
  seconds: number,
  senders: readonly (() => Promise<unknown>)[],
): Promise<Answered> {
  const start = performance.now();
  const end = start + seconds * 1000;
  let rpcs = 0;
  await Promise.all(
    senders.map(async (send) => {
      while (performance.now() < end) {
        await send();
        rpcs += 1;
      }
    }),
  );
  return { rpcs, seconds: (performance.now() - start) / 1000 };
}
