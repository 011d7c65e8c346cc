import { Duplex, PassThrough } from 'node:stream';
import type { DeviceConnection, Fleet } from '@callhome/nms/fleet.js';
import type { ClientSession, ReplyStream, RequestOptions } from '@callhome/shared/netconf/client-session.js';

type Stream = ClientSession['stream'];

/** One request that reached a device, and the means to answer it. */
export interface Asked {
  readonly operation: string;
  readonly options: RequestOptions;
  readonly body: PassThrough;
  /** Ends the reply. */
  answer(xml: string, errors?: Awaited<ReplyStream['errors']>): void;
  /** Ends the reply in the middle. */
  cut(error: Error): void;
}

/** A connected device, played by the test. */
export interface FakeDevice {
  readonly connection: DeviceConnection;
  /** Called with each request; the reply has begun when it returns. */
  onRequest: (asked: Asked) => void;
  onOpenChannel: () => Promise<Duplex>;
  /** Loses its connection: the collector's session is over. */
  lose(): void;
}

export function fakeDevice(device: string): FakeDevice {
  const stream: Stream = async (operation, options = {}) => {
    // As the real one: who looks at one of its two ends may leave the other alone.
    const body = new PassThrough().on('error', () => undefined);
    let settle: (errors: Awaited<ReplyStream['errors']>) => void = () => undefined;
    let fail: (error: Error) => void = () => undefined;
    const errors: ReplyStream['errors'] = new Promise((resolve, reject) => {
      settle = resolve;
      fail = reject;
    });
    errors.catch(() => undefined);
    fake.onRequest({
      operation: typeof operation === 'string' ? operation : operation.xml.toString(),
      options,
      body,
      answer(xml, found = []) {
        body.end(xml);
        settle(found);
      },
      cut(error) {
        body.destroy(error);
        fail(error);
      },
    });
    options.signal?.addEventListener('abort', () => {
      const reason = new Error('aborted');
      body.destroy(reason);
      fail(reason);
    });
    return { body, errors };
  };
  const unexpected = () => {
    throw new Error('not expected here');
  };
  let lose: () => void = () => undefined;
  const closed = new Promise<undefined>((resolve) => {
    lose = () => resolve(undefined);
  });
  const fake: FakeDevice = {
    connection: {
      device,
      session: {
        sessionId: 42,
        capabilities: ['urn:ietf:params:netconf:base:1.1'],
        framing: 'chunked',
        request: unexpected,
        stream,
        close: unexpected,
        destroy: unexpected,
        closed,
      },
      openChannel: () => fake.onOpenChannel(),
    },
    onRequest: unexpected,
    onOpenChannel: unexpected,
    lose,
  };
  return fake;
}

/** A fleet of such devices, and what it was told to disconnect. */
export interface FakeFleet extends Fleet {
  readonly devices: Map<string, FakeDevice>;
  readonly disconnected: (readonly [device: string, reason: string])[];
}

export function fakeFleet(): FakeFleet {
  const devices = new Map<string, FakeDevice>();
  const disconnected: (readonly [string, string])[] = [];
  return {
    devices,
    disconnected,
    connection: (device) => devices.get(device)?.connection,
    likelyClone: () => undefined,
    connected: () => devices.size,
    disconnect(device, reason) {
      disconnected.push([device, reason]);
      devices.delete(device);
    },
    counters: () => ({ accepted: 3, lost: 1 }),
  };
}

/** The two ends of a channel: what one writes the other reads, no faster; each half ends by itself. */
export function channelPair(): [Duplex, Duplex] {
  const held = new Map<Duplex, () => void>();
  const release = (writer: Duplex) => {
    const done = held.get(writer);
    held.delete(writer);
    done?.();
  };
  const end = (peer: () => Duplex) =>
    new Duplex({
      highWaterMark: 1024,
      read: () => release(peer()),
      write(chunk, _encoding, done) {
        held.set(this, done);
        if (peer().push(chunk)) release(this);
      },
      final(done) {
        peer().push(null);
        done();
      },
    });
  const near: Duplex = end(() => far);
  const far: Duplex = end(() => near);
  return [near, far];
}
